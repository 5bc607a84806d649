"""`icscaler adopt` and back with `icscaler release`, on the deployed controller, in virtual time.

The tests of `TestBlocks` are one story on one deployment and run in order.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from icscaler.adapters.dynamodb import DynamoStateStore
from icscaler.adapters.scaling_targets import ScalingTargets
from icscaler_cli import clock
from icscaler_cli.main import app
from tests.e2e.rig import ENDPOINT, FLEET, Rig
from tests.e2e.rig import rig as open_rig
from tests.unit.cli.shell import run

PARTLY = FLEET.replace("{name: [blocks, flows]}", "{name: blocks}").replace(
    "{name: blocks}\n", "{name: blocks}\n  - {name: flows, observe: true}\n  - {name: nobody}\n"
)
DIMENSION = "sagemaker:inference-component:DesiredCopyCount"
ALL = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
BEFORE = {
    "DynamicScalingInSuspended": True,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}


class DiedError(Exception):
    """The process is gone."""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder: Path = tmp_path_factory.mktemp("adopting")
    with open_rig(folder, PARTLY) as opened:
        for name in ("blocks", "flows"):
            register(opened, name)
        opened.play(3)
        yield opened


@pytest.fixture(autouse=True)
def at_the_clock(stage: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "ICSCALER_TABLE", "ICSCALER_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(clock, "now_s", lambda: stage.cloud.clock.now_s)
    monkeypatch.setattr(clock, "sleep", stage.cloud.sleep)


def register(stage: Rig, name: str) -> None:
    stage.cloud.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId=f"inference-component/{name}",
        ScalableDimension=DIMENSION,
        MinCapacity=1,
        MaxCapacity=4,
        SuspendedState=BEFORE,
    )


def target(stage: Rig, name: str) -> Any:
    client = stage.cloud.client("application-autoscaling")
    (found,) = client.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[f"inference-component/{name}"]
    )["ScalableTargets"]
    return found


def suspended(stage: Rig, name: str) -> dict[str, bool]:
    return dict(target(stage, name)["SuspendedState"])


def dying(line: str) -> None:
    """A command whose process dies in the middle."""
    result = CliRunner().invoke(app, line.split())
    assert isinstance(result.exception, DiedError), result.output


def die(*_: Any) -> None:
    raise DiedError


class TestBlocks:
    def test_refused_with_instructions(self, stage: Rig) -> None:
        result = run("adopt", "--model", "blocks", "--yes")
        assert result.exit_code == 1
        assert "Application Auto Scaling scales it" in result.stderr
        assert "add --take-over" in result.stderr
        assert "active, 1 to 4" in result.stdout
        assert suspended(stage, "blocks") == BEFORE
        assert stage.store.takeovers() == {}

    def test_what_icscaler_would_not_scale_is_not_taken(self, stage: Rig) -> None:
        result = run("adopt", "--model", "flows", "--take-over", "--yes")
        assert result.exit_code == 1
        assert "write `observe: false` for it in the fleet file" in result.stderr
        assert suspended(stage, "flows") == BEFORE

    def test_a_component_that_is_not_there_is_said(self) -> None:
        result = run("adopt", "--model", "nobody")
        assert result.exit_code == 1
        assert "it is not on the endpoint" in result.stderr

    def test_a_dry_run_and_nobody_to_confirm_do_nothing(self, stage: Rig) -> None:
        shown = run("adopt", "--model", "blocks", "--take-over", "--dry-run")
        assert shown.exit_code == 0
        assert "to be taken over" in shown.stdout
        assert run("adopt", "--model", "blocks", "--take-over").exit_code == 2
        assert suspended(stage, "blocks") == BEFORE

    def test_a_run_that_dies_before_it_suspends(
        self, stage: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ScalingTargets, "suspend", die)
        dying("adopt --model blocks --take-over --yes")
        assert suspended(stage, "blocks") == BEFORE
        assert stage.store.takeovers()["blocks"].suspended_before == BEFORE

    def test_a_run_that_dies_after_it_suspended(
        self, stage: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        suspend = ScalingTargets.suspend

        def then_die(self: ScalingTargets, takeover: Any) -> None:
            suspend(self, takeover)
            raise DiedError

        monkeypatch.setattr(ScalingTargets, "suspend", then_die)
        dying("adopt --model blocks --take-over --yes")
        assert suspended(stage, "blocks") == dict.fromkeys(ALL, True)

    def test_again_it_is_done_and_what_was_before_is_still_known(self, stage: Rig) -> None:
        result = run("adopt", "--model", "blocks", "--take-over", "--yes")
        assert result.exit_code == 0
        assert "1 model scaled by icscaler already" in result.stderr
        assert stage.store.takeovers()["blocks"].suspended_before == BEFORE
        assert (target(stage, "blocks")["MinCapacity"], target(stage, "blocks")["MaxCapacity"]) == (
            1,
            4,
        )

    def test_the_next_looks_scale_it(self, stage: Rig) -> None:
        stage.play(16)
        assert (stage.copies("blocks"), stage.copies("flows")) == (0, 1)
        said = run("status", "--model", "blocks").stdout
        assert "taken    over from Application Auto Scaling" in said
        assert "owns it" not in said
        assert "owns it" in run("status", "--model", "flows").stdout

    def test_a_release_that_dies_before_it_forgets(
        self, stage: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(DynamoStateStore, "forget_takeover", die)
        dying("release --model blocks --yes")
        assert suspended(stage, "blocks") == BEFORE
        assert stage.copies("blocks") >= 1

    def test_released_it_has_back_what_it_had(self, stage: Rig) -> None:
        result = run("release", "--model", "blocks", "--yes")
        assert result.exit_code == 0, result.output
        assert "blocks was given back to Application Auto Scaling" in result.stderr
        assert suspended(stage, "blocks") == BEFORE
        assert stage.store.takeovers() == {}
        again = run("release", "--model", "blocks", "--yes")
        assert again.exit_code == 0
        assert "given back" not in again.stderr

    def test_a_paused_model_is_not_taken(self, stage: Rig) -> None:
        result = run("adopt", "--model", "blocks", "--take-over", "--yes")
        assert result.exit_code == 1
        assert "icscaler resume --model blocks" in result.stderr
        assert suspended(stage, "blocks") == BEFORE

    def test_a_target_that_is_gone_is_not_made_anew(self, stage: Rig) -> None:
        assert run("resume", "--model", "blocks").exit_code == 0
        assert run("adopt", "--model", "blocks", "--take-over", "--yes").exit_code == 0
        client = stage.cloud.client("application-autoscaling")
        client.deregister_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId="inference-component/blocks",
            ScalableDimension=DIMENSION,
        )
        result = run("release", "--endpoint", ENDPOINT, "--yes")
        assert "no scalable target any more" in result.stderr
        left = client.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
        assert [one["ResourceId"] for one in left] == ["inference-component/flows"]
        assert stage.store.takeovers() == {}
