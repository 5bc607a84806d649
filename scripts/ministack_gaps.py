"""What MiniStack can't create: left out of the template for it, by name and with the reason.

Every entry is proved at each run (`still_there`): what MiniStack has learned meanwhile must be
deployed to it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from icscaler_localcloud.deployer.intrinsics import references

PROOF_STACK = "gap"


@dataclass(frozen=True, slots=True)
class Gap:
    """Resources of `type` that `lacking` holds for are refused with a text that has `refusal`.

    `sample` are the properties of the smallest such resource, for the proof.
    """

    type: str
    lacking: Callable[[Mapping[str, Any]], bool]
    reason: str
    refusal: str
    sample: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A resource that is not deployed to MiniStack, and why."""

    name: str
    type: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({self.type}): {self.reason}"


# Read in MiniStack 1.5.33, services/cloudformation/{engine,provisioners}.py.
GAPS = (
    Gap(
        type="AWS::Events::EventBusPolicy",
        lacking=lambda _: True,
        reason="MiniStack has no such resource type (nor Fn::Join in conditions, so it would "
        "create it even without WakeRequesters)",
        refusal="Unrecognized resource types",
        sample={
            "StatementId": "gap",
            "Action": "events:PutEvents",
            "Principal": "*",
        },
    ),
    Gap(
        type="AWS::CloudWatch::Alarm",
        lacking=lambda properties: "Metrics" in properties,
        reason="MiniStack has no alarms on metric math or on Metrics Insights queries",
        refusal="Properties.Metrics (metric math) is not supported",
        sample={
            "Metrics": [{"Id": "one", "Expression": "SELECT SUM(a) FROM b", "Period": 60}],
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanThreshold",
        },
    ),
)


def without_gaps(
    template: Mapping[str, Any], gaps: tuple[Gap, ...] = GAPS
) -> tuple[dict[str, Any], list[LeftOut]]:
    """The template with the resources that MiniStack lacks left out, and which those are."""
    kept: dict[str, Any] = {}
    left_out: list[LeftOut] = []
    for name, resource in template["Resources"].items():
        reason = _reason(resource, gaps)
        if reason is None:
            kept[name] = resource
        else:
            left_out.append(LeftOut(name, resource["Type"], reason))
    return {**template, "Resources": kept}, left_out


def dangling(template: Mapping[str, Any], left_out: list[LeftOut]) -> Iterator[str]:
    """What is deployed and refers to something left out: it would not be what it is on AWS."""
    gone = {each.name for each in left_out}
    for section in ("Resources", "Outputs"):
        for name, body in template.get(section, {}).items():
            for other in sorted(gone & set(references(body))):
                yield f"{name} refers to {other}, which MiniStack can't create"


def still_there(cloudformation: Any, gaps: tuple[Gap, ...] = GAPS) -> Iterator[str]:
    """A finding for each gap that is none any more: a stack of its sample alone is accepted."""
    for gap in gaps:
        resource = {"Type": gap.type, "Properties": gap.sample}
        said = _refusal(cloudformation, {"Resources": {"Sample": resource}})
        if gap.refusal not in said:
            yield (
                f"{gap.type} is listed as a gap of MiniStack, but it now says "
                f"{said or 'nothing against it'!r}: mend scripts/ministack_gaps.py"
            )


def _reason(resource: Mapping[str, Any], gaps: tuple[Gap, ...]) -> str | None:
    for gap in gaps:
        if resource["Type"] == gap.type and gap.lacking(resource.get("Properties", {})):
            return gap.reason
    return None


def _refusal(cloudformation: Any, template: Mapping[str, Any]) -> str:
    """Why a stack of this template is not created; empty when it is."""
    try:
        cloudformation.create_stack(StackName=PROOF_STACK, TemplateBody=json.dumps(template))
    except ClientError as error:
        return str(error)
    pages = cloudformation.get_paginator("describe_stack_events")
    waiter = cloudformation.get_waiter("stack_create_complete")
    try:
        waiter.wait(StackName=PROOF_STACK, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
        return ""
    except WaiterError:
        events = [e for page in pages.paginate(StackName=PROOF_STACK) for e in page["StackEvents"]]
        return " ".join(str(event.get("ResourceStatusReason", "")) for event in events)
    finally:
        cloudformation.delete_stack(StackName=PROOF_STACK)
