"""Every place where the local cloud leans on moto's inside.

moto is pinned exactly (`PINNED_MOTO`); each seam here has a contract test in
tests/contract/localcloud_runtime/ that fails when moto changes under it. Little else in this
package imports from moto.

1. time         `moto.core.utils.utcnow` is the one source of time of the services we use
                (`unix_time`, `unix_time_millis` call it); it is replaced by a dispatcher that
                answers with the open cloud's virtual clock, and with real time when none is open.
2. request      a service is called as moto's own botocore stubber calls it: URL -> response
                method, without Flask, sockets, or moto's request recorder.
3. queues       `Queue.add_message` deduplicates only against messages still in the queue; ours
                remembers deduplication ids for the five minutes SQS documents, also after
                deletion, and numbers messages in order. `SQSBackend.receive_message` spins in real
                time on a long poll, is blocked by an expired message, and shows a group's messages
                out of order when several become visible again at once; ours answers at once (the
                event loop polls), drops expired messages and forgets ended receives first.
4. events       rules, patterns, targets and archives are read from moto's event buses; delivery is
                ours (moto answers PutEvents with HTTP 500 where a target is a Lambda function).
5. schedules    read from moto's scheduler, which never fires them.
6. topics       an SNS subscription of protocol `lambda` goes to our runner; http(s) endpoints are
                never called from here.
7. tables       see `moto_tables` and `moto_dynamodb`.
8. speed        two pure functions moto calls on every request are cached; `unix_time` reads the
                clock without building a datetime; all topics sign with one key, which takes up to
                half a second to make (moto makes one per subscription and keeps that for ever), and
                keys that only encrypt (every table has one) share the pair they never sign with.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import moto
from moto import backend_index, backends
from moto.core import utils as core_utils
from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.request import Request
from moto.events.models import EventPattern, events_backends
from moto.kms import models as kms_models
from moto.moto_api._internal import mock_random
from moto.scheduler.models import scheduler_backends
from moto.sns.models import Subscription
from moto.sqs.exceptions import ReceiptHandleIsInvalid, SQSException
from moto.sqs.models import Message, Queue, SQSBackend, sqs_backends
from werkzeug.exceptions import HTTPException

from icscaler_localcloud import moto_dynamodb, moto_tables
from icscaler_localcloud.clock import VirtualClock

PINNED_MOTO = "5.2.5"
DEFAULT_ACCOUNT = DEFAULT_ACCOUNT_ID
DEDUPLICATION_S = 300
# SQS sequence numbers are 20 digits and grow; this is where ours start.
_FIRST_SEQUENCE = 18_849_496_460_467_696_128

if moto.__version__ != PINNED_MOTO:
    raise ImportError(
        f"the local cloud stands on the inside of moto {PINNED_MOTO}, found {moto.__version__}; "
        "install the pinned version, or go through tests/contract/localcloud_runtime/ first"
    )

MotoReply = tuple[int, Mapping[str, Any], Any]


def _rebind(name: str, replacement: Any) -> None:
    """Replace a function of moto.core.utils there and in every moto module that imported it."""
    original = getattr(core_utils, name)
    setattr(core_utils, name, replacement)
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith("moto.") and getattr(module, name, None) is original:
            setattr(module, name, replacement)


# -- 1 time ---------------------------------------------------------------------------------------

_clock: VirtualClock | None = None


def virtual_utcnow() -> datetime:
    """moto's `utcnow`: naive UTC, of the open cloud's clock where there is one."""
    if _clock is not None:
        return datetime.fromtimestamp(_clock.now_s, tz=UTC).replace(tzinfo=None)
    return datetime.now(UTC).replace(tzinfo=None)


def install_clock(clock: VirtualClock | None) -> None:
    """Make moto live in `clock`'s time; None gives real time back."""
    global _clock
    _clock = clock


_rebind("utcnow", virtual_utcnow)
moto_tables.install()
moto_dynamodb.install()

# -- 8 speed --------------------------------------------------------------------------------------

_unix_time = core_utils.unix_time


def _fast_unix_time(dt: datetime | None = None) -> float:
    return _clock.now_s if dt is None and _clock is not None else _unix_time(dt)


_rebind("unix_time", _fast_unix_time)
_rebind("unix_time_millis", lambda dt=None: _fast_unix_time(dt) * 1000.0)
_rebind("camelcase_to_underscores", cache(core_utils.camelcase_to_underscores))
_rebind("method_names_from_class", cache(core_utils.method_names_from_class))


@cache
def _signing_key() -> Any:
    return _make_signing_key(None)


_make_signing_key: Callable[[Any], Any] = Subscription.private_key.__wrapped__
Subscription.private_key = lambda self: _signing_key()  # type: ignore[method-assign, assignment]


@cache
def _unused_key() -> Any:
    return _make_private_key("SYMMETRIC_DEFAULT")


def _private_key(key_spec: str) -> Any:
    return _unused_key() if key_spec == "SYMMETRIC_DEFAULT" else _make_private_key(key_spec)


_make_private_key = vars(kms_models)["generate_private_key"]
vars(kms_models)["generate_private_key"] = _private_key

# -- 2 request ------------------------------------------------------------------------------------


@cache
def _url_methods(origin: str) -> list[tuple[re.Pattern[str], Callable[..., MotoReply]]]:
    """The response methods of the service at `origin` (https://host), by URL pattern."""
    for service, pattern in backend_index.backend_url_patterns:
        if not pattern.match(f"{origin}/"):
            continue
        backend_dict: Any = backends.get_backend(service)  # type: ignore[call-overload]
        regions = backend_dict[DEFAULT_ACCOUNT_ID]
        backend = regions["us-east-1" if "us-east-1" in regions else "aws"]
        return [(re.compile(url), method) for url, method in backend.urls.items()]
    raise LookupError(f"moto has no service at {origin}")


@cache
def _method_for(clean_url: str) -> Callable[..., MotoReply]:
    split = urlsplit(clean_url)
    for pattern, method in _url_methods(f"{split.scheme}://{split.netloc}"):
        if pattern.match(clean_url):
            return method
    raise LookupError(f"moto answers nothing at {clean_url}")


def call_moto(method: str, url: str, headers: Mapping[str, Any], body: Any) -> MotoReply:
    """Let moto answer one HTTP request: (status, headers, body)."""
    answer = _method_for(url.partition("?")[0])
    request = Request.from_primitives(method, url, headers, body)
    try:
        return answer(request, request.raw_url, request.headers)
    except HTTPException as refusal:
        return refusal.code or 500, dict(refusal.get_headers()), refusal.get_body()


def reset_moto(seed: int) -> None:
    """Empty every service and seed the ids moto makes up."""
    BackendDict.reset()
    reset_model_data()
    mock_random.seed(seed)


def new_id() -> str:
    """A request, message or event id from moto's seeded source."""
    return str(mock_random.uuid4())


# -- 3 queues -------------------------------------------------------------------------------------

_queue_listener: Callable[[str], None] | None = None
_receive_message = SQSBackend.receive_message


def listen_to_queues(listener: Callable[[str], None] | None) -> None:
    """Call `listener(queue_arn)` whenever a message is added to a queue; None stops it."""
    global _queue_listener
    _queue_listener = listener


def _add_message(queue: Queue, message: Message) -> None:
    # A message that was received before is being moved to a dead-letter queue: no deduplication.
    moved = message.approximate_receive_count > 0
    if queue.fifo_queue and not moved:
        if message.deduplication_id and _seen_before(queue, message):
            return
        sent = queue.__dict__["icscaler_sent"] = queue.__dict__.get("icscaler_sent", 0) + 1
        message.sequence_number = str(_FIRST_SEQUENCE + 256 * sent)
    queue._messages.append(message)
    if _queue_listener is not None:
        _queue_listener(queue.queue_arn)


def _seen_before(queue: Queue, message: Message) -> bool:
    """Note the deduplication id; True within five minutes of its first acceptance."""
    ledger: dict[tuple[str | None, str | None], float] = queue.__dict__.setdefault(
        "icscaler_deduplication", {}
    )
    per_group = queue.deduplication_scope == "messageGroup"  # type: ignore[attr-defined]
    key = (message.group_id if per_group else None, message.deduplication_id)
    now_ms = float(message.sent_timestamp or 0)
    for old in [k for k, at_ms in ledger.items() if now_ms - at_ms >= DEDUPLICATION_S * 1000]:
        del ledger[old]
    if key in ledger:
        return True
    ledger[key] = now_ms
    return False


def _drop_expired(queue: Queue) -> None:
    retention_s: int = queue.message_retention_period  # type: ignore[attr-defined]
    oldest_ms = core_utils.unix_time_millis() - retention_s * 1000
    for message in [m for m in queue._messages if (m.sent_timestamp or 0) <= oldest_ms]:
        queue._messages.remove(message)
        queue.pending_messages.discard(message)


def _receive_now(
    backend: SQSBackend,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Message]:
    queue = backend.get_queue(queue_name)
    _drop_expired(queue)
    for message in [m for m in queue.pending_messages if m.visible]:
        queue.pending_messages.discard(message)
    return _receive_message(
        backend, queue_name, count, 0, visibility_timeout, message_attribute_names
    )


Queue.add_message = _add_message  # type: ignore[method-assign, assignment]
SQSBackend.receive_message = _receive_now  # type: ignore[method-assign, assignment]


@dataclass(frozen=True, slots=True)
class QueueView:
    """What a poller needs of one queue. Message counts are taken now, times are epoch seconds."""

    arn: str
    url: str
    fifo: bool
    visibility_timeout_s: int
    max_receive_count: int | None
    dead_letter_arn: str | None
    messages: int
    visible: int
    next_visible_s: float | None
    oldest_sent_s: float | None


class Queues:
    """The queues of one account and region, without the API in between."""

    def __init__(self, account: str, region: str) -> None:
        self._backend: SQSBackend = sqs_backends[account][region]

    def _queue(self, arn: str) -> Queue:
        return self._backend.get_queue(arn.rsplit(":", 1)[-1])

    def view(self, arn: str) -> QueueView:
        """The queue's state; raises moto's QueueDoesNotExist."""
        queue = self._queue(arn)
        _drop_expired(queue)
        waits = [max(m.visible_at, m.delayed_until) / 1000 for m in queue._messages]
        policy = queue.redrive_policy or {}
        return QueueView(
            arn=queue.queue_arn,
            url=queue.physical_resource_id,
            fifo=bool(queue.fifo_queue),
            visibility_timeout_s=int(queue.visibility_timeout),  # type: ignore[attr-defined]
            max_receive_count=policy.get("maxReceiveCount"),
            dead_letter_arn=policy.get("deadLetterTargetArn"),
            messages=len(queue._messages),
            visible=sum(m.visible and not m.delayed for m in queue._messages),
            next_visible_s=min(waits, default=None),
            oldest_sent_s=min(
                ((m.sent_timestamp or 0) / 1000 for m in queue._messages), default=None
            ),
        )

    def policy(self, arn: str) -> str | None:
        """The queue's resource policy document, JSON."""
        document: str | None = self._queue(arn).policy
        return document

    def receive(self, arn: str, count: int, visibility_timeout_s: int) -> list[Message]:
        """Receive up to `count` messages: their visibility timeout starts now."""
        return self._backend.receive_message(
            self._queue(arn).name, count, 0, visibility_timeout_s, ["All"]
        )

    def delete(self, arn: str, receipt_handle: str) -> None:
        """Delete one received message; one that is already deleted or expired is no error."""
        with suppress(ReceiptHandleIsInvalid):
            self._queue(arn).delete_message(receipt_handle)

    def exists(self, arn: str) -> bool:
        """Is there such a queue?"""
        return arn.rsplit(":", 1)[-1] in self._backend.queues

    def send(
        self, arn: str, body: str, *, group: str | None = None, attributes: Mapping[str, str]
    ) -> None:
        """Put a message on the queue, as an AWS service would; ValueError when SQS refuses it."""
        sent = {k: {"DataType": "String", "StringValue": v} for k, v in attributes.items()}
        try:
            self._backend.send_message(self._queue(arn).name, body, sent, group_id=group)
        except SQSException as refusal:
            raise ValueError(str(refusal)) from None

    def bodies(self, arn: str) -> list[str]:
        """The bodies of all messages now in the queue, oldest first (for tests and reports)."""
        return [m.body for m in self._queue(arn)._messages]


# -- 4 events -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RuleView:
    """One enabled rule of an event bus."""

    name: str
    arn: str
    bus: str
    schedule: str | None
    pattern: EventPattern | None
    targets: tuple[Mapping[str, Any], ...]
    archive: str | None

    def matches(self, event: Mapping[str, Any]) -> bool:
        """Does the rule have a pattern, and does the event match it?"""
        return self.pattern is not None and bool(self.pattern.matches_event(event))  # type: ignore[arg-type]


def event_rules(account: str, region: str, bus: str | None = None) -> Iterator[RuleView]:
    """The enabled rules of one bus (by name), or of all buses, in the order they were created."""
    backend = events_backends[account][region]
    archives = {a.rule.name: name for name, a in backend.archives.items() if a.rule is not None}
    for event_bus in list(backend.event_buses.values()):
        if bus is not None and event_bus.name != bus:
            continue
        for rule in list(event_bus.rules.values()):
            if rule.state == "DISABLED":
                continue
            yield RuleView(
                name=rule.name,
                arn=rule.arn,
                bus=event_bus.name,
                schedule=rule.scheduled_expression or None,
                pattern=rule.event_pattern if rule.event_pattern.get_pattern() else None,
                targets=tuple(rule.targets),
                archive=archives.get(rule.name),
            )


def event_bus_names(account: str, region: str) -> list[str]:
    """Names of the buses that exist ("default" always does)."""
    return list(events_backends[account][region].event_buses)


def archive_event(account: str, region: str, archive: str, event: Mapping[str, Any]) -> None:
    """Store an event in an archive."""
    events_backends[account][region].archives[archive].events.append(event)  # type: ignore[arg-type]


# -- 5 schedules ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """One enabled schedule of EventBridge Scheduler."""

    name: str
    arn: str
    expression: str
    timezone: str
    target: Mapping[str, Any]


def schedules(account: str, region: str) -> Iterator[ScheduleView]:
    """The enabled schedules of all groups, in the order they were created."""
    for group in scheduler_backends[account][region].schedule_groups.values():
        for schedule in list(group.schedules.values()):
            if schedule.state != "DISABLED":
                yield ScheduleView(
                    name=schedule.name,
                    arn=schedule.arn,
                    expression=schedule.schedule_expression,
                    timezone=schedule.schedule_expression_timezone,
                    target=schedule.target,
                )


# -- 6 topics -------------------------------------------------------------------------------------

SnsLambdaSender = Callable[[str, str, Mapping[str, Any]], None]
"""`send(function_arn, subscription_arn, notification)`; the last is the record's `Sns` object."""

_publish = Subscription.publish
_sns_sender: SnsLambdaSender | None = None


def deliver_sns_to(sender: SnsLambdaSender | None) -> None:
    """Send what topics have for Lambda functions to `sender`; None drops it."""
    global _sns_sender
    _sns_sender = sender


def _publish_to_subscription(
    subscription: Subscription, message: str, message_id: str, **kwargs: Any
) -> None:
    if subscription.protocol in ("http", "https"):
        return  # nothing here may call out
    if subscription.protocol != "lambda":
        _publish(subscription, message, message_id, **kwargs)
    elif _sns_sender is not None:
        notification = subscription.get_post_data(
            message, message_id, kwargs.get("subject"), kwargs.get("message_attributes") or {}
        )
        _sns_sender(subscription.endpoint, subscription.arn, notification)


Subscription.publish = _publish_to_subscription  # type: ignore[method-assign, assignment]
