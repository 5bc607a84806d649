"""What roles of the template may change in SageMaker, and what in observe mode: nothing."""

from pathlib import Path

import pytest

from tests.house import template_rules as rules
from tests.house.template_rules import Template


@pytest.fixture(scope="module")
def template(repository: Path) -> Template:
    return rules.read(repository / "template.yaml")


def writes(template: Template) -> dict[str, set[str]]:
    """By role, the SageMaker actions it allows that change something."""
    found: dict[str, set[str]] = {}
    for role, statement in rules.statements(template):
        for action in rules.as_list(statement["Action"]):
            verb = action.removeprefix("sagemaker:")
            if verb != action and not verb.startswith((*rules.READ_VERBS, "Invoke")):
                found.setdefault(role, set()).add(verb)
    return found


def test_acting_may_set_copy_counts_and_rolling_out_may_update(template: Template) -> None:
    assert writes(rules.decided(template, Mode="act")) == {
        "ReconcileRole": {"UpdateInferenceComponentRuntimeConfig"},
        "RolloutRole": {"UpdateInferenceComponent", "UpdateInferenceComponentRuntimeConfig"},
    }


def test_observing_may_change_nothing(template: Template) -> None:
    observing = rules.decided(template, Mode="observe")
    assert writes(observing) == {}
    assert rules.actions(observing) < rules.actions(rules.decided(template, Mode="act"))


def test_writing_is_limited_to_components_of_this_account(template: Template) -> None:
    (resource,) = [
        statement["Resource"]
        for _, statement in rules.statements(rules.decided(template, Mode="act"))
        if statement.get("Sid") == "SetCopies"
    ]
    assert resource["Fn::Sub"].endswith(
        ":sagemaker:${AWS::Region}:${AWS::AccountId}:inference-component/*"
    )
