"""The loop on the local cloud: real handlers, real template, real API, virtual time."""

import json

import pytest
from typer.testing import CliRunner

from icscaler import reconcile, verdicts
from icscaler.adapters.codec import encode, read_look
from icscaler_cli import clock
from icscaler_cli.main import app
from tests.e2e.rig import FLEET, Rig
from tests.e2e.rig import rig as open_rig

NO_CAPACITY = "Inference Component has no capacity to process this request."


def test_load_brings_copies_and_silence_takes_them(rig: Rig) -> None:
    # About 100, later 50 in flight at 16 a copy. While one copy is overloaded its queue counts
    # too, so the ceiling is reached first; then the copies settle to what the busiest copy needs.
    rig.play(8, inline=3000)
    assert rig.copies("inline") == 8
    rig.play(40, inline=1500)
    assert 4 <= rig.copies("inline") <= 7
    rig.play(30, inline=60)
    assert rig.copies("inline") == 1
    assert rig.failures() == []
    assert rig.cloud.undelivered == []


def test_idle_models_go_to_zero_and_the_critical_one_stays_warm(rig: Rig) -> None:
    rig.play(30)
    assert (rig.copies("inline"), rig.copies("blocks"), rig.copies("flows")) == (1, 0, 0)
    steps = {record.component: record.steps for record in rig.records()}
    assert steps["blocks"] == ("Idle 0",)


@pytest.mark.both_runners
def test_a_refused_request_wakes_a_model_which_then_answers(rig: Rig) -> None:
    rig.play(30)
    assert NO_CAPACITY in str(rig.invoke("blocks"))
    waited_s = rig.until(lambda: rig.copies("blocks") == 1, step_s=5)
    # One look plus metric lag: the minute ends, becomes visible, and the next look sees it.
    assert waited_s <= 60 + 90 + 60
    rig.until(lambda: rig.invoke("blocks") == 200)
    woken = next(r for r in reversed(rig.records()) if r.component == "blocks")
    assert woken.steps == ("WokenByRefusedRequest 1",)
    rig.cloud.run_for(60)
    shown = CliRunner().invoke(app, ["learned", "--model", "blocks", "--json"])
    (learned,) = json.loads(shown.stdout)
    assert (learned["model"], learned["starts"]) == ("blocks", 1)
    assert learned["decision_s"] <= waited_s + 60
    phases = (learned["cached_s"], learned["cold_s"], learned["launched_s"])
    assert sum(seconds is not None for seconds in phases) == 1
    table = CliRunner().invoke(app, ["learned"])
    assert {"blocks", "flows", "inline"} <= set(table.stdout.split())


def test_a_wake_request_needs_no_metric(rig: Rig) -> None:
    rig.play(30)
    rig.wake("flows")
    assert rig.until(lambda: rig.copies("flows") == 1, step_s=1) <= 5
    assert rig.copies("blocks") == 0


@pytest.mark.parametrize(
    "detail",
    [
        pytest.param({"InferenceComponentNames": ["stranger"]}, id="unknown component"),
        pytest.param({"InferenceComponentNames": [17]}, id="not a name"),
        pytest.param({"nothing": "useful"}, id="no component"),
    ],
)
def test_a_senseless_wake_changes_nothing_and_breaks_nothing(rig: Rig, detail) -> None:
    rig.play(30)
    before = rig.calls("UpdateInferenceComponentRuntimeConfig")
    rig.wake(**detail)
    rig.play(2)
    assert rig.calls("UpdateInferenceComponentRuntimeConfig") == before
    assert rig.failures() == []


@pytest.mark.both_runners
def test_every_change_is_recorded_told_and_replayable(rig: Rig) -> None:
    told = rig.listen("CopyCountChanged")
    rig.play(15, inline=3000)
    changed = told()
    records = [record for record in rig.records() if record.outcome == "Accepted"]
    assert records
    assert len(changed) == len(records)
    assert {body["detail"]["InferenceComponentName"] for body in changed} >= {"inline"}
    for record in records:
        kept = rig.store.snapshot("shared", record.at_s)
        assert kept is not None
        plan = reconcile.replay(read_look(kept.payload))
        again = reconcile.replay(read_look(kept.payload))
        assert encode(plan) == encode(again)
        decision = plan.decisions[record.component]
        assert decision.desired_copies == record.to_copies
        assert verdicts.steps_text(decision) == record.steps


def test_observe_mode_decides_everything_and_may_write_nothing(tmp_path, monkeypatch) -> None:
    with open_rig(tmp_path, Mode="observe") as rig:
        rig.play(25, inline=3000)
        assert rig.calls("UpdateInferenceComponentRuntimeConfig") == 0
        assert (rig.copies("inline"), rig.copies("blocks")) == (1, 1)
        looks = rig.looks()
        assert len(looks) >= 24
        role = rig.cloud.iam.role_named(rig.stack.physical_id("ReconcileRole"))
        assert "UpdateInferenceComponentRuntimeConfig" not in json.dumps(role.documents)
        wished = [r.to_copies for r in rig.records() if r.component == "inline"]
        assert wished[0] == 1
        assert max(wished) > 1
        assert {record.outcome for record in rig.records()} == {"Observed"}
        monkeypatch.setattr(clock, "now_s", lambda: rig.cloud.clock.now_s)
        assert "observes only (Mode=observe)" in CliRunner().invoke(app, ["status"]).stderr


def test_the_kill_switch_needs_no_deploy(rig: Rig) -> None:
    rig.store.set_paused(True)
    rig.play(20, inline=3000)
    assert rig.calls("UpdateInferenceComponentRuntimeConfig") == 0
    rig.store.set_paused(False)
    rig.play(5, inline=3000)
    assert rig.copies("inline") > 1


def test_a_component_that_autoscaling_owns_is_left_alone_and_said_so(rig: Rig) -> None:
    autoscaling = rig.cloud.client("application-autoscaling")
    autoscaling.register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId="inference-component/blocks",
        ScalableDimension="sagemaker:inference-component:DesiredCopyCount",
        MinCapacity=1,
        MaxCapacity=4,
    )
    rig.play(30)
    assert (rig.copies("blocks"), rig.copies("flows")) == (1, 0)
    assert not [record for record in rig.records() if record.component == "blocks"]


def test_a_manual_change_is_honoured(rig: Rig) -> None:
    rig.play(3)
    rig.sagemaker.update_inference_component_runtime_config(
        InferenceComponentName="blocks", DesiredRuntimeConfig={"CopyCount": 3}
    )
    rig.play(40)
    assert rig.copies("blocks") == 3
    rig.play(60)
    assert rig.copies("blocks") == 0


def test_a_new_version_of_the_fleet_counts_from_the_next_look(rig: Rig) -> None:
    version = rig.store.fleet_pointer().version
    text = FLEET.replace("{name: [blocks, flows]}", "{name: [blocks, flows], min_copies: 2}")
    rig.publish(text, version)
    rig.play(2)
    assert (rig.copies("blocks"), rig.copies("flows")) == (2, 2)


def test_instances_follow_copies_to_zero_and_back(tmp_path) -> None:
    fleet = FLEET.replace("{name: inline, class: critical}", "{name: inline}")
    with open_rig(tmp_path, fleet) as rig:
        rig.play(80)
        variant = rig.sagemaker.describe_endpoint(EndpointName="shared")["ProductionVariants"][0]
        assert variant["CurrentInstanceCount"] == 0
        rig.wake("inline")
        took_s = rig.until(lambda: rig.invoke("inline") == 200)
        assert took_s <= 900
