"""Every state machine keeps the rules; every rule notices when it is broken."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from tests.house import machine_rules as rules
from tests.house import template_rules
from tests.house.machine_rules import Machine

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "statemachines").glob("*.json"))

RETRY = {
    "ErrorEquals": ["Lambda.ServiceException"],
    "MaxAttempts": 4,
    "BackoffRate": 2,
    "JitterStrategy": "FULL",
}
TASK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Comment": "Asks the function what to do next",
    "TimeoutSeconds": 60,
    "Arguments": {"FunctionName": "${Worker}"},
    "Retry": [RETRY],
    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "RecordFailure"}],
}
GOOD: Machine = {
    "Comment": "Works until the work is done, or fails",
    "QueryLanguage": "JSONata",
    "StartAt": "Work",
    "TimeoutSeconds": 3600,
    "States": {
        "Work": {**TASK, "Next": "Done?", "Assign": {"rounds_left": "{% $rounds_left - 1 %}"}},
        "Done?": {
            "Type": "Choice",
            "Comment": "Once more, unless it was too often",
            "Choices": [{"Condition": "{% $rounds_left > 0 %}", "Next": "Work"}],
            "Default": "Done",
        },
        "Done": {"Type": "Succeed", "Comment": "There is nothing left to do"},
        "RecordFailure": {
            **TASK,
            "Next": "Broken",
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Broken"}],
        },
        "Broken": {"Type": "Fail", "Comment": "What went wrong is in the record"},
    },
}


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_rules(file: Path, rule: rules.Rule) -> None:
    assert list(rule(rules.read(file))) == []


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_a_good_machine_has_no_faults(rule: rules.Rule) -> None:
    assert list(rule(GOOD)) == []


BREACHES: list[tuple[rules.Rule, str, Callable[[Machine], Any]]] = [
    (rules.jsonata, "JSONata", lambda m: m.pop("QueryLanguage")),
    (rules.commented, "machine has no", lambda m: m.pop("Comment")),
    (rules.commented, "Work has no", lambda m: m["States"]["Work"].update(Comment="Works")),
    (rules.ends_by_itself, "machine has no", lambda m: m.pop("TimeoutSeconds")),
    (rules.ends_by_itself, "Work has no", lambda m: m["States"]["Work"].pop("TimeoutSeconds")),
    (rules.tries_again, "has no Retry", lambda m: m["States"]["Work"].pop("Retry")),
    (
        rules.tries_again,
        "whatever the error",
        lambda m: m["States"]["Work"].update(Retry=[{**RETRY, "ErrorEquals": ["States.ALL"]}]),
    ),
    (
        rules.tries_again,
        "without jitter",
        lambda m: m["States"]["Work"].update(Retry=[{**RETRY, "JitterStrategy": "NONE"}]),
    ),
    (
        rules.tries_again,
        "backoff",
        lambda m: m["States"]["Work"].update(Retry=[{**RETRY, "BackoffRate": 1}]),
    ),
    (
        rules.failures_are_recorded,
        "not catch everything",
        lambda m: m["States"]["Work"].pop("Catch"),
    ),
    (
        rules.failures_are_recorded,
        "not to RecordFailure",
        lambda m: m["States"]["Work"]["Catch"][0].update(Next="Broken"),
    ),
    (
        rules.failures_are_recorded,
        "even recording",
        lambda m: m["States"]["RecordFailure"]["Catch"][0].update(Next="Work"),
    ),
    (rules.loops_are_bounded, "counts nothing", lambda m: m["States"]["Work"].pop("Assign")),
    (
        rules.loops_are_bounded,
        "nothing ends",
        lambda m: m["States"]["Done?"]["Choices"][0].update(Condition="{% true %}"),
    ),
    (
        rules.arns_are_substituted,
        "names arn",
        lambda m: m["States"]["Work"]["Arguments"].update(
            FunctionName="arn:aws:lambda:eu-west-1:123456789012:function:worker"
        ),
    ),
]


@pytest.mark.parametrize(
    ("rule", "told", "breach"),
    [
        pytest.param(*breach, id=f"{breach[0].__name__}: {breach[1]}")  # type: ignore[attr-defined]
        for breach in BREACHES
    ],
)
def test_a_breach_is_noticed(rule: rules.Rule, told: str, breach: Callable[[Machine], Any]) -> None:
    broken = deepcopy(GOOD)
    breach(broken)
    assert any(told in fault for fault in rule(broken)), list(rule(broken))


def test_each_rule_is_shown_to_fail() -> None:
    assert {breach[0] for breach in BREACHES} == set(rules.RULES)


def test_a_map_is_looked_into() -> None:
    inner = deepcopy(GOOD)
    inner["States"]["Work"].pop("Retry")
    outer = deepcopy(GOOD)
    outer["States"]["Each"] = {
        "Type": "Map",
        "Comment": "The same for each component",
        "ItemProcessor": inner,
        "End": True,
        "Catch": TASK["Catch"],
    }
    assert list(rules.tries_again(outer)) == ["Work has no Retry"]


def test_every_definition_is_deployed_and_every_substitution_made() -> None:
    template = template_rules.read(ROOT / "template.yaml")
    deployed = {
        properties["DefinitionUri"]: set(properties.get("DefinitionSubstitutions", {}))
        for properties in template_rules.machines(template).values()
    }
    assert deployed == {
        file.relative_to(ROOT).as_posix(): rules.substitutions(rules.read(file)) for file in FILES
    }


def test_file_names_say_what_is_done() -> None:
    assert [f.name for f in FILES if not f.name.endswith(".asl.json") or "_" not in f.name] == []
