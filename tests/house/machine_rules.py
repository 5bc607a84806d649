"""Rules that every definition in statemachines/ keeps, as functions from a machine to its faults.

Python decides and the machine waits: so every Task says what is tried again, where a failure is
recorded and when it has taken too long; every loop is counted down; and a reader of the console
finds a sentence at each state. `tests/house/test_machines.py` applies them and proves that each
can fail.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

Machine = dict[str, Any]
Rule = Callable[[Machine], Iterator[str]]

# The one state that failures lead to; and the variable that loops count down.
RECORDING_STATE = "RecordFailure"
ROUNDS = "rounds_left"
COMMENT_CHARACTERS = 20
_FINAL_ERRORS = frozenset({"States.ALL", "States.Timeout", "States.DataLimitExceeded"})
_SUBSTITUTION = re.compile(r"\$\{(\w+)\}")


def read(path: Path) -> Machine:
    """A definition as data."""
    machine: Machine = json.loads(path.read_text(encoding="utf-8"))
    return machine


def scopes(machine: Machine) -> Iterator[Machine]:
    """The machine and every processor and branch inside it: what has States of its own."""
    yield machine
    for state in machine["States"].values():
        for scope in inner(state):
            yield from scopes(scope)


def inner(state: Mapping[str, Any]) -> Iterator[Machine]:
    """What has States of its own directly inside a state: a Map's processor, branches."""
    yield from filter(None, (state.get("ItemProcessor"), *state.get("Branches", ())))


def states(machine: Machine) -> dict[str, Any]:
    """Every state by name, those inside Map and Parallel too."""
    return {name: state for scope in scopes(machine) for name, state in scope["States"].items()}


def tasks(machine: Machine) -> dict[str, Any]:
    """The states that do work."""
    return {name: state for name, state in states(machine).items() if state["Type"] == "Task"}


def entries(machine: Machine) -> set[str]:
    """What tests have to enter: `State` for each state, `State!Target` for each Catch."""
    found = set(states(machine))
    for name, state in states(machine).items():
        found |= {f"{name}!{catch['Next']}" for catch in state.get("Catch", ())}
    return found


def substitutions(machine: Machine) -> set[str]:
    """The `${Name}`s that the template has to fill in."""
    return set(_SUBSTITUTION.findall(json.dumps(machine)))


def successors(state: Mapping[str, Any]) -> set[str]:
    """Where a state may lead."""
    found = {state.get("Next"), state.get("Default")}
    found |= {choice.get("Next") for choice in state.get("Choices", ())}
    found |= {catch["Next"] for catch in state.get("Catch", ())}
    return {str(name) for name in found if name}


def _cycles_without(scope: Machine, left_out: Callable[[Mapping[str, Any]], bool]) -> set[str]:
    """States on some cycle that passes no state for which `left_out` holds."""
    edges = {n: successors(s) for n, s in scope["States"].items() if not left_out(s)}

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(edges[start])
        while waiting:
            name = waiting.pop()
            if name in edges and name not in seen:
                seen.add(name)
                waiting.extend(edges[name])
        return seen

    return {name for name in edges if name in reachable(name)}


# ---------------------------------------------------------------- rules


def jsonata(machine: Machine) -> Iterator[str]:
    """One query language."""
    if machine.get("QueryLanguage") != "JSONata":
        yield "the machine is not JSONata"


def commented(machine: Machine) -> Iterator[str]:
    """The machine and every state say what they are for."""
    if len(machine.get("Comment", "")) < COMMENT_CHARACTERS:
        yield "the machine has no Comment"
    for name, state in states(machine).items():
        if len(state.get("Comment", "")) < COMMENT_CHARACTERS:
            yield f"{name} has no Comment"


def ends_by_itself(machine: Machine) -> Iterator[str]:
    """The machine has a time limit, and so has every Task."""
    if not machine.get("TimeoutSeconds"):
        yield "the machine has no TimeoutSeconds"
    for name, state in tasks(machine).items():
        if not state.get("TimeoutSeconds"):
            yield f"{name} has no TimeoutSeconds"


def tries_again(machine: Machine) -> Iterator[str]:
    """Every Task names the errors that are worth another attempt, with backoff and jitter."""
    for name, state in tasks(machine).items():
        retries = state.get("Retry", ())
        if not retries:
            yield f"{name} has no Retry"
        for retry in retries:
            if _FINAL_ERRORS & set(retry["ErrorEquals"]):
                yield f"{name} tries again whatever the error: {retry['ErrorEquals']}"
            if retry.get("JitterStrategy") != "FULL":
                yield f"{name} tries again without jitter"
            if not (retry.get("BackoffRate", 0) > 1 and retry.get("MaxAttempts", 0) > 0):
                yield f"{name}: attempts or backoff are left to the default"


def failures_are_recorded(machine: Machine) -> Iterator[str]:
    """Every Task's last Catch takes everything to the recording state, whose own ends the run.

    Inside a Map or Parallel the state outside catches for all.
    """
    for scope in (machine,):
        for name, state in scope["States"].items():
            if state["Type"] not in ("Task", "Map", "Parallel"):
                continue
            catches = state.get("Catch", ())
            if not catches or catches[-1]["ErrorEquals"] != ["States.ALL"]:
                yield f"{name} does not catch everything"
                continue
            recorded = catches[-1]["Next"]
            if name == RECORDING_STATE:
                if scope["States"][recorded]["Type"] != "Fail":
                    yield f"{name}: when even recording fails, the execution does not"
            elif recorded != RECORDING_STATE:
                yield f"{name}: failures go to {recorded}, not to {RECORDING_STATE}"


def loops_are_bounded(machine: Machine) -> Iterator[str]:
    """Every cycle counts `$rounds_left` down, and passes a Choice that looks at it."""

    def counts(state: Mapping[str, Any]) -> bool:
        return re.search(rf"\${ROUNDS} - 1", str(state.get("Assign", {}).get(ROUNDS))) is not None

    def looks(state: Mapping[str, Any]) -> bool:
        return state["Type"] == "Choice" and f"${ROUNDS}" in json.dumps(state["Choices"])

    for scope in scopes(machine):
        for name in sorted(_cycles_without(scope, counts)):
            yield f"{name} is on a loop that counts nothing down"
        for name in sorted(_cycles_without(scope, looks)):
            yield f"{name} is on a loop that nothing ends"


def arns_are_substituted(machine: Machine) -> Iterator[str]:
    """No function, machine, topic or bus is written out; only integrations have ARNs."""
    for name, state in states(machine).items():
        for arn in re.findall(r"arn:[^\"]+", json.dumps(state)):
            if not arn.startswith("arn:aws:states:::"):
                yield f"{name} names {arn}"


RULES: tuple[Rule, ...] = (
    jsonata,
    commented,
    ends_by_itself,
    tries_again,
    failures_are_recorded,
    loops_are_bounded,
    arns_are_substituted,
)
