"""EventBridge: PutEvents, rules and their targets, on the virtual clock.

Rules, targets, buses and archives are stored by moto; matching uses moto's own pattern matcher;
delivery is ours. An event reaches its targets a little later (asynchronously), each target gets
what its Input, InputPath or InputTransformer makes of it, and what cannot be delivered goes to
the target's dead-letter queue with the attributes EventBridge documents ("Using dead-letter
queues to process undelivered events").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from icscaler_localcloud import moto_seams
from icscaler_localcloud.clock import utc_text
from icscaler_localcloud.faults import Lane, Timekeeper
from icscaler_localcloud.moto_seams import RuleView
from icscaler_localcloud.services import ServiceError
from icscaler_localcloud.targets import DeliveryError

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

PRINCIPAL = "events.amazonaws.com"
_MAX_ENTRIES = 10
_ENTRY_BYTES = 256 * 1024


class EventRouter:
    """Answers PutEvents and delivers events of all buses."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud

    # -- the API

    def call(self, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """PutEvents; the gateway sends every other operation to moto."""
        if operation != "PutEvents":
            raise ServiceError("UnknownOperationException", f"not here: {operation}")
        entries = params["Entries"]
        if not 1 <= len(entries) <= _MAX_ENTRIES:
            raise ServiceError(
                "ValidationException",
                "1 validation error detected: Value '[PutEventsRequestEntry]' at 'entries' failed "
                "to satisfy constraint: Member must have length between 1 and 10",
            )
        answers = [self._put(entry) for entry in entries]
        failed = sum("ErrorCode" in answer for answer in answers)
        return {"FailedEntryCount": failed, "Entries": answers}

    def _put(self, entry: Mapping[str, Any]) -> dict[str, str]:
        for member in ("Source", "DetailType", "Detail"):
            if not entry.get(member):
                return _invalid(
                    f"Parameter {member} is not valid. Reason: {member} is a required argument."
                )
        if str(entry["Source"]).startswith("aws."):
            return {
                "ErrorCode": "NotAuthorizedForSourceException",
                "ErrorMessage": "Not authorized for the source.",
            }
        try:
            detail = json.loads(entry["Detail"])
        except ValueError:
            detail = None
        if not isinstance(detail, dict):
            return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
        if len(entry["Detail"].encode()) > _ENTRY_BYTES:
            raise ServiceError(
                "ValidationException", "Total size of the entries in the request is over the limit."
            )
        bus = entry.get("EventBusName", "default").rsplit("/", 1)[-1]
        if bus not in moto_seams.event_bus_names(self._cloud.account, self._cloud.region):
            # EventBridge accepts events for a bus that does not exist, and drops them.
            return {"EventId": moto_seams.new_id()}
        event_id = self.publish(
            entry["Source"],
            entry["DetailType"],
            detail,
            resources=entry.get("Resources", ()),
            bus=bus,
            at_s=entry.get("Time"),
        )
        return {"EventId": event_id}

    # -- for the local cloud's own services

    def publish(
        self,
        source: str,
        detail_type: str,
        detail: Mapping[str, Any],
        *,
        resources: Iterable[str] = (),
        bus: str = "default",
        at_s: float | None = None,
    ) -> str:
        """Put an event on a bus, as any source ("aws.sagemaker" too); returns the event id."""
        event = self._envelope(source, detail_type, detail, resources, at_s)
        self._cloud.loop.call_in(
            self._cloud.delays.event_delivery_s, lambda: self._route(event, bus)
        )
        return str(event["id"])

    def fire_rule(self, rule_arn: str, due_s: float) -> None:
        """Send the Scheduled Event of a rule that is due to its targets."""
        for rule in moto_seams.event_rules(self._cloud.account, self._cloud.region):
            if rule.arn == rule_arn:
                self._to_targets(
                    rule, self._envelope("aws.events", "Scheduled Event", {}, [rule_arn], due_s)
                )

    def _envelope(
        self,
        source: str,
        detail_type: str,
        detail: Mapping[str, Any],
        resources: Iterable[str],
        at_s: float | None,
    ) -> dict[str, Any]:
        return {
            "version": "0",
            "id": moto_seams.new_id(),
            "detail-type": detail_type,
            "source": source,
            "account": self._cloud.account,
            "time": utc_text(self._now_s() if at_s is None else at_s),
            "region": self._cloud.region,
            "resources": list(resources),
            "detail": dict(detail),
        }

    def _now_s(self) -> float:
        """What EventBridge's clock shows."""
        return self._cloud.clock.now_s + self._cloud.faults.skew_s(Timekeeper.EVENTS)

    # -- delivery

    def _route(self, event: dict[str, Any], bus: str) -> None:
        account, region = self._cloud.account, self._cloud.region
        for rule in list(moto_seams.event_rules(account, region, bus)):
            if not rule.matches(event):
                continue
            if rule.archive is not None:
                moto_seams.archive_event(account, region, rule.archive, event)
            else:
                self._to_targets(rule, event)

    def _to_targets(self, rule: RuleView, event: Mapping[str, Any]) -> None:
        for target in rule.targets:
            message = _target_input(target, event, rule, self._cloud.iso_now())
            self._cloud.arrive(
                Lane.EVENTS, rule.arn, target["Arn"], partial(self._deliver, rule, target, message)
            )

    def _deliver(self, rule: RuleView, target: Mapping[str, Any], message: Any) -> None:
        try:
            self._cloud.targets.deliver(
                target["Arn"],
                message,
                source_arn=rule.arn,
                role_arn=target.get("RoleArn"),
                principal=PRINCIPAL,
                group=target.get("SqsParameters", {}).get("MessageGroupId"),
            )
        except DeliveryError as failure:
            self._cloud.dead_letter(
                target.get("DeadLetterConfig", {}).get("Arn"),
                message,
                failure,
                rule_arn=rule.arn,
                target_arn=target["Arn"],
            )


def _invalid(message: str) -> dict[str, str]:
    return {"ErrorCode": "InvalidArgument", "ErrorMessage": message}


def _target_input(
    target: Mapping[str, Any], event: Mapping[str, Any], rule: RuleView, now: str
) -> Any:
    """What a target receives (User Guide, "Amazon EventBridge input transformation")."""
    if target.get("Input"):
        return json.loads(target["Input"])
    if target.get("InputPath"):
        return _at_path(event, target["InputPath"])
    transformer = target.get("InputTransformer")
    if not transformer:
        return dict(event)
    paths = transformer.get("InputPathsMap", {})
    values = {name: _at_path(event, path) for name, path in paths.items()}
    values |= {
        "aws.events.event": dict(event),
        "aws.events.event.json": dict(event),
        "aws.events.event.ingestion-time": now,
        "aws.events.rule-arn": rule.arn,
        "aws.events.rule-name": rule.name,
    }
    return _fill(transformer["InputTemplate"], values)


def _at_path(event: Mapping[str, Any], path: str) -> Any:
    """A JSON path of the simple kind EventBridge allows: $.detail.list[0].name; None if absent."""
    found: Any = event
    for name, index in re.findall(r"\.([\w-]+)|\[(\d+)\]", path):
        try:
            found = found[name] if name else found[int(index)]
        except (KeyError, IndexError, TypeError):
            return None
    return found


def _fill(template: str, values: Mapping[str, Any]) -> Any:
    """Replace <name>: inside quotes by text, elsewhere by JSON."""

    def replacement(match: re.Match[str]) -> str:
        if match.group("name") not in values:
            return match.group(0)
        value = values[match.group("name")]
        inside_quotes = template[: match.start()].replace('\\"', "").count('"') % 2 == 1
        if inside_quotes:
            text = value if isinstance(value, str) else json.dumps(value)
            return json.dumps("" if value is None else text)[1:-1]
        return json.dumps(value)

    filled = re.sub(r"<(?P<name>[\w.-]+)>", replacement, template)
    try:
        return json.loads(filled)
    except ValueError:
        return filled
