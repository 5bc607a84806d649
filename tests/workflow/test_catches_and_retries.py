"""Every Catch and every Retry of the machines does its work, and is missed when it is gone.

Each scene is about one Catch or Retry: a single state has trouble, everything else goes well. So
what a scene shows does not depend on the others, and all Catches of a definition that have the same
place in their state can be removed at once: each of their scenes has to notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.house import machine_rules
from tests.house.machine_rules import Machine
from tests.workflow.bench import (
    CHILD,
    NAMES,
    Bench,
    Seen,
    definitions,
    open_bench,
    without,
)

# What passes by itself. Lambda's: Step Functions Developer Guide, "Handle transient Lambda service
# exceptions"; the others are how a function ends that is killed or exits. Ours: `ports`.
LAMBDA = (
    *("Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException"),
    *("Lambda.ClientExecutionTimeoutException", "Lambda.TooManyRequestsException"),
    *("Lambda.Unknown", "Sandbox.Timedout", "Runtime.ExitError"),
)
OURS = ("PortError", "LeaseLostError")
ROLLOUT = {"roll_out_update": ("ConflictError",), "update_component": ("ConflictError",)}
# Nobody has named this error: no attempt is worth repeating.
WORSE = "ValueError"
RECORDING = machine_rules.RECORDING_STATE
# Where the failure to record a failure leads.
UNRECORDED = {"roll_out_update": "Broken", "update_component": "Broken"}


@dataclass(frozen=True, slots=True)
class Scene:
    """`state` meets `trouble`. A Catch leads to `then`; after a Retry (no `then`) nothing shows."""

    key: str
    number: int
    state: str
    trouble: Callable[[str], object]
    attempts: int
    then: str = ""


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with open_bench() as opened:
        yield opened


def scenes(bench: Bench, name: str, definition: Machine) -> Iterator[Scene]:
    """One for each Catch and Retry that there is."""
    for state, each in machine_rules.tasks(definition).items():
        if state == "StartComponent":
            yield from _starts(bench)
            continue
        for number, retry in enumerate(each["Retry"]):
            errors = retry["ErrorEquals"][:2]
            trouble = bench.fail(definition, state, *errors)
            yield Scene("Retry", number, state, trouble, len(errors) + 1)
        last = len(each["Catch"]) - 1
        then = UNRECORDED.get(name, "FailureNotRecorded") if state == RECORDING else RECORDING
        yield Scene("Catch", last, state, bench.fail(definition, state, WORSE), 1, then)
        if state == "AwaitPerson":  # nobody answers the token
            yield Scene("Catch", 0, state, lambda child: None, 1, "NobodyCame")


def _starts(bench: Bench) -> Iterator[Scene]:
    """The Map that starts components' executions: Step Functions itself makes the trouble."""

    def refuse(child: str, times: int) -> None:
        bench.cloud.faults.fail(
            *("stepfunctions", "StartExecution"),
            code="ServiceUnavailable",
            status=503,
            containing=f'"{child}"',
            times=times,
        )

    def start_before(child: str) -> None:
        bench.api.start_execution(stateMachineArn=CHILD, name=child, input='{"other": 1}')
        bench.cloud.run_for(60)

    state = "StartComponent"
    yield Scene("Retry", 0, state, lambda child: refuse(child, 2), 3)
    yield Scene("Catch", 0, state, start_before, 1, "StartedBefore")
    yield Scene("Catch", 0, "StartComponents", lambda child: refuse(child, 99), 0, RECORDING)


def complaint(bench: Bench, name: str, definition: Machine, scene: Scene, calm: Seen) -> str:
    """What a scene shows that should not be; empty when all is well. `calm`: without trouble."""
    seen = bench.enter(name, definition, scene.state, scene.trouble)
    if scene.attempts and seen.attempts.get(scene.state) != scene.attempts:
        return f"{seen.attempts.get(scene.state)} attempts: {seen}"
    if not scene.then:
        same = (seen.entered, seen.status, seen.error) == (calm.entered, calm.status, calm.error)
        return "" if same else f"it did not go on as if nothing had been: {seen}"
    after = seen.entered[seen.entered.index(scene.state) + 1 :]
    if scene.state == "StartComponents":
        after = tuple(each for each in after if each != "StartComponent")
    return "" if after[:1] == (scene.then,) else f"it went on with {after[:1]}: {seen}"


@pytest.fixture(scope="module", params=NAMES)
def machine(request: pytest.FixtureRequest, bench: Bench) -> tuple[str, Machine, dict[str, Seen]]:
    """A definition by name, with what each of its states shows without trouble."""
    name = str(request.param)
    definition = definitions()[name]
    calm = {
        state: bench.enter(name, definition, state)
        for state, each in machine_rules.states(definition).items()
        if each["Type"] in ("Task", "Map")
    }
    return name, definition, calm


Parts = tuple[str, Machine, dict[str, Seen]]


def test_every_catch_and_retry_has_a_scene(bench: Bench, machine: Parts) -> None:
    name, definition, _ = machine
    shown = {(scene.state, scene.key, scene.number) for scene in scenes(bench, name, definition)}
    there = {
        (state, key, number)
        for state, each in machine_rules.states(definition).items()
        for key in ("Catch", "Retry")
        for number in range(len(each.get(key, ())))
    }
    assert shown == there


def test_each_does_its_work_and_is_missed(bench: Bench, machine: Parts) -> None:
    name, definition, calm = machine
    for scene in scenes(bench, name, definition):
        said = complaint(bench, name, definition, scene, calm[scene.state])
        assert not said, f"{scene.state} {scene.key} {scene.number}: {said}"
        less = without(definition, scene.key, scene.number)
        assert complaint(bench, name, less, scene, calm[scene.state]), (
            f"nothing shows that {scene.key} {scene.number} of {scene.state} is gone"
        )


def test_every_task_outlives_whatever_passes_by_itself(bench: Bench, machine: Parts) -> None:
    name, definition, calm = machine
    errors = (*LAMBDA, *OURS, *ROLLOUT.get(name, ()))
    for state, task in machine_rules.tasks(definition).items():
        if not task["Resource"].startswith("arn:aws:states:::lambda:"):
            continue
        for first in range(0, len(errors), 4):
            some = errors[first : first + 4]
            trouble = bench.fail(definition, state, *some)
            scene = Scene("Retry", 0, state, trouble, len(some) + 1)
            said = complaint(bench, name, definition, scene, calm[state])
            assert not said, f"{state}, {some}: {said}"


def test_a_failure_is_told_to_what_records_it(bench: Bench, machine: Parts) -> None:
    name, definition, _ = machine
    for state in machine_rules.tasks(definition):
        if state in (RECORDING, "StartComponent"):
            continue
        seen = bench.enter(name, definition, state, bench.fail(definition, state, WORSE))
        told = seen.told.get("record_failure") or seen.told.get("record_component_failure")
        told = told or seen.told[RECORDING]["failure"]
        assert WORSE in (told.get("error"), told.get("Error")), (state, told)
