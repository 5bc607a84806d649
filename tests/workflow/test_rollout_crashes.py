"""The function of rolling updates dies at every write of every step, before it and after it.

A step that only lost its reply is in test_rollout_paths; here its work is cut in the middle.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from icscaler_localcloud.faults.calls import Effect
from icscaler_sim.world import ServiceProfile
from tests.e2e.rig import ENDPOINT, bare_rig
from tests.workflow.crashes import Crasher, Point
from tests.workflow.rollouts import IMAGE, NEW_IMAGE, PATCH, Rollouts, arrived, lost, traffic

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

SERVING = ("a", "b", "late", "wrong", "silent", "broken")
NAMES = (*SERVING, "zero")
FLEET = f"""
version: 1
defaults:
  max_copies: 2
  resources: {{gpus: 1, cpus: 4, memory_mb: 16384}}
  policy: {{target_tracking: {{metric: concurrency, target_value: 16}}}}
endpoints:
  {ENDPOINT}:
    variants:
      main: {{instance_type: ml.p4d.24xlarge, max_instances: 4}}
models:
  - {{name: [{", ".join(SERVING)}], min_copies: 1}}
  - {{name: zero}}
"""
TOKENS = "usage.completion_tokens"
PROBE = {"payload": {}, "expect": [{"path": TOKENS, "equals": 128}]}
WRONG = {"payload": {}, "expect": [{"path": TOKENS, "equals": 7}]}
# Whatever the steps are: this test names them all, so that a new one has to be met too.
ACTIONS = {
    *("plan", "move", "gate", "ask", "nobody_came", "finish", "record_failure"),
    *("take_hold", "make_ready", "update", "watch", "prove", "release"),
    "record_component_failure",
}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rollouts, Crasher, Any]]:
    """Five rollouts on one cloud, with all steps dying; how their executions ended."""
    with bare_rig(tmp_path_factory.mktemp("crashes")) as rig:
        rollouts, crasher = Rollouts(rig), Crasher("RolloutFunction")
        for name in NAMES:
            fast = ServiceProfile(image_gb=0.5, weights_gb=0.5, engine_s=20)
            rig.cloud.world.profiles.set(name, fast)
        rig.create_endpoint(ENDPOINT, *NAMES, instances=4)
        rollouts.scale("zero", 0)
        rig.publish(FLEET)
        rig.cloud.run_for(60)
        _refuse(rollouts, '"action": "gate", "rollout_id": "broken"')
        _refuse(rollouts, '"action": "prove", "rollout_id": "broken", "component": "broken"')
        traffic(rig, **dict.fromkeys(SERVING, 100))
        crasher.go(rig.cloud)
        start = rollouts.start
        names = {"names": ["a", "b", "zero"]}
        start("forth", components=names, approve_waves=[2], on_peak="raise", probes=[PROBE])
        start("back", components={"names": ["wrong"]}, probes=[WRONG])
        start("stop", components={"names": ["late"]}, wait_interval_s=600)
        start("silent", components={"names": ["silent"]}, approve_waves=[1], approval_expires_s=60)
        start("broken", components={"names": ["broken"]})
        # Not the record: that says so before the update is sent.
        rig.until(lambda: rig.status("late") == "Updating", step_s=10)
        rig.store.abort_rollout("stop", "ada", "stop it")
        rig.until(lambda: rollouts.record("forth").status == "WaitingForApproval")
        rig.store.approve_waves("forth", [2], "ada")
        rollouts.answer("forth")
        yield rollouts, crasher, {name: rollouts.end(name) for name in rollouts.names}


def _refuse(rollouts: Rollouts, containing: str) -> None:
    """Lambda refuses this step once, for good."""
    rollouts.rig.cloud.faults.fail(
        *("lambda", "Invoke"),
        code="ResourceNotFoundException",
        status=404,
        containing=containing,
    )


Ended = tuple[Rollouts, Crasher, Any]


def test_it_died_in_every_step_before_and_after(ended: Ended) -> None:
    points = ended[1].points
    for moment in (Effect.KILL_BEFORE, Effect.KILL_AFTER):
        assert {point.action for point in points if point.moment is moment} == ACTIONS
    for moment in (Effect.KILL_BEFORE, Effect.KILL_AFTER):
        assert Point("update", "UpdateInferenceComponent", 1, moment) in points
        assert Point("prove", "UpdateInferenceComponentRuntimeConfig", 1, moment) in points
        assert Point("watch", "SetAlarmState", 1, moment) in points
        assert Point("prove", "InvokeEndpoint", 1, moment) in points
    print(f"died {len(points)} times")


@pytest.mark.parametrize(
    ("rollout_id", "error", "phases"),
    [
        ("forth", None, {"a": "Updated", "b": "Updated", "zero": "Updated"}),
        ("back", "RolledBack", {"wrong": "RolledBack"}),
        ("stop", "RolledBack", {"late": "Restored"}),
        ("silent", "RolledBack", {"silent": "Waiting"}),
        ("broken", "RolledBack", {"broken": "RolledBack"}),
    ],
)
def test_each_ends_as_without_crashes(
    ended: Ended, rollout_id: str, error: str | None, phases: dict[str, str]
) -> None:
    rollouts, _, executions = ended
    assert executions[rollout_id].get("error") == error, executions[rollout_id]
    record = rollouts.record(rollout_id)
    assert rollouts.phases(rollout_id) == phases, (record.reason, record.log)
    image = NEW_IMAGE if error is None else IMAGE
    assert {rollouts.image(name) for name in phases} == {image}
    assert PATCH == {"Container": {"Image": NEW_IMAGE}}


def test_no_update_is_sent_twice_and_copies_are_as_before(ended: Ended) -> None:
    rollouts, _, _ = ended
    rig = rollouts.rig
    # One forward for each of the six that were updated; three of them came back, one of those by
    # SageMaker itself, which rang the alarm for it.
    assert rig.calls("UpdateInferenceComponent") == 6 + 2
    rig.until(lambda: rig.copies("zero") == 0)
    assert {name: rig.current(name) for name in SERVING} == dict.fromkeys(SERVING, 1)


def test_no_request_is_lost(ended: Ended) -> None:
    rig = ended[0].rig
    assert min(arrived(rig, name) for name in SERVING) >= 100 * 5
    assert {name: lost(rig, name) for name in SERVING} == dict.fromkeys(SERVING, 0)


def test_nothing_stays_held(ended: Ended) -> None:
    rollouts, _, _ = ended
    assert rollouts.holds() == {}
    assert rollouts.rig.store.listed(active=True) == ()
    cloudwatch = rollouts.rig.cloud.client("cloudwatch")
    prefix = f"{rollouts.rig.stack.name}/rollout"
    assert cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"] == []
