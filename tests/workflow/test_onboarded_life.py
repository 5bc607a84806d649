"""An onboarded model from its first copy to its retirement, on an endpoint that is in no file."""

from pathlib import Path
from typing import Any

import pytest

from icscaler.onboarding.record import WORKFLOW
from tests.e2e.rig import FLEET, Rig
from tests.workflow.lab import REVIEW, ROLE, Lab, command, open_lab, tick
from tests.workflow.rollouts import NEW_IMAGE, Rollouts, arrived, lost

FRESH: dict[str, Any] = {
    "name": "fresh",
    "variant": "main",
    "instance_type": "ml.g5.12xlarge",
    "execution_role_arn": ROLE,
    "max_instances": 2,
}


def described(**changes: Any) -> dict[str, Any]:
    return {"inference_component": "review", **REVIEW, **changes}


def added(rig: Rig) -> tuple[str, ...]:
    pointer = rig.store.fleet_pointer()
    assert pointer is not None
    return pointer.added


def until_zero(rig: Rig) -> None:
    rig.until(lambda: rig.copies("review") == 0 and rig.status("review") == "InService", 7200)


def test_on_a_new_endpoint_it_is_scaled_rests_wakes_and_retires(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_lab(tmp_path, "onboard_model") as lab:
        rig = lab.rig
        seen = lab.run(described(new_endpoint=FRESH))
        assert seen["output"]["managed"], seen
        assert added(rig) == ("fresh",)
        tick(rig, on=True)
        rig.play(15, review=1000)
        assert rig.current("review") == 2, "two requests' worth of copies, its ceiling"
        assert lost(rig, "review") == 0
        until_zero(rig)
        last = rig.records("fresh")[-1]
        assert (last.component, last.to_copies, last.config_version) == ("review", 0, "onboarding")
        # A request at none is refused, and wakes it by the alarm on refused requests.
        rig.play(10, review=60)
        assert rig.current("review") == 1
        refused = lost(rig, "review")
        assert 0 < refused < arrived(rig, "review") - 15_000
        rig.play(5, review=60)
        assert lost(rig, "review") == refused
        # Publishing a file that does not have it changes nothing for it.
        file = tmp_path / "next.yaml"
        file.write_text(FLEET.replace("max_copies: 8", "max_copies: 7"), "utf-8")
        published = command(lab, monkeypatch, "fleet", "publish", str(file), "--yes").output
        assert ("fresh" in published, added(rig)) == (False, ("fresh",))
        shown = command(lab, monkeypatch, "status", "--model", "review").output
        assert "fresh" in shown
        until_zero(rig)
        rig.cloud.run_for(900)
        retired = Lab(rig, "retire_model").run({"inference_component": "review"})
        assert retired["status"] == "SUCCEEDED", retired
        (left,) = retired["output"]["left"]
        assert "endpoint fresh has no component any more" in left
        assert added(rig) == ()
        assert rig.store.endpoint_of("review") is None
        assert rig.failures() == []


def test_on_an_endpoint_that_was_never_published_it_is_managed_until_the_file_has_it(
    tmp_path: Path,
) -> None:
    with open_lab(tmp_path, "onboard_model", fleet=None) as lab:
        rig = lab.rig
        assert rig.store.fleet_pointer() is None
        seen = lab.run(described(endpoint="shared"))
        assert seen["output"]["managed"], seen
        lines = seen["output"]["fleet_lines"]
        assert lines.startswith("endpoints:\n  shared:\n    variants:\n      main:\n        inst")
        tick(rig, on=True)
        until_zero(rig)
        assert {name: rig.copies(name) for name in ("inline", "blocks")} == {
            "inline": 1,
            "blocks": 1,
        }, "what was not onboarded is left alone"
        rollouts = Rollouts(rig)
        rollouts.start(components={"names": ["review"]})
        assert rollouts.end()["status"] == "SUCCEEDED"
        assert rollouts.image("review") == NEW_IMAGE
        version = rig.publish("version: 1\n" + lines)
        assert added(rig) == ()
        assert rig.store.overlays("shared") == ()
        rig.wake("review")
        rig.until(lambda: rig.current("review") == 1)
        assert rig.records()[-1].config_version == version


def test_where_instances_are_not_of_one_known_type_it_is_not_managed_and_the_output_says_so(
    tmp_path: Path,
) -> None:
    with open_lab(tmp_path, "onboard_model", fleet=None) as lab:
        rig = lab.rig
        pools = [{"InstanceType": f"ml.g5.{n}xlarge", "Priority": p} for p, n in ((1, 12), (2, 48))]
        rig.sagemaker.create_endpoint_config(
            EndpointConfigName="pools",
            ExecutionRoleArn=ROLE,
            ProductionVariants=[
                {"VariantName": "main", "InstancePools": pools, "InitialInstanceCount": 1}
            ],
        )
        rig.sagemaker.create_endpoint(EndpointName="pools", EndpointConfigName="pools")
        rig.until(lambda: rig.endpoint_status("pools") == "InService")
        seen = lab.run(described(endpoint="pools"))
        assert seen["output"]["managed"] is False, seen
        assert "what its instances offer is not known" in seen["output"]["say"]
        assert rig.store.fleet_pointer() is None
        assert [one.holder for one in rig.store.overlays("pools")] == [WORKFLOW]
