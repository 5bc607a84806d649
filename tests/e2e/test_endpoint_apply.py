"""`icscaler endpoint apply`: drift is told by looks and put right by a person, in steps."""

from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner

from icscaler_cli import clock
from icscaler_cli.main import app
from tests.e2e.rig import ENDPOINT, FLEET, Rig
from tests.e2e.rig import rig as open_rig

STATED = FLEET.replace("max_instances: 2}", "max_instances: 3, min_instances: 1}")


@pytest.fixture
def rig(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    with open_rig(tmp_path, STATED) as stage:
        monkeypatch.setattr(clock, "now_s", lambda: stage.cloud.clock.now_s)
        monkeypatch.setattr(clock, "sleep", stage.cloud.run_for)
        yield stage


def apply(*arguments: str) -> Any:
    line = ["endpoint", "apply", *arguments, "--region", "us-east-1"]
    result: Any = CliRunner().invoke(app, line)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def limits(rig: Rig) -> tuple[int, int]:
    (variant,) = rig.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["ProductionVariants"]
    scaling = variant["ManagedInstanceScaling"]
    return scaling["MinInstanceCount"], scaling["MaxInstanceCount"]


def configs(rig: Rig) -> list[str]:
    listed = rig.sagemaker.list_endpoint_configs()["EndpointConfigs"]
    return [one["EndpointConfigName"] for one in listed]


def test_drift_is_told_and_put_right_once(rig: Rig) -> None:
    rig.play(3)
    told = [notice for look in rig.looks() for notice in look["notices"]]
    assert sorted(each for each in told if "Drift" in each) == [
        "ManagedScalingDrift main/max_instances",
        "ManagedScalingDrift main/min_instances",
    ]
    assert limits(rig) == (0, 2), "no look ever changes them"

    shown = apply(ENDPOINT, "--dry-run")
    assert shown.exit_code == 0, shown.output
    assert "main: max_instances is 2, the fleet file says 3" in shown.stdout
    assert (limits(rig), configs(rig)) == ((0, 2), [ENDPOINT])

    assert apply(ENDPOINT).exit_code == 2, "nobody is here to confirm"
    assert configs(rig) == [ENDPOINT]

    # The update is refused after the configuration was made: the next run finds it and goes on.
    refused = rig.cloud.faults.fail("sagemaker", "UpdateEndpoint", code="Busy", status=400)
    assert apply(ENDPOINT, "--yes").exit_code == 3
    assert (refused.hits, limits(rig), len(configs(rig))) == (1, (0, 2), 2)
    done = apply(ENDPOINT, "--yes")
    assert done.exit_code == 0, done.output
    assert (limits(rig), len(configs(rig))) == ((1, 3), 2)
    again = apply(ENDPOINT, "--yes")
    assert "is as the published fleet states it" in again.stderr
    rig.play(3)
    assert rig.failures() == []

    typo = apply("shard", "--yes")
    assert typo.exit_code == 1
    assert "did you mean shared?" in typo.stderr
