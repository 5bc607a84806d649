"""What starts the functions, parsed: events to `DispatchEvent`, queue messages to `LookRequest`.

Everything here may come from somebody else, so it is checked: a trigger that can't be understood
raises `TriggerError` with what is wrong, and nothing is done for it.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from icscaler.adapters import codec
from icscaler.adapters.sqs import LookMessage
from icscaler.dispatch import Cause, DispatchEvent
from icscaler.ports import LookRequest

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

TICK = "Tick"
WAKE_REQUESTED = "WakeRequested"
ENDPOINT_STATE_CHANGE = "SageMaker Endpoint State Change"
ALARM_STATE_CHANGE = "CloudWatch Alarm State Change"
CONTRIBUTOR_STATE_CHANGE = "CloudWatch Alarm Contributor State Change"
COMPONENT_DIMENSION = "InferenceComponentName"
ENDPOINT_DIMENSION = "EndpointName"
MAX_NAMES = 100
# SageMaker API Reference, EndpointName and InferenceComponentName.
_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


class TriggerError(ValueError):
    """An event or message that says nothing this product understands."""


def dispatch_event(event: "EventBridgeEvent", request_id: str, now_s: int) -> DispatchEvent:
    """A scheduled tick, a `WakeRequested`, an alarm, an endpoint's change, a direct invocation.

    A direct invocation is `{"EndpointNames": [...]}` and / or `{"InferenceComponentNames": [...]}`;
    it happens now. Times ahead of `now_s` count as now.
    """
    raw = event.raw_event
    if not isinstance(raw, dict):
        raise TriggerError(f"an event is a JSON object, not {type(raw).__name__}")
    if "detail-type" not in raw:
        return _asked(raw, request_id, now_s)
    at_s = min(_event_time_s(raw), now_s)
    event_id = str(raw.get("id") or request_id)
    kind, detail = raw["detail-type"], raw.get("detail")
    if kind == TICK:
        return DispatchEvent(Cause.TICK, at_s, event_id)
    if not isinstance(detail, dict):
        raise TriggerError(f"{kind}: detail is missing or no object")
    if kind == WAKE_REQUESTED:
        names = _names(detail, "InferenceComponentNames")
        if not names:
            raise TriggerError(f"{kind}: detail has no InferenceComponentNames")
        return DispatchEvent(Cause.WAKE_REQUESTED, at_s, event_id, components=names)
    if kind == ENDPOINT_STATE_CHANGE:
        endpoint = _name(detail.get("EndpointName"), "EndpointName")
        return DispatchEvent(Cause.ENDPOINT_CHANGED, at_s, event_id, endpoints=(endpoint,))
    if kind in (ALARM_STATE_CHANGE, CONTRIBUTOR_STATE_CHANGE):
        cause, components, endpoints = _alarm(kind, detail)
        return DispatchEvent(cause, at_s, event_id, components, endpoints)
    raise TriggerError(f"detail-type {kind!r} is not known")


def _alarm(kind: str, detail: Mapping[str, Any]) -> tuple[Cause, tuple[str, ...], tuple[str, ...]]:
    """What one of our alarms says by going into ALARM, of which component, or of which endpoint.

    A contributor (one time series of the fleet-wide alarm) names it in its attributes, a spike
    alarm in the dimensions of its one metric: the component, or the endpoint of a single-model
    variant; the fleet-wide alarm itself names nobody. Only
    `state` is read: contributors have no `previousState`. Source: CloudWatch User Guide, "Alarm
    events and EventBridge".
    """
    state = _at(detail, "state", "value")
    if state != "ALARM":
        raise TriggerError(f"{kind}: state is {state!r:.80}, only ALARM asks for a look")
    if kind == CONTRIBUTOR_STATE_CHANGE:
        name = _at(detail, "alarmContributor", "attributes", COMPONENT_DIMENSION)
        return Cause.REQUESTS_REFUSED, (_name(name, COMPONENT_DIMENSION),), ()
    metrics = _at(detail, "configuration", "metrics")
    watched = metrics[0] if isinstance(metrics, list) and metrics else None
    dimensions = _at(watched, "metricStat", "metric", "dimensions")
    name = _at(dimensions, COMPONENT_DIMENSION)
    if name is not None:
        return Cause.SPIKE, (_name(name, COMPONENT_DIMENSION),), ()
    endpoint = _at(dimensions, ENDPOINT_DIMENSION)
    if endpoint is not None:
        return Cause.SPIKE, (), (_name(endpoint, ENDPOINT_DIMENSION),)
    return Cause.REQUESTS_REFUSED, (), ()


def _at(value: object, *keys: str) -> Any:
    """What stands there in nested objects; None where nothing does."""
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def look_request(record: "SQSRecord") -> LookRequest:
    """A message of the look queue."""
    try:
        message = codec.decode(record.body.encode(), LookMessage)
        times = record.attributes
        return LookRequest(
            endpoint=_name(message.endpoint, "endpoint"),
            event_at_s=message.event_at_s,
            cause=message.cause,
            sent_s=int(times.sent_timestamp) / 1000,
            received_s=int(times.approximate_first_receive_timestamp) / 1000,
        )
    except (codec.CodecError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise TriggerError(f"not a message of the look queue: {error}") from error


def _asked(raw: Mapping[str, Any], request_id: str, now_s: int) -> DispatchEvent:
    components = _names(raw, "InferenceComponentNames")
    endpoints = _names(raw, "EndpointNames")
    if not components and not endpoints:
        raise TriggerError("neither detail-type, EndpointNames nor InferenceComponentNames given")
    return DispatchEvent(Cause.ASKED, now_s, request_id, components, endpoints)


def _names(values: Mapping[str, Any], key: str) -> tuple[str, ...]:
    names = values.get(key, ())
    if isinstance(names, str) or not isinstance(names, Sequence):
        raise TriggerError(f"{key} is a list of names, not {type(names).__name__}")
    if len(names) > MAX_NAMES:
        raise TriggerError(f"{key} has {len(names)} names, at most {MAX_NAMES} are taken")
    return tuple(_name(name, key) for name in names)


def _name(value: object, key: str) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise TriggerError(f"{key}: {value!r:.80} is not a SageMaker name")
    return value


def _event_time_s(raw: Mapping[str, Any]) -> int:
    try:
        time = datetime.fromisoformat(raw["time"])
    except (KeyError, TypeError, ValueError):
        raise TriggerError(f"time: {raw.get('time')!r:.80} is not an ISO 8601 time") from None
    if time.tzinfo is None:
        raise TriggerError(f"time: {raw['time']!r} has no time zone")
    return int(time.timestamp())
