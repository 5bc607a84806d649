"""What executions entered: states, and which Catch took over where."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.deployer import Stack
from tests.house import machine_rules, template_rules

ROOT = Path(__file__).parents[2]
MARK = "enters"
_FAILED = frozenset(
    {
        "TaskFailed",
        "TaskTimedOut",
        "TaskStartFailed",
        "TaskSubmitFailed",
        "MapStateFailed",
        "MapIterationFailed",
    }
)


def verify(request: pytest.FixtureRequest, found: Callable[[], set[str]]) -> None:
    """The test has entered what its marks say; `found` tells what its executions entered."""
    named = {name for mark in request.node.iter_markers(MARK) for name in mark.args}
    missing = named - found() if named else set()
    assert not missing, f"never entered: {', '.join(sorted(missing))}"


def to_enter() -> set[str]:
    """`file:State` and `file:State!Target` of everything that ships."""
    return {
        f"{_short(file.name)}:{entry}"
        for file in sorted((ROOT / "statemachines").glob("*.asl.json"))
        for entry in machine_rules.entries(machine_rules.read(file))
    }


def entered_on(cloud: LocalCloud, stack: Stack) -> set[str]:
    """The same names for what every execution of the stack's machines has entered so far."""
    api: Any = cloud.client("stepfunctions")
    found: set[str] = set()
    template = template_rules.read(ROOT / "template.yaml")
    for logical_id, properties in template_rules.machines(template).items():
        arn = stack.physical_id(logical_id)
        short = _short(Path(properties["DefinitionUri"]).name)
        for page in api.get_paginator("list_executions").paginate(stateMachineArn=arn):
            for execution in page["executions"]:
                found |= entered(short, history(api, execution["executionArn"]))
    return found


def history(api: Any, execution_arn: str) -> list[Any]:
    """All events of an execution, oldest first."""
    pages = api.get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    return [event for page in pages for event in page["events"]]


def entered(machine: str, events: Iterable[Any]) -> set[str]:
    """What one execution's history shows."""
    by_id = {event["id"]: event for event in events}
    found: set[str] = set()
    for event in by_id.values():
        details = event.get("stateEnteredEventDetails")
        if details is None:
            continue
        found.add(f"{machine}:{details['name']}")
        left = by_id.get(event["previousEventId"], {})
        before = by_id.get(left.get("previousEventId"), {})
        if "stateExitedEventDetails" in left and before.get("type") in _FAILED:
            found.add(f"{machine}:{left['stateExitedEventDetails']['name']}!{details['name']}")
    return found


def _short(file_name: str) -> str:
    """The name by which tests speak of a definition: `roll_out_update`."""
    return file_name.removesuffix(".asl.json")
