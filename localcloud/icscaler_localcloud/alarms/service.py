"""The alarm operations of CloudWatch, and what other parts of the local cloud need of alarms."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from icscaler_localcloud import moto_seams
from icscaler_localcloud.alarms import composite, definition, describe, documents
from icscaler_localcloud.alarms.decide import StateValue
from icscaler_localcloud.alarms.delivery import AutoScalingListener, Delivery
from icscaler_localcloud.alarms.evaluator import Evaluator
from icscaler_localcloud.alarms.history import History
from icscaler_localcloud.alarms.model import (
    ACTION_FIELDS,
    Alarm,
    CompositeAlarm,
    MetricAlarm,
    Params,
    new_state,
)
from icscaler_localcloud.alarms.register import Register
from icscaler_localcloud.alarms.settings import AlarmSettings
from icscaler_localcloud.alarms.sources import Insights, watches_groups
from icscaler_localcloud.alarms.suppression import Suppression
from icscaler_localcloud.alarms.transitions import AlarmListener, Clock, Datapoints, Transitions
from icscaler_localcloud.apikit.gate import CallGate, RateLimit
from icscaler_localcloud.cloudwatch.errors import validation_error
from icscaler_localcloud.services import ServiceError
from icscaler_sim.metrics.store import MetricStore

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

# CloudWatch endpoints and quotas, calls a second; none of them can be raised.
QUOTAS = {
    "PutMetricAlarm": RateLimit(3, 3),
    "PutCompositeAlarm": RateLimit(3, 3),
    "DeleteAlarms": RateLimit(3, 3),
    "EnableAlarmActions": RateLimit(3, 3),
    "DisableAlarmActions": RateLimit(3, 3),
    "SetAlarmState": RateLimit(3, 3),
    "DescribeAlarms": RateLimit(9, 9),
    "DescribeAlarmContributors": RateLimit(9, 9),
    "DescribeAlarmHistory": RateLimit(20, 20),
}


class Alarms:
    """The alarms of one account and Region.

    Without a `cloud` alarms are kept and can be set, but nothing evaluates them and nothing is
    delivered: a CloudWatch service alone, over a metric store.
    """

    def __init__(
        self,
        store: MetricStore,
        clock: Clock,
        *,
        account: str,
        region: str,
        settings: AlarmSettings | None = None,
        cloud: LocalCloud | None = None,
    ) -> None:
        self.settings = settings or AlarmSettings()
        self.register = Register()
        self.history = History()
        self._clock, self._account, self._region = clock, account, region
        self._delivery: Delivery | None = None
        self._evaluator: Evaluator | None = None
        if cloud is not None:
            self._delivery = Delivery(cloud, self.history, self.settings.action_delay_s)
        self._transitions = Transitions(self.register, clock, self.history, self._delivery)
        if cloud is not None:
            tell = self._transitions.phase
            self._transitions.suppression = Suppression(self.register, cloud.loop, tell)
            self._evaluator = Evaluator(cloud, store, self.settings, self._transitions)
        self._metered = self.settings.throttle
        self._quotas = CallGate(throttling_code="Throttling")
        self._quotas.limit(QUOTAS)

    # -- for other parts of the local cloud

    def listen(self, listener: AlarmListener) -> None:
        """Hear of every alarm that changes its state: `listener(name, state)`."""
        self._transitions.listen(listener)

    def is_on(self, name: str) -> bool:
        """Whether the alarm exists and is in ALARM."""
        return self.register.state_of(name) is StateValue.ALARM

    def on_autoscaling_action(self, arn_prefix: str, listener: AutoScalingListener) -> None:
        """Hand Auto Scaling actions to whoever owns the policies whose ARN begins so.

        Called on the transition into a state that has such an action, and again every
        `settings.repeat_autoscaling_s` while the alarm stays in it.
        """
        if self._delivery is not None:
            self._delivery.on_autoscaling(arn_prefix, listener)

    @property
    def operations(self) -> frozenset[str]:
        """The API operations that `call` answers."""
        return OPERATIONS

    @property
    def evaluations(self) -> int:
        """How many times an alarm was evaluated so far."""
        return 0 if self._evaluator is None else self._evaluator.evaluations

    def meter(self, operation: str, now_s: float) -> None:
        """Refuse a call beyond its quota (a hook for the service's CallGate)."""
        if self._metered:
            self._quotas.admit(operation, now_s)

    @contextmanager
    def unmetered(self) -> Iterator[None]:
        """Calls made meanwhile are not counted against the quotas (CloudFormation paces itself)."""
        before, self._metered = self._metered, False
        try:
            yield
        finally:
            self._metered = before

    # -- the API

    def call(self, operation: str, params: Params) -> Mapping[str, Any] | None:
        """Answer one of OPERATIONS; ServiceError with AWS's code and text where it refuses."""
        match operation:
            case "DescribeAlarms":
                return describe.describe_alarms(self.register, params)
            case "DescribeAlarmsForMetric":
                return describe.describe_alarms_for_metric(self.register, params)
            case "DescribeAlarmContributors":
                return describe.describe_contributors(self.register, params)
            case "DescribeAlarmHistory":
                return self.history.describe(params)
            case "ListTagsForResource":
                tags = self._tagged(params).tags
                return {"Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
            case "TagResource":
                self._tag(params)
                return {}
            case "UntagResource":
                alarm = self._tagged(params)
                for key in params["TagKeys"]:
                    alarm.tags.pop(key, None)
                return {}
        _WRITES[operation](self, params)
        return None

    def put_metric_alarm(self, params: Params) -> None:
        """Create an alarm, or replace the whole configuration of one."""
        defined = definition.define(params, self._account)
        name, now_s = params["AlarmName"], self._clock.now_s
        known = self.register.get(name)
        if isinstance(known, CompositeAlarm):
            raise validation_error(f"Alarm {name} already exists as a composite alarm.")
        self._check_room(known, defined.source)
        if known is None:
            tags = definition.tags_of(params)
            definition.check_tags(tags)
            alarm = MetricAlarm(
                name,
                self._arn(name),
                defined.params,
                defined.source,
                defined.rule,
                defined.minimum_samples,
                now_s,
                moto_seams.new_id(),
                new_state(now_s),
                tags,
            )
            self.register.add(alarm)
            self._configured(alarm, "create")
        else:
            if defined.params == known.params:
                return  # AWS does not even note it
            alarm, before = known, documents.configuration(known)
            if not watches_groups(defined.source):
                known.contributors = {}  # without a word to anybody
            known.params, known.source = defined.params, defined.source
            known.rule, known.minimum_samples = defined.rule, defined.minimum_samples
            known.configured_s, known.metric_id = now_s, moto_seams.new_id()
            self._configured(known, "update", before)
        if self._evaluator is not None:
            self._evaluator.watch(alarm)

    def put_composite_alarm(self, params: Params) -> None:
        """Create or replace a composite alarm; it is evaluated at once."""
        name, now_s = params["AlarmName"], self._clock.now_s
        kept = {k: v for k, v in params.items() if k != "Tags"}
        kept["ActionsEnabled"] = params.get("ActionsEnabled", True)
        for member in ACTION_FIELDS.values():
            kept[member] = list(params.get(member, ()))
        expression = self._expression(name, params)
        known = self.register.get(name)
        if isinstance(known, MetricAlarm):
            raise validation_error(f"Alarm {name} already exists as a metric alarm.")
        if known is None:
            tags = definition.tags_of(params)
            definition.check_tags(tags)
            state = new_state(now_s)
            alarm = CompositeAlarm(name, self._arn(name), kept, expression, now_s, state, tags)
            self.register.add(alarm)
            self._configured(alarm, "create")
        elif known.params == kept:
            return
        else:
            alarm, before = known, documents.configuration(known)
            known.params, known.expression, known.configured_s = kept, expression, now_s
            self.register.relate(known)
            self._configured(known, "update", before)
        self._transitions.evaluate(alarm, "created" if known is None else "updated")

    def delete_alarms(self, params: Params) -> None:
        """Delete alarms; names that do not exist are no error."""
        names = dict.fromkeys(params["AlarmNames"])
        alarms = [alarm for name in names if (alarm := self.register.get(name)) is not None]
        if sum(isinstance(alarm, CompositeAlarm) for alarm in alarms) > 1:
            raise validation_error("A call can delete at most one composite alarm.")
        for alarm in alarms:
            above = [
                *self.register.parents_of(alarm.name),
                *self.register.suppressed_by(alarm.name),
            ]
            if above:
                raise validation_error(
                    f"Cannot delete {alarm.name} as there are composite alarm(s) depending on it."
                )
        for alarm in alarms:
            self.register.remove(alarm)
            if self._evaluator is not None:
                self._evaluator.forget(alarm.name)
            self._configured(alarm, "delete")

    def set_alarm_state(self, params: Params) -> None:
        """Set a state until the next evaluation; the state it is in already changes nothing."""
        alarm = self.register.get(params["AlarmName"])
        if alarm is None:
            raise ServiceError("ResourceNotFound", "", status=404)
        data = params.get("StateReasonData")
        datapoints = _told_datapoints(data)
        value = StateValue(params["StateValue"])
        if value is not alarm.state.value:
            self._transitions.set_state(alarm, value, params["StateReason"], data, datapoints)

    def enable_actions(self, params: Params, *, enabled: bool) -> None:
        """Switch the actions of alarms on or off; names that do not exist are no error."""
        for name in dict.fromkeys(params["AlarmNames"]):
            alarm = self.register.get(name)
            if alarm is None or alarm.params["ActionsEnabled"] is enabled:
                continue
            before = documents.configuration(alarm)
            alarm.params = {**alarm.params, "ActionsEnabled": enabled}
            alarm.configured_s = self._clock.now_s
            self._configured(alarm, "update", before)

    # -- parts of the operations

    def _expression(self, name: str, params: Params) -> composite.Expression:
        definition.check_arns(params)
        try:
            expression = composite.parse(params["AlarmRule"])
        except composite.RuleError as error:
            raise validation_error(str(error)) from None
        referred = list(dict.fromkeys(composite.children(expression)))
        absent = [child for child in referred if child != name and self.register.get(child) is None]
        if absent:
            raise validation_error(
                f"Could not save the composite alarm as alarms [{', '.join(absent)}] in the alarm "
                "rule do not exist"
            )
        self._check_suppressor(name, params)
        return expression

    def _check_suppressor(self, name: str, params: Params) -> None:
        periods = ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
        if "ActionsSuppressor" not in params:
            return
        if any(period not in params for period in periods):
            raise validation_error(f"ActionsSuppressor requires {' and '.join(periods)}.")
        suppressor = composite.alarm_name(params["ActionsSuppressor"])
        if suppressor == name or self.register.get(suppressor) is None:
            raise validation_error(
                f"Could not save the composite alarm as its suppressor {suppressor} does not exist"
            )

    def _check_room(self, known: Alarm | None, source: object) -> None:
        if known is None and len(self.register) >= self.settings.max_alarms:
            raise _no_room()
        had_one = isinstance(known, MetricAlarm) and isinstance(known.source, Insights)
        if not isinstance(source, Insights) or had_one:
            return
        if self.register.insights() >= self.settings.max_insights_alarms:
            raise _no_room()

    def _arn(self, name: str) -> str:
        return f"arn:aws:cloudwatch:{self._region}:{self._account}:alarm:{name}"

    def _configured(
        self, alarm: Alarm, operation: str, before: Mapping[str, Any] | None = None
    ) -> None:
        """Tell of a created, updated or deleted alarm."""
        detail = documents.configuration_change(
            alarm, operation, None if before is None else dict(before)
        )
        if self._delivery is not None:
            self._delivery.publish(alarm, documents.CONFIGURATION_CHANGE, detail)
        self.history.add(
            (alarm.name, alarm.type),
            self._clock.now_s,
            "ConfigurationUpdate",
            f'Alarm "{alarm.name}" {operation}d',
            {
                "version": "1.0",
                "type": operation.capitalize(),
                f"{operation}dAlarm": detail["configuration"] | {"alarmArn": alarm.arn},
            },
        )

    def _tagged(self, params: Params) -> Alarm:
        alarm = self.register.by_arn(params["ResourceARN"])
        if alarm is None:
            raise ServiceError("ResourceNotFoundException", "", status=404)
        return alarm

    def _tag(self, params: Params) -> None:
        alarm = self._tagged(params)
        tags = definition.tags_of(params)
        definition.check_tags(tags, adding=len(alarm.tags.keys() - tags.keys()))
        alarm.tags.update(tags)


def _no_room() -> ServiceError:
    return ServiceError("LimitExceeded", "The maximum limit for alarms has been reached.")


def _told_datapoints(data: str | None) -> Datapoints:
    """The datapoints in StateReasonData, newest first; InvalidFormat where that is no JSON."""
    if data is None:
        return []
    try:
        told = json.loads(data)
    except ValueError:
        raise ServiceError("InvalidFormat", "") from None
    recent = told.get("recentDatapoints", []) if isinstance(told, dict) else []
    return [(0.0, float(value)) for value in reversed(recent) if isinstance(value, int | float)]


_WRITES: Mapping[str, Any] = {
    "PutMetricAlarm": Alarms.put_metric_alarm,
    "PutCompositeAlarm": Alarms.put_composite_alarm,
    "DeleteAlarms": Alarms.delete_alarms,
    "SetAlarmState": Alarms.set_alarm_state,
    "EnableAlarmActions": lambda alarms, params: alarms.enable_actions(params, enabled=True),
    "DisableAlarmActions": lambda alarms, params: alarms.enable_actions(params, enabled=False),
}
OPERATIONS = frozenset(
    {
        *_WRITES,
        "DescribeAlarmContributors",
        "DescribeAlarmHistory",
        "DescribeAlarms",
        "DescribeAlarmsForMetric",
        "ListTagsForResource",
        "TagResource",
        "UntagResource",
    }
)
