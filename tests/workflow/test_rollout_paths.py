"""Every way through both machines, on one cloud at once: each rollout has a component of its own.

A rollout whose step is refused by Lambda for good goes to `RecordFailure`; what it does then is the
point of each test. Retries: test_catches_and_retries; a step that dies in the middle:
test_rollout_crashes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import pytest

from icscaler_sim.world import ServiceProfile
from tests.e2e.rig import ENDPOINT, Rig, bare_rig
from tests.workflow.entered import entered_on, verify
from tests.workflow.rollouts import IMAGE, NEW_IMAGE, PATCH, Rollouts, arrived, lost, traffic

NAMES = (
    *("plain", "badimage", "child-a", "child-b", "child-c", "lost", "gate", "move", "start"),
    *("finish", "ask", "nobody", "expire", "approve", "stuck", "stop"),
)
ZERO = "zero"
FLEET = f"""
version: 1
defaults:
  max_copies: 2
  min_copies: 1
  resources: {{gpus: 1, cpus: 4, memory_mb: 16384}}
  policy: {{target_tracking: {{metric: concurrency, target_value: 16}}}}
endpoints:
  {ENDPOINT}:
    variants:
      main: {{instance_type: ml.p4d.24xlarge, max_instances: 6}}
models:
  - name: [{", ".join(NAMES)}]
  - {{name: {ZERO}, min_copies: 0}}
"""


# A container that does not get healthy is given up after a minute.
QUICK = {**PATCH, "StartupParameters": {"ContainerStartupHealthCheckTimeoutInSeconds": 60}}


class Field:
    """All rollouts, started together and over."""

    def __init__(self, rig: Rig) -> None:
        self.rig, self.rollouts = rig, Rollouts(rig)
        self.ended: dict[str, Any] = {}
        self.lost_replies: list[Any] = []
        self.killed: list[Any] = []
        for name in (*NAMES, ZERO):
            fast = ServiceProfile(image_gb=0.5, weights_gb=0.5, engine_s=20)
            rig.cloud.world.profiles.set(name, fast)
        rig.create_endpoint(ENDPOINT, *NAMES, ZERO, instances=6)
        self.rollouts.scale(ZERO, 0)
        broken = ServiceProfile(image_gb=0.5, weights_gb=0.5, fails_health_check=True)
        rig.cloud.world.profiles.set("badimage", broken, image=NEW_IMAGE)
        rig.publish(FLEET)
        rig.cloud.run_for(60)
        traffic(rig, **dict.fromkeys(NAMES, 300))
        self.break_steps()
        self.start_all()
        rig.cloud.run_for(180)
        rig.store.approve_waves("approve", [1], "ada")
        self.rollouts.answer("approve")
        rig.until(lambda: self.rollouts.phases("stop")["stop"] == "Updating", step_s=10)
        rig.store.abort_rollout("stop", "ada", "stop it")
        self.wait()

    @cached_property
    def entered(self) -> set[str]:
        """What all executions have entered; they are over."""
        return entered_on(self.rig.cloud, self.rig.stack)

    def refuse(self, action: str, rollout_id: str, component: str = "", times: int = 1) -> None:
        """Lambda refuses this step for good, so many times."""
        about = f'"action": "{action}", "rollout_id": "{rollout_id}"'
        about += f', "component": "{component}"' if component else ""
        self.refuse_body(about, times)

    def refuse_body(self, containing: str, times: int = 1) -> None:
        """The same, told by a piece of what is sent."""
        self.rig.cloud.faults.fail(
            *("lambda", "Invoke"),
            code="ResourceNotFoundException",
            status=404,
            times=times,
            containing=containing,
        )

    def break_steps(self) -> None:
        for component, actions in (
            ("child-a", ("take_hold", "make_ready")),
            ("child-b", ("update", "watch")),
            ("child-c", ("prove", "release")),
        ):
            for action in actions:
                self.refuse(action, "child", component)
        self.lose_replies()
        self.refuse("take_hold", "lost", "lost")
        self.refuse("record_component_failure", "lost", "lost")
        for action in ("gate", "move", "finish", "ask"):
            self.refuse(action, action)
        self.refuse("nobody_came", "nobody")
        for name in ("plan", "broken"):
            self.refuse_body(f'"action": "plan", "request": {{"rollout_id": "{name}"')
        self.refuse("record_failure", "broken")
        self.rig.cloud.faults.fail(
            *("stepfunctions", "StartExecution"),
            code="AccessDeniedException",
            status=400,
            containing="start-start",
            times=10,  # such an error of Step Functions has no name of its own, and is tried again
        )
        kill = self.rig.cloud.faults.kill_before_call
        self.killed = [
            kill("RolloutFunction", "cloudwatch", "SetAlarmState"),
            kill("RolloutFunction", "sagemaker", "UpdateInferenceComponentRuntimeConfig"),
        ]
        self.refuse("gate", "stuck")
        self.refuse_the_old_version("stuck")

    def lose_replies(self) -> None:
        """The first reply of every step of `plain`, and of the rarer ones, is lost."""
        faults = self.rig.cloud.faults
        steps = [
            f'"action": "{name}", "rollout_id": "plain"' for name in ("move", "gate", "finish")
        ]
        steps += [
            f'"action": "{name}", "rollout_id": "plain", "component": "plain"'
            for name in ("take_hold", "make_ready", "update", "watch", "prove", "release")
        ]
        steps.append('"action": "plan", "request": {"rollout_id": "plain"')
        steps.append('"action": "ask", "rollout_id": "approve"')
        steps.append('"action": "nobody_came", "rollout_id": "expire"')
        steps.append('"action": "record_failure", "rollout_id": "gate"')
        steps.append('"action": "record_component_failure", "rollout_id": "child"')
        self.lost_replies = [
            faults.drop_reply("lambda", "Invoke", containing=step) for step in steps
        ]
        self.lost_replies.append(
            faults.drop_reply("stepfunctions", "StartExecution", containing='"plain-plain')
        )

    def refuse_the_old_version(self, component: str) -> None:
        """SageMaker takes one new version, and no other after it."""
        switch = self.rig.cloud.faults.fail(
            *("sagemaker", "UpdateInferenceComponent"),
            code="ValidationException",
            message="no",
            status=400,
            containing=f'"{component}"',
            times=10,
        )
        switch.skip = 1

    def start_all(self) -> None:
        start = self.rollouts.start
        for name in ("plain", "badimage", "lost", "gate", "move", "start", "finish", "stuck"):
            start(name, components={"names": [name]}, patch=QUICK)
        start(
            "child",
            components={"patterns": ["child-*"]},
            waves=[{"percent": 100}],
            parallel_per_endpoint=3,
        )
        for name in ("ask", "nobody", "expire", "approve"):
            expires = {"approval_expires_s": 600 if name == "approve" else 60}
            start(name, components={"names": [name]}, approve_waves=[1], **expires)
        start(ZERO, components={"names": [ZERO]}, probes=[{"payload": {}}])
        start("stop", components={"names": ["stop"]}, wait_interval_s=600)
        start("same", components={"names": ["plain"]}, patch={"Container": {"Image": IMAGE}})
        start("refused", components={"names": ["plane"]})
        start("plan", components={"names": ["plain"]})
        start("broken", components={"names": ["plain"]})
        first = self.rollouts.names["plain"]
        self.joined = start("plain", components={"names": ["plain"]})
        self.rollouts.names |= {"joined": self.joined, "plain": first}

    def wait(self) -> None:
        def over() -> bool:
            self.ended = {
                name: found
                for name, arn in self.rollouts.names.items()
                if (found := self.rollouts.described(arn))["status"] != "RUNNING"
            }
            return len(self.ended) == len(self.rollouts.names)

        try:
            self.rig.until(over, 3 * 3600, 60)
        finally:
            left = set(self.rollouts.names) - set(self.ended)
            assert not left, f"still running: {left}"


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    with bare_rig(tmp_path_factory.mktemp("field")) as rig:
        yield Field(rig)


@pytest.fixture(autouse=True)
def _marks(request: pytest.FixtureRequest, field: Field) -> None:
    verify(request, lambda: field.entered)


def outcome(field: Field, rollout_id: str) -> tuple[str, str]:
    """How its execution ended: status, and the error or output."""
    found = field.ended[rollout_id]
    return found["status"], found.get("error") or found["output"]


COMPLETED = ("SUCCEEDED", '{"status":"Completed"}')
ROLLED_BACK = ("FAILED", "RolledBack")


def whole(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.enters(*(f"roll_out_update:{name}" for name in names))


def part(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.enters(*(f"update_component:{name}" for name in names))


@whole("Begin", "WhatNext", "Pause", "Plan", "NextMove", "StartComponents", "StartComponent")
@whole("CheckGate", "Finish", "Completed")
@part("Begin", "WhatNext", "Pause", "TakeHold", "MakeReady", "Update", "Watch", "Prove")
@part("Release", "Done")
def test_every_step_may_be_repeated_after_its_reply_was_lost(field: Field) -> None:
    """Each step of `plain` was taken, but its machine never heard of it, and took it again."""
    assert outcome(field, "plain") == COMPLETED
    assert field.rollouts.image("plain") == NEW_IMAGE
    lost = [switch for switch in field.lost_replies if switch.times]
    assert lost == [], "not every step was met"
    assert field.rollouts.phases("plain") == {"plain": "Updated"}
    updates = [e for e in field.rollouts.jobs("plain")["plain"].log if e.what == "Update"]
    assert len(updates) == 1


def test_a_step_that_died_before_it_acted_acts_then(field: Field) -> None:
    """It had put down what it was about to do, and died: the alarm rings, the copy is woken."""
    assert [switch.times for switch in field.killed] == [0, 0]
    assert outcome(field, "stop") == ROLLED_BACK
    assert field.rollouts.phases("stop") == {"stop": "Restored"}
    assert outcome(field, ZERO) == COMPLETED
    what = [entry.what for entry in field.rollouts.jobs(ZERO)[ZERO].log]
    assert what.index("Wake") < what.index("PutBack") < what.index("Updated")
    field.rig.until(lambda: field.rig.copies(ZERO) == 0)


def test_no_request_is_lost_whatever_fails(field: Field) -> None:
    assert min(arrived(field.rig, name) for name in NAMES) >= 300 * 5
    assert {name: lost(field.rig, name) for name in NAMES} == dict.fromkeys(NAMES, 0)


def test_everything_is_given_back_however_it_ended(field: Field) -> None:
    assert field.rollouts.holds() == {}
    assert field.rig.store.listed(active=True) == ()
    alarms = field.rig.cloud.client("cloudwatch").describe_alarms(
        AlarmNamePrefix="icscaler/rollout"
    )
    assert alarms["MetricAlarms"] == []


@whole("RolledBack")
def test_a_container_that_does_not_start_is_no_success(field: Field) -> None:
    """SageMaker's own rollback ends InService: what is deployed tells."""
    assert outcome(field, "badimage") == ROLLED_BACK
    assert field.rig.status("badimage") == "InService"
    assert field.rollouts.image("badimage") == IMAGE
    assert field.rollouts.phases("badimage") == {"badimage": "Restored"}
    assert "health check" in field.rollouts.record("badimage").reason


@whole("Joined")
def test_the_second_start_joins_the_first(field: Field) -> None:
    status, output = outcome(field, "joined")
    assert (status, field.rollouts.names["plain"] in output) == ("SUCCEEDED", True)


@whole("NothingToDo")
def test_nothing_to_do_is_a_success(field: Field) -> None:
    status, output = outcome(field, "same")
    assert (status, '"unchanged":1' in output) == ("SUCCEEDED", True)


@whole("Refused")
def test_what_cannot_be_done_is_refused_with_reasons(field: Field) -> None:
    assert outcome(field, "refused") == ("FAILED", "Refused")
    assert "plane: is not in the published fleet" in field.ended["refused"]["cause"]


@whole("Plan!RecordFailure", "RecordFailure")
def test_a_plan_that_fails_is_a_refusal(field: Field) -> None:
    assert outcome(field, "plan") == ("FAILED", "Refused")
    assert "could not even be planned" in field.ended["plan"]["cause"]


@whole("RecordFailure!Broken", "Broken")
def test_when_even_recording_fails_the_execution_does(field: Field) -> None:
    assert outcome(field, "broken") == ("FAILED", "Broken")
    assert "ResourceNotFoundException" in field.ended["broken"]["cause"]


@whole("NextMove!RecordFailure", "CheckGate!RecordFailure", "AwaitPerson!RecordFailure")
@whole("NobodyCame!RecordFailure", "StartComponents!RecordFailure")
@pytest.mark.parametrize("rollout_id", ["move", "gate", "ask", "nobody", "start"])
def test_a_step_that_fails_for_good_rolls_back(field: Field, rollout_id: str) -> None:
    assert outcome(field, rollout_id) == ROLLED_BACK
    assert field.rollouts.image(rollout_id) == IMAGE
    assert "a step failed" in field.rollouts.record(rollout_id).reason


@whole("Finish!RecordFailure")
def test_an_end_that_fails_is_tried_again(field: Field) -> None:
    assert outcome(field, "finish") == COMPLETED


@whole("AwaitPerson")
def test_an_approved_wave_starts(field: Field) -> None:
    assert outcome(field, "approve") == COMPLETED
    statuses = [entry.what for entry in field.rollouts.record("approve").log]
    assert statuses[:2] == ["Started", "WaitingForApproval"]


@whole("AwaitPerson!NobodyCame", "NobodyCame")
def test_without_an_answer_in_time_it_ends(field: Field) -> None:
    assert outcome(field, "expire") == ROLLED_BACK
    assert "nobody answered" in field.rollouts.record("expire").reason
    assert field.rollouts.phases("expire") == {"expire": "Waiting"}


@whole("Stuck")
def test_what_cannot_be_rolled_back_is_reported_as_exactly_that(field: Field) -> None:
    assert outcome(field, "stuck") == ("FAILED", "Stuck")
    assert field.rollouts.phases("stuck") == {"stuck": "Stuck"}
    assert field.rollouts.image("stuck") == NEW_IMAGE
    assert "no" in field.rollouts.jobs("stuck")["stuck"].reason


@part("TakeHold!RecordFailure", "MakeReady!RecordFailure", "Update!RecordFailure")
@part("Watch!RecordFailure", "Prove!RecordFailure", "Release!RecordFailure", "RecordFailure")
def test_a_component_whose_step_fails_for_good_starts_over(field: Field) -> None:
    assert outcome(field, "child") == COMPLETED
    assert set(field.rollouts.phases("child").values()) == {"Updated"}
    failures = {name: job.failures for name, job in field.rollouts.jobs("child").items()}
    assert failures == {"child-a": 2, "child-b": 2, "child-c": 2}


@whole("StartComponent!StartedBefore", "StartedBefore")
@part("RecordFailure!Broken", "Broken")
def test_an_execution_that_ended_without_a_word_is_started_again(field: Field) -> None:
    assert outcome(field, "lost") == COMPLETED
    ended = sorted(one["status"] for one in field.rollouts.children("lost"))
    assert ended == ["FAILED", "SUCCEEDED"]
