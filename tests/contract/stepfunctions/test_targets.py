"""State machines of a template: started by rules and schedules, and what they tell others."""

from __future__ import annotations

import json
from typing import Any

import pytest

from icscaler_localcloud.targets import DeliveryError
from tests.contract.stepfunctions.conftest import START_S, Machines

HOUR_S = 3600


def executions(deployed: Machines, logical_id: str = "Shipped") -> list[Any]:
    """Executions of a machine of the template, oldest first."""
    arn = deployed.physical_id(logical_id)
    listed = deployed.api.list_executions(stateMachineArn=arn)["executions"]
    return [deployed.look(e["executionArn"]) for e in reversed(listed)]


def queued(deployed: Machines, logical_id: str) -> list[Any]:
    assert deployed.stack is not None
    arn = deployed.stack.attribute(logical_id, "Arn")
    return [json.loads(body) for body in deployed.cloud.queues.bodies(arn)]


def order(deployed: Machines, source: str = "shop") -> None:
    entry = {"Source": source, "DetailType": "Order", "Detail": '{"who": "Ann"}'}
    deployed.cloud.client("events").put_events(Entries=[entry])


def test_the_definitions_that_ship_are_the_ones_that_run(deployed: Machines) -> None:
    shipped = deployed.api.describe_state_machine(stateMachineArn=deployed.physical_id("Shipped"))
    assert deployed.cloud.functions.get("Worker").arn in shipped["definition"]
    assert "{% 30 %}" in shipped["definition"]
    inline = deployed.api.start_execution(stateMachineArn=deployed.physical_id("Inline"))
    deployed.cloud.run_for(1)
    done = deployed.look(inline["executionArn"])
    assert done["output"] == {"to": deployed.physical_id("Table")}


def test_a_rule_starts_an_execution_with_what_it_selects(deployed: Machines) -> None:
    order(deployed)
    deployed.cloud.run_for(60)
    [done] = executions(deployed)
    assert (done["status"], done["input"]) == ("SUCCEEDED", '{"who": "Ann"}')
    assert done["output"] == {"said": {"who": "Ann"}}
    assert done["took_s"] == 30


def test_every_event_is_an_execution_of_its_own(deployed: Machines) -> None:
    for _ in range(3):
        order(deployed)
    deployed.cloud.run_for(60)
    assert [done["status"] for done in executions(deployed)] == ["SUCCEEDED"] * 3
    assert len({done["name"] for done in executions(deployed)}) == 3


def test_a_schedule_starts_an_execution(deployed: Machines) -> None:
    deployed.cloud.run_for(26 * HOUR_S)
    done = executions(deployed)
    assert [e["startDate"].timestamp() - START_S for e in done] == [2 * HOUR_S, 26 * HOUR_S]
    assert done[0]["output"] == {"said": {"who": "2026-06-01T02:00:00Z"}}


def test_a_role_that_may_not_start_it_starts_nothing(deployed: Machines) -> None:
    order(deployed, source="stranger")
    deployed.cloud.run_for(60)
    assert executions(deployed) == []
    assert len(queued(deployed, "Undelivered")) == 1


@pytest.mark.parametrize(
    ("machine", "role", "code"),
    [
        pytest.param("Shipped", None, "NO_PERMISSIONS", id="no role"),
        pytest.param("none", "MachineRole", "RESOURCE_NOT_FOUND", id="no such machine"),
    ],
)
def test_what_cannot_be_started(
    deployed: Machines, machine: str, role: str | None, code: str
) -> None:
    assert deployed.stack is not None
    arn = deployed.physical_id("Shipped")
    arn = arn if machine == "Shipped" else f"{arn}-{machine}"
    role_arn = deployed.stack.attribute(role, "Arn") if role else None
    with pytest.raises(DeliveryError) as caught:
        deployed.cloud.targets.deliver(arn, {}, source_arn="rule", role_arn=role_arn)
    assert caught.value.code == code


def test_status_changes_are_events(deployed: Machines) -> None:
    order(deployed)
    deployed.cloud.run_for(10)
    [running] = executions(deployed)
    deployed.api.stop_execution(executionArn=running["executionArn"], error="Enough")
    deployed.cloud.run_for(10)
    began, ended = queued(deployed, "Inbox")
    assert began["source"] == "aws.states"
    assert began["resources"] == [running["executionArn"]]
    start_ms = round(running["startDate"].timestamp() * 1000)
    assert began["detail"] == {
        "executionArn": running["executionArn"],
        "stateMachineArn": running["stateMachineArn"],
        "name": running["name"],
        "status": "RUNNING",
        "startDate": start_ms,
        "stopDate": None,
        "input": '{"who": "Ann"}',
        "inputDetails": {"included": True},
        "output": None,
        "outputDetails": None,
        "error": None,
        "cause": None,
    }
    assert ended["detail"]["status"] == "ABORTED"
    assert ended["detail"]["stopDate"] == START_S * 1000 + 10_000
    assert ended["detail"]["error"] == "Enough"


def test_data_too_large_for_an_event_is_left_out(deployed: Machines) -> None:
    text = json.dumps("x" * 200_000)
    arn = deployed.physical_id("Shipped")
    deployed.api.start_execution(stateMachineArn=arn, input=text)
    deployed.cloud.run_for(60)
    began, ended = queued(deployed, "Inbox")
    assert began["detail"]["inputDetails"] == {"included": True}
    assert ended["detail"]["outputDetails"] == {"included": False}
    assert (ended["detail"]["input"], ended["detail"]["output"]) == (None, None)


def test_executions_are_metrics(deployed: Machines) -> None:
    order(deployed)
    deployed.cloud.run_for(120)
    dimensions = {"StateMachineArn": deployed.physical_id("Shipped")}
    now_s = int(deployed.cloud.clock.now_s)

    def total(metric: str) -> float:
        points = deployed.cloud.metrics.statistics(
            "AWS/States", metric, dimensions, "Sum", 60, START_S, now_s, now_s
        )
        return sum(value for _, value in points)

    assert (total("ExecutionsStarted"), total("ExecutionsSucceeded")) == (1, 1)
    assert total("ExecutionTime") == 30_000
