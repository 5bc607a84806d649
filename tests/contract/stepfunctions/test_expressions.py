"""JSONata: values, what is added, what is refused, and variables between states."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from icscaler_localcloud.stepfunctions.expressions import ExpressionError, Expressions, check
from tests.contract.stepfunctions.conftest import START_S, Machines

INPUT = {
    "none": None,
    "list": [1, 2, 3],
    "nested": [{"a": 1}, {"a": 2}],
    "text": 'say "hi",\nthen \\ leave {% $x %}',
    "empty": [],
    "big": 9_007_199_254_740_991,
}


def evaluate(expression: str, **variables: Any) -> Any:
    expressions = Expressions(lambda: START_S + 0.5, Random(1))
    return expressions.evaluate(expression, {"states": {"input": INPUT}, **variables})


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        # null and undefined are two things
        ("null", None),
        ("$states.input.none", None),
        ("$exists($states.input.none)", True),
        ("$exists($states.input.absent)", False),
        ('{"a": $states.input.none, "b": $states.input.absent}', {"a": None}),
        ("$none", None),
        # strings are data, never program text
        ("$states.input.text", INPUT["text"]),
        ("$states.input.text & '!'", f"{INPUT['text']}!"),
        ("$text", 'a "quoted"\nvariable'),
        # the context inside predicates, steps and sorts
        ("$states.input.list[$ > 1]", [2, 3]),
        ("$states.input.list.{'v': $}", [{"v": 1}, {"v": 2}, {"v": 3}]),
        ("$states.input.list^(>$)", [3, 2, 1]),
        ("$states.input.nested.a", [1, 2]),
        ("$states.input.nested[a = 2].a", 2),
        ("$states.input.empty", []),
        # arrays and lazy ranges
        ("[1..3]", [1, 2, 3]),
        ('{"r": [1..2]}', {"r": [1, 2]}),
        ("$map([1..3], function($v, $i) {$v * $i})", [0, 2, 6]),
        ("$reduce([1..4], function($a, $b) {$a + $b})", 10),
        # numbers as JavaScript writes them
        ("10 / 2", 5),
        ("10 / 4", 2.5),
        ("1.5 + 1.5", 3),
        ("$states.input.big", 9_007_199_254_740_991),
        # functions and closures
        ("($f := function($n) { $n = 0 ? 1 : $n * $f($n - 1) }; $f(5))", 120),
        ("$merge([{'a': 1}, {'b': null}])", {"a": 1, "b": None}),
        # time is the virtual clock's
        ("$millis()", (START_S * 1000) + 500),
        ("$now()", "2026-06-01T00:00:00.500Z"),
        ("$now('[Y0001]-[M01]')", "2026-06"),
        # what Step Functions adds
        ("$partition([1..5], 2)", [[1, 2], [3, 4], [5]]),
        ("$partition([], 2)", []),
        ("$range(0, 10, 5)", [0, 5, 10]),
        ("$range(5, 1, -2)", [5, 3, 1]),
        ("$range(1, 0, 1)", []),
        ("$hash('a', 'MD5')", "0cc175b9c0f1b6a831c399e269772661"),
        ("$substring($hash('a', 'SHA-256'), 0, 8)", "ca978112"),
        ("$length($hash('a', 'SHA-512'))", 128),
        ("$parse('{\"a\": [1, null]}')", {"a": [1, None]}),
        ("$parse('null')", None),
        ("$random(7) = $random(7)", True),
        ("$random() < 1", True),
        ("$length($uuid())", 36),
        ("$count($shuffle([1..10]))", 10),
    ],
)
def test_value(expression: str, value: Any) -> None:
    found = evaluate(expression, none=None, text='a "quoted"\nvariable')
    assert json.dumps(found) == json.dumps(value)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("$states.input.absent", "returned nothing"),
        ("$absent", "returned nothing"),
        ("$states.input.list[99]", "returned nothing"),
        ("$hash($states.input.absent)", "returned nothing"),
        ("function($x) {$x}", "unsupported result type"),
        ("/a/", "unsupported result type"),
        ("1 + 'a'", "threw an error"),
        ("1 / 0", "threw an error"),
        ("$absent(1)", "threw an error"),
        ("$parse('{')", "threw an error"),
        ("$range(1, 3, 0)", "the step must not be 0"),
        ("$partition([1], 0)", "positive integer"),
        ("$hash('a', 'CRC')", "CRC"),
        ("$assert(false, 'not so')", "not so"),
    ],
)
def test_no_value(expression: str, says: str) -> None:
    with pytest.raises(ExpressionError, match=says):
        evaluate(expression)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("$", "top-level"),
        ("$ + 1", "top-level"),
        ("$.a", "top-level"),
        ("($x := $; $x)", "top-level"),
        ("$$", "not available"),
        ("$states.input.list[$$ = 1]", "not available"),
        ("$eval('1')", "eval"),
        ("$map([1], $eval)", "eval"),
        ("$states.input.list[$eval('1') = 1]", "eval"),
        ("1 +", "Invalid JSONata"),
    ],
)
def test_refused_at_creation(expression: str, says: str) -> None:
    with pytest.raises(ExpressionError, match=says):
        check(expression)


def test_randomness_follows_the_seed() -> None:
    draws = [
        Expressions(lambda: 0, Random(seed)).evaluate("[$random(), $uuid(), $shuffle([1..9])]", {})
        for seed in (1, 1, 2)
    ]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


def test_a_definition_with_a_bad_expression_is_not_created(machines: Machines) -> None:
    bad = {"States": {"P": {"Type": "Pass", "Output": {"a": ["{% $eval('1') %}"]}, "End": True}}}
    with pytest.raises(ClientError, match=r"SCHEMA_VALIDATION_FAILED.*/States/P/Output/a\[0\]"):
        machines.create(bad)


# -- in states ------------------------------------------------------------------------------------


def test_assign_and_output_see_the_variables_the_state_found(machines: Machines) -> None:
    definition = {
        "States": {
            "First": {"Type": "Pass", "Assign": {"n": 1, "old": 0}, "Next": "Second"},
            "Second": {
                "Type": "Pass",
                "Assign": {"n": "{% $n + 1 %}", "old": "{% $n %}"},
                "Output": {"seen": "{% $n %}"},
                "Next": "Third",
            },
            "Third": {
                "Type": "Succeed",
                "Output": {
                    "n": "{% $n %}",
                    "old": "{% $old %}",
                    "seen": "{% $states.input.seen %}",
                },
            },
        }
    }
    assert machines.output(definition) == {"n": 2, "old": 1, "seen": 1}


def test_variables_keep_any_value(machines: Machines) -> None:
    value = {"quotes": 'a "b"', "lines": "a\nb", "null": None, "dollar": "$x {% %}", "n": 1.5}
    definition = {
        "States": {
            "Keep": {"Type": "Pass", "Assign": {"all": "{% $states.input %}"}, "Next": "Give"},
            "Give": {"Type": "Succeed", "Output": "{% $all %}"},
        }
    }
    assert machines.output(definition, value) == value


def test_variables_of_a_map_stay_inside(machines: Machines) -> None:
    processor = {
        "StartAt": "A",
        "States": {
            "A": {"Type": "Pass", "Assign": {"mine": "{% $states.input + $outer %}"}, "Next": "B"},
            "B": {"Type": "Pass", "Output": "{% $mine %}", "End": True},
        },
    }
    definition = {
        "States": {
            "Set": {"Type": "Pass", "Assign": {"outer": 10}, "Next": "Each"},
            "Each": {
                "Type": "Map",
                "Items": [1, 2],
                "ItemProcessor": processor,
                "Assign": {"results": "{% $states.result %}"},
                "Next": "Out",
            },
            "Out": {
                "Type": "Succeed",
                "Output": {"in": "{% $results %}", "leaks": "{% $exists($mine) %}"},
            },
        }
    }
    assert machines.output(definition) == {"in": [11, 12], "leaks": False}


def test_the_context_object(machines: Machines) -> None:
    machines.cloud.run_for(1.25)
    definition = {
        "States": {"Show": {"Type": "Pass", "Output": "{% $states.context %}", "End": True}}
    }
    arn = machines.start(definition, {"a": 1}, name="shown")
    machines.cloud.run_for(1)
    seen = machines.look(arn)
    context = seen["output"]
    assert context["Execution"] == {
        "Id": arn,
        "Input": {"a": 1},
        "Name": "shown",
        "RoleArn": machines.role,
        "StartTime": "2026-06-01T00:00:01.250Z",
    }
    assert context["State"] == {"Name": "Show", "EnteredTime": "2026-06-01T00:00:01.250Z"}
    assert context["StateMachine"] == {"Id": seen["stateMachineArn"], "Name": "machine-0"}


def test_an_expression_without_a_value_fails_the_state_and_says_where(machines: Machines) -> None:
    definition = {
        "States": {"Bad": {"Type": "Pass", "Output": "{% $states.input.no %}", "End": True}}
    }
    arn = machines.start(definition)
    machines.cloud.run_for(1)
    seen = machines.look(arn)
    assert (seen["status"], seen["error"]) == ("FAILED", "States.QueryEvaluationError")
    assert "'Bad' (entered at the event id #2)" in seen["cause"]
    assert "'$states.input.no' returned nothing (undefined)" in seen["cause"]
    assert [event["type"] for event in machines.history(arn)] == [
        "ExecutionStarted",
        "PassStateEntered",
        "EvaluationFailed",
        "ExecutionFailed",
    ]


def test_an_evaluation_that_fails_is_told_once_and_can_be_caught(machines: Machines) -> None:
    catch = [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "Caught"}]
    definition = {
        "States": {
            "Bad": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage",
                "Arguments": {"QueueUrl": "{% $states.input.no %}", "MessageBody": "m"},
                "Catch": catch,
                "End": True,
            },
            "Caught": {"Type": "Succeed"},
        }
    }
    arn = machines.start(definition)
    machines.cloud.run_for(1)
    assert machines.look(arn)["status"] == "SUCCEEDED"
    assert len(machines.times_of(arn, "EvaluationFailed")) == 1


def test_jsonpath_machines_run_too(machines: Machines) -> None:
    definition = {
        "QueryLanguage": "JSONPath",
        "States": {
            "Keep": {
                "Type": "Pass",
                "Assign": {"who.$": "$.who", "list.$": "States.ArrayRange(1, 5, 2)"},
                "Next": "Show",
            },
            "Show": {
                "Type": "Pass",
                "Parameters": {"text.$": "States.Format('{} is here', $who)", "list.$": "$list"},
                "ResultPath": "$.said",
                "End": True,
            },
        },
    }
    assert machines.output(definition, {"who": 'O"Neil'}) == {
        "who": 'O"Neil',
        "said": {"text": 'O"Neil is here', "list": [1, 3, 5]},
    }
