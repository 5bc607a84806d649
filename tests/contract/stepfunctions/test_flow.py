"""States in order: waits, choices, Parallel, Map, time limits, ends."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest

from tests.contract.stepfunctions.conftest import START_S, Machines, task

DONE = {"Type": "Succeed"}


def one(state: dict[str, Any], **machine: Any) -> dict[str, Any]:
    """A machine of one state."""
    end = {} if state["Type"] in ("Succeed", "Fail") else {"End": True}
    return {"States": {"Only": {**end, **state}}, **machine}


# -- Wait -----------------------------------------------------------------------------------------


def test_eight_hours_pass_in_no_time(machines: Machines) -> None:
    machines.output(one({"Type": "Wait", "Seconds": 1}))  # whatever is made on first use
    began = time.perf_counter()
    seen = machines.run(one({"Type": "Wait", "Seconds": 8 * 3600}), seconds=8 * 3600)
    assert seen["status"] == "SUCCEEDED"
    assert seen["took_s"] == 8 * 3600
    assert time.perf_counter() - began < 1.0


@pytest.mark.parametrize(
    ("wait", "took_s"),
    [
        pytest.param({"Seconds": 0}, 0, id="zero"),
        pytest.param({"Seconds": "{% $states.input.n * 60 %}"}, 180, id="expression"),
        pytest.param({"Timestamp": "2026-06-01T00:02:00Z"}, 120, id="until"),
        pytest.param({"Timestamp": "{% $states.input.at %}"}, 90.5, id="until, with an offset"),
        pytest.param({"Timestamp": "2026-05-31T00:00:00Z"}, 0, id="until, in the past"),
    ],
)
def test_wait(machines: Machines, wait: dict[str, Any], took_s: float) -> None:
    data = {"n": 3, "at": "2026-06-01T02:01:30.500+02:00"}
    assert machines.run(one({"Type": "Wait", **wait}), data)["took_s"] == took_s


def test_waits_are_exact_whatever_the_clock_says(machines: Machines) -> None:
    machines.cloud.run_for(0.123456)
    definition = {
        "States": {
            **{
                f"W{n}": {"Type": "Wait", "Seconds": 3, "Next": f"W{n + 1}" if n < 19 else "End"}
                for n in range(20)
            },
            "End": DONE,
        }
    }
    assert machines.run(definition)["took_s"] == pytest.approx(60, abs=1e-3)


def test_a_wait_until_no_time_fails(machines: Machines) -> None:
    seen = machines.run(one({"Type": "Wait", "Timestamp": "{% 'tomorrow' %}"}))
    assert (seen["status"], seen["error"]) == ("FAILED", "States.Runtime")


@pytest.mark.parametrize(
    ("state", "says"),
    [
        pytest.param({"Type": "Wait", "Seconds": "{% 1.5 %}"}, "'Seconds'.*not 1.5", id="Wait"),
        pytest.param({"Type": "Wait", "Seconds": "{% -1 %}"}, "'Seconds'.*not -1", id="negative"),
        pytest.param(
            task("sns:publish", {"Message": "m"}, TimeoutSeconds="{% 0 %}"),
            "TimeoutSeconds",
            id="Task",
        ),
        pytest.param(
            {
                "Type": "Map",
                "Items": [1],
                "MaxConcurrency": "{% '2' %}",
                "ItemProcessor": {"StartAt": "D", "States": {"D": DONE}},
            },
            "MaxConcurrency",
            id="Map",
        ),
    ],
)
def test_numbers_are_whole(machines: Machines, state: dict[str, Any], says: str) -> None:
    seen = machines.run(one(state))
    assert (seen["status"], seen["error"]) == ("FAILED", "States.QueryEvaluationError")
    assert re.search(says, seen["cause"])


# -- Choice, Fail ---------------------------------------------------------------------------------

CHOICE = {
    "States": {
        "Which": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": "{% $states.input.n > 10 %}",
                    "Assign": {"size": "large"},
                    "Output": "{% $states.input.n %}",
                    "Next": "Same",
                },
                {"Condition": "{% $states.input.n = 0 %}", "Next": "Nothing"},
            ],
            "Default": "Same",
            "Assign": {"size": "small"},
        },
        "Same": {"Type": "Succeed", "Output": {"is": "{% $size %}", "of": "{% $states.input %}"}},
        "Nothing": {"Type": "Fail", "Error": "Nothing", "Cause": "{% 'n is ' & $states.input.n %}"},
    }
}


@pytest.mark.parametrize(
    ("n", "output"),
    [
        pytest.param(11, {"is": "large", "of": 11}, id="a rule that goes where the default goes"),
        pytest.param(5, {"is": "small", "of": {"n": 5}}, id="default"),
    ],
)
def test_choice(machines: Machines, n: int, output: Any) -> None:
    assert machines.output(CHOICE, {"n": n}) == output


def test_fail_ends_with_its_error(machines: Machines) -> None:
    seen = machines.run(CHOICE, {"n": 0})
    assert (seen["status"], seen["error"], seen["cause"]) == ("FAILED", "Nothing", "n is 0")


def test_no_choice_matched(machines: Machines) -> None:
    choices = [{"Condition": "{% $states.input.n = 1 %}", "Next": "One"}]
    definition = {"States": {"Which": {"Type": "Choice", "Choices": choices}, "One": DONE}}
    seen = machines.run(definition, {"n": 2})
    assert (seen["status"], seen["error"]) == ("FAILED", "States.NoChoiceMatched")


def test_a_condition_is_true_or_false(machines: Machines) -> None:
    choices = [{"Condition": "{% 1 %}", "Next": "One"}]
    definition = {"States": {"Which": {"Type": "Choice", "Choices": choices}, "One": DONE}}
    seen = machines.run(definition)
    assert (seen["status"], "boolean" in seen["cause"]) == ("FAILED", True)


# -- Parallel and Map -----------------------------------------------------------------------------


def wait(seconds: float | str, **state: Any) -> dict[str, Any]:
    return {
        "Type": "Wait",
        "Seconds": seconds,
        **({} if "Next" in state else {"End": True}),
        **state,
    }


def machine_of(states: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def test_parallel_branches_wait_side_by_side(machines: Machines) -> None:
    branches = [
        machine_of({"A": wait(30, Next="B"), "B": {"Type": "Succeed", "Output": "slow"}}),
        machine_of({"C": {"Type": "Pass", "Output": "quick", "End": True}}),
    ]
    seen = machines.run(one({"Type": "Parallel", "Branches": branches}))
    assert seen["took_s"] == 30
    assert seen["output"] == ["slow", "quick"]


def test_a_failing_branch_ends_its_siblings_at_once(machines: Machines) -> None:
    branches = [
        machine_of({"A": wait(30, Next="B"), "B": {"Type": "Fail", "Error": "Late"}}),
        machine_of({"C": wait(5, Next="D"), "D": {"Type": "Fail", "Error": "Early", "Cause": "c"}}),
    ]
    catch = [{"ErrorEquals": ["Early"], "Output": "{% $states.errorOutput %}", "Next": "After"}]
    definition = {
        "States": {
            "Both": {"Type": "Parallel", "Branches": branches, "Catch": catch, "Next": "After"},
            "After": wait(100),
        }
    }
    arn = machines.start(definition)
    machines.cloud.run_for(1000)
    seen = machines.look(arn)
    assert (seen["output"], seen["took_s"]) == ({"Error": "Early", "Cause": "c"}, 105)
    kinds = [event["type"] for event in machines.history(arn)]
    assert kinds.count("FailStateEntered") == 1


def map_of(processor: dict[str, Any], items: str, **state: Any) -> dict[str, Any]:
    return one({"Type": "Map", "Items": items, "ItemProcessor": machine_of(processor), **state})


def test_map_of_forty_in_order(machines: Machines) -> None:
    # Later items are done first; results are in the order of the items all the same.
    definition = map_of(
        {
            "W": wait("{% 40 - $states.input %}", Next="P"),
            "P": {"Type": "Pass", "Output": "{% $states.input * 2 %}", "End": True},
        },
        "{% [0..39] %}",
    )
    seen = machines.run(definition)
    assert seen["output"] == [2 * n for n in range(40)]
    assert seen["took_s"] == 40


@pytest.mark.parametrize(
    ("items", "at_once", "took_s"),
    [
        pytest.param(10, 1, 100, id="one after the other"),
        pytest.param(10, 4, 30, id="four at once"),
        pytest.param(10, 0, 10, id="all at once"),
        pytest.param(10, 100, 10, id="more than there are"),
        pytest.param(100, 0, 30, id="never more than forty"),
        pytest.param(0, 3, 0, id="none"),
    ],
)
def test_max_concurrency(machines: Machines, items: int, at_once: int, took_s: float) -> None:
    definition = map_of({"W": wait(10)}, "{% $states.input.all %}", MaxConcurrency=at_once)
    seen = machines.run(definition, {"all": list(range(items))})
    assert seen["output"] == list(range(items))
    assert seen["took_s"] == took_s


def test_map_selects_items_and_knows_their_place(machines: Machines) -> None:
    selector = {
        "place": "{% $states.context.Map.Item.Index %}",
        "of": "{% $states.context.Map.Item.Value %}",
        "from": "{% $states.input.name %}",
    }
    definition = map_of(
        {"P": {"Type": "Pass", "End": True}}, "{% $states.input.list %}", ItemSelector=selector
    )
    assert machines.output(definition, {"name": "n", "list": ["a", "b"]}) == [
        {"place": 0, "of": "a", "from": "n"},
        {"place": 1, "of": "b", "from": "n"},
    ]


def test_maps_in_parallel_in_maps(machines: Machines) -> None:
    inner = map_of({"W": wait("{% $states.input %}")}, "{% [1..3] %}")["States"]["Only"]
    branches = [machine_of({"M": inner}), machine_of({"M": inner})]
    outer = map_of(
        {"Both": {"Type": "Parallel", "Branches": branches, "End": True}}, "{% [1..4] %}"
    )
    seen = machines.run(outer)
    assert seen["output"] == [[[1, 2, 3], [1, 2, 3]]] * 4
    assert seen["took_s"] == 3


def test_a_failing_iteration_aborts_the_others(machines: Machines) -> None:
    definition = map_of(
        {
            "W": wait("{% $states.input * 10 %}", Next="F"),
            "F": {"Type": "Fail", "Error": "{% 'Item' & $states.input %}"},
        },
        "{% [3, 1, 2] %}",
    )
    arn = machines.start(definition)
    machines.cloud.run_for(1000)
    seen = machines.look(arn)
    assert (seen["status"], seen["error"], seen["took_s"]) == ("FAILED", "Item1", 10)
    kinds = [event["type"] for event in machines.history(arn)]
    assert kinds.count("MapIterationFailed") == 1
    assert kinds.count("MapIterationAborted") == 2
    assert kinds[-2:] == ["MapStateFailed", "ExecutionFailed"]


def test_the_state_of_a_map_that_is_retried_starts_anew(machines: Machines) -> None:
    retry = [{"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 5, "MaxAttempts": 2}]
    definition = map_of(
        {"W": wait("{% $states.input * 10 %}", Next="F"), "F": {"Type": "Fail", "Error": "No"}},
        "{% [1..3] %}",
        Retry=retry,
    )
    arn = machines.start(definition)
    machines.cloud.run_for(1000)
    assert machines.look(arn)["took_s"] == 10 + 5 + 10 + 10 + 10
    assert len(machines.times_of(arn, "MapIterationFailed")) == 3


def test_a_map_of_fifteen_hundred_one_after_the_other(machines: Machines) -> None:
    definition = map_of(
        {"P": {"Type": "Pass", "Output": "{% $states.input + 1 %}", "End": True}},
        "{% [1..1500] %}",
        MaxConcurrency=1,
    )
    assert machines.output(definition) == list(range(2, 1502))


# -- limits ---------------------------------------------------------------------------------------


def test_a_machine_times_out_wherever_it_is(machines: Machines) -> None:
    waits = machine_of({"W": wait(100)})
    definition = one({"Type": "Parallel", "Branches": [waits, waits]}, TimeoutSeconds=60)
    arn = machines.start(definition)
    machines.cloud.run_for(200)
    seen = machines.look(arn)
    assert (seen["status"], seen["took_s"]) == ("TIMED_OUT", 60)
    assert machines.history(arn)[-1]["type"] == "ExecutionTimedOut"
    assert len(machines.times_of(arn, "WaitStateExited")) == 0


def test_no_execution_lives_longer_than_a_year(machines: Machines) -> None:
    forever = {"States": {"W": wait(99_999_999, Next="Again"), "Again": wait(99_999_999)}}
    arn = machines.start(forever)
    machines.cloud.run_for(366 * 86_400)
    seen = machines.look(arn)
    assert (seen["status"], seen["took_s"]) == ("TIMED_OUT", 365 * 86_400)


def test_twenty_five_thousand_events_and_no_more(machines: Machines) -> None:
    loop = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "A"}}
    arn = machines.start({"States": loop})
    machines.cloud.run_for(1)
    seen = machines.look(arn)
    assert seen["status"] == "FAILED"
    assert seen["cause"] == "The execution reached the maximum number of history events (25000)."
    events = machines.api.get_execution_history(executionArn=arn, reverseOrder=True)["events"]
    assert (events[0]["id"], events[0]["type"]) == (25_000, "ExecutionFailed")
    assert events[1]["type"] in ("PassStateEntered", "PassStateExited")


def test_the_last_event_may_be_success(machines: Machines) -> None:
    # Started, entered Map, started Map, 5 a item, succeeded Map, exited Map, succeeded: 6 + 4 * n.
    body = {"P": {"Type": "Pass", "Output": 0, "End": True}}
    short = map_of(body, "{% [1..6248] %}", MaxConcurrency=1)
    exact = {
        "States": {
            "M": {**short["States"]["Only"], "End": False, "Next": "P"},
            "P": {"Type": "Pass", "End": True},
        }
    }
    del exact["States"]["M"]["End"]
    arn = machines.start(exact)
    machines.cloud.run_for(1)
    assert machines.look(arn)["status"] == "SUCCEEDED"
    [last] = machines.api.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=1)[
        "events"
    ]
    assert (last["id"], last["type"]) == (25_000, "ExecutionSucceeded")


@pytest.mark.parametrize(
    ("size", "status"),
    [
        pytest.param(262_144, "SUCCEEDED", id="256 KiB"),
        pytest.param(262_145, "FAILED", id="a byte more"),
    ],
)
def test_states_pass_on_at_most_256_kib(machines: Machines, size: int, status: str) -> None:
    # 64 characters of two bytes each, and quotes.
    text = "ä" * 64
    copies = (size - 2) // 128
    rest = size - 2 - copies * 128
    output = (
        "{% $join($map([1..$states.input.n], function($i){$states.input.t})) & $states.input.r %}"
    )
    seen = machines.run(
        one({"Type": "Pass", "Output": output}), {"n": copies, "t": text, "r": "x" * rest}
    )
    assert seen["status"] == status
    if status == "FAILED":
        assert seen["error"] == "States.DataLimitExceeded"


def test_too_much_data_is_caught_by_name_only(machines: Machines) -> None:
    too_much = {"QueueUrl": "q", "MessageBody": "{% $pad('', 300000, 'x') %}"}

    def send(*errors: str) -> Any:
        catch = [{"ErrorEquals": list(errors), "Next": "Caught"}]
        state = task("sqs:sendMessage", too_much, Catch=catch)
        return machines.run({"States": {"Send": state, "Caught": DONE}})["status"]

    assert send("States.ALL") == "FAILED"
    assert send("States.TaskFailed") == "FAILED"
    assert send("States.DataLimitExceeded") == "SUCCEEDED"


def test_the_same_machines_run_the_same_way_twice(machines: Machines) -> None:
    definition = map_of(
        {
            "W": wait("{% $floor($random() * 100) %}", Next="P"),
            "P": {"Type": "Pass", "Output": "{% $uuid() %}", "End": True},
        },
        "{% [1..30] %}",
        MaxConcurrency=7,
    )

    def history() -> list[Any]:
        with type(machines.cloud)(start_s=START_S, seed=5, enforce_iam=False) as cloud:
            again = Machines(cloud)
            arn = again.start(definition, name="same")
            cloud.run_for(10_000)
            return again.history(arn)

    machines.cloud.close()
    first = history()
    assert first[-1]["type"] == "ExecutionSucceeded"
    assert first == history()
