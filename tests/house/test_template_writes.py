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


def test_each_role_may_write_what_its_function_is_for_and_nothing_else(template: Template) -> None:
    assert writes(rules.decided(template, Mode="act")) == {
        "ReconcileRole": {
            "UpdateInferenceComponentRuntimeConfig",
            "UpdateEndpointWeightsAndCapacities",
        },
        "RolloutRole": {"UpdateInferenceComponent", "UpdateInferenceComponentRuntimeConfig"},
        "OnboardRole": {
            "AddTags",
            *(
                f"{verb}{noun}"
                for verb in ("Create", "Delete")
                for noun in ("InferenceComponent", "Endpoint", "EndpointConfig", "Model")
            ),
        },
        "RetireRole": {
            "UpdateInferenceComponentRuntimeConfig",
            "DeleteInferenceComponent",
            "DeleteModel",
        },
    }


def test_onboarding_may_delete_only_what_it_has_tagged(template: Template) -> None:
    (statement,) = [
        s for _, s in rules.statements(rules.decided(template)) if s.get("Sid") == "Undo"
    ]
    assert statement["Condition"] == {"Null": {"aws:ResourceTag/icscaler:onboarding": "false"}}


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
