"""Delivery of one message to whatever an ARN names, with the permission it takes.

A sender either acts in a role (Scheduler, a function's destinations), which must allow the action,
or as an AWS service principal (EventBridge rules), which the receiver's resource policy must
admit. What is not permitted is not delivered: the template's wiring is proven, not assumed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.iam import resource_policy_allows

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

# ARN service -> IAM action a sender needs.
_ACTIONS = {
    "lambda": "lambda:InvokeFunction",
    "sqs": "sqs:SendMessage",
    "sns": "sns:Publish",
    "events": "events:PutEvents",
}


class DeliveryError(Exception):
    """A message could not be delivered: `code` as the service words it in dead letters."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Targets:
    """Delivers messages inside the cloud."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud

    def deliver(
        self,
        arn: str,
        message: Any,
        *,
        source_arn: str,
        role_arn: str | None = None,
        principal: str | None = None,
        group: str | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Deliver `message` (JSON data) to the target `arn`, or raise DeliveryError.

        `role_arn`: act in this role; `principal`: act as this AWS service instead. `group` is the
        message group of a FIFO queue, `attributes` go along as message attributes of a queue.
        """
        service = arn.split(":")[2]
        if service not in _ACTIONS:
            raise DeliveryError("UNSUPPORTED_TARGET", f"cannot deliver to {arn}")
        self._check(service, arn, source_arn, role_arn, principal)
        body = message if isinstance(message, str) else json.dumps(message)
        if service == "lambda":
            self._to_function(arn, message, principal or source_arn)
        elif service == "sqs":
            self._to_queue(arn, body, group, attributes or {})
        elif service == "sns":
            self._cloud.client("sns").publish(TopicArn=arn, Message=body)
        else:
            self._to_bus(arn, message)

    def _check(
        self, service: str, arn: str, source_arn: str, role_arn: str | None, principal: str | None
    ) -> None:
        action = _ACTIONS[service]
        if not self._cloud.enforce_iam:
            return
        if role_arn is not None:
            if not self._cloud.iam.allows(role_arn, action, arn):
                raise DeliveryError("NO_PERMISSIONS", f"{role_arn} may not {action} on {arn}")
        elif principal is not None and not resource_policy_allows(
            self._resource_policy(service, arn),
            service=principal,
            action=action,
            resource=arn,
            source_arn=source_arn,
        ):
            raise DeliveryError(
                "NO_PERMISSIONS",
                f"{arn} has no policy that lets {principal} {action} from {source_arn}",
            )

    def _resource_policy(self, service: str, arn: str) -> str | None:
        if service == "lambda":
            try:
                statements = self._cloud.functions.get(arn).policy
            except KeyError as absent:
                raise DeliveryError("RESOURCE_NOT_FOUND", str(absent)) from None
            return json.dumps({"Statement": statements})
        if service == "sqs":
            return self._cloud.queues.policy(arn)
        if service == "sns":
            attributes = self._cloud.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
            return str(attributes["Policy"])
        # A rule may always send to a bus of its own account.
        return json.dumps(
            {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
        )

    def _to_function(self, arn: str, message: Any, trigger: str) -> None:
        event = json.loads(message) if isinstance(message, str) else message
        try:
            self._cloud.functions.invoke_async(arn, event, trigger=trigger)
        except KeyError as absent:
            raise DeliveryError("RESOURCE_NOT_FOUND", str(absent)) from None

    def _to_queue(
        self, arn: str, body: str, group: str | None, attributes: Mapping[str, str]
    ) -> None:
        if not self._cloud.queues.exists(arn):
            raise DeliveryError("RESOURCE_NOT_FOUND", f"no queue {arn}")
        try:
            self._cloud.queues.send(arn, body, group=group, attributes=attributes)
        except ValueError as refusal:
            raise DeliveryError("SDK_CLIENT_ERROR", str(refusal)) from None

    def _to_bus(self, arn: str, event: Any) -> None:
        self._cloud.events.publish(
            event["source"],
            event["detail-type"],
            event["detail"],
            resources=event.get("resources", ()),
            bus=arn.rsplit("/", 1)[-1],
        )
