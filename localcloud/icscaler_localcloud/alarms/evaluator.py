"""Evaluation of metric alarms on the virtual clock.

Alarms that are due at the same second share one timer, so thousands of alarms are at most 60
timers a minute (and ten more every ten seconds for high resolution).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from icscaler_localcloud.alarms import insights, texts, timing
from icscaler_localcloud.alarms.decide import Decision, StateValue, TreatMissing, decide
from icscaler_localcloud.alarms.model import Contributor, MetricAlarm
from icscaler_localcloud.alarms.settings import AlarmSettings, EmptyQuery
from icscaler_localcloud.alarms.sources import Insights, Metric
from icscaler_localcloud.alarms.transitions import Datapoints, Transitions
from icscaler_sim.metrics.store import MetricStore

if TYPE_CHECKING:
    from icscaler_localcloud.clock import Recurring
    from icscaler_localcloud.cloud import LocalCloud

MAX_CONTRIBUTORS = 100
_OF_EMPTY_QUERY = {
    TreatMissing.BREACHING: StateValue.ALARM,
    TreatMissing.NOT_BREACHING: StateValue.OK,
    TreatMissing.MISSING: StateValue.INSUFFICIENT_DATA,
}
# Timers fire on the second; what repeats "every 60 seconds" must not miss one by a rounding.
_SLACK_S = 0.5


class Evaluator:
    """Evaluates the alarms it watches, each at its own second."""

    def __init__(
        self,
        cloud: LocalCloud,
        store: MetricStore,
        settings: AlarmSettings,
        transitions: Transitions,
    ) -> None:
        self._cloud, self._store = cloud, store
        self._settings, self._transitions = settings, transitions
        self._due: dict[tuple[int, int], dict[str, MetricAlarm]] = {}
        self._timers: dict[tuple[int, int], Recurring] = {}
        self._slots: dict[str, tuple[int, int]] = {}
        self.evaluations = 0
        """How many alarms were evaluated so far."""

    def watch(self, alarm: MetricAlarm) -> None:
        """Evaluate the alarm from now on, at most one interval from now for the first time."""
        interval_s = timing.interval_s(alarm.source.period_s, alarm.rule.periods)
        slot = (interval_s, timing.phase_s(self._settings, alarm.name, interval_s))
        if self._slots.get(alarm.name) not in (None, slot):
            self.forget(alarm.name)
        self._slots[alarm.name] = slot
        self._due.setdefault(slot, {})[alarm.name] = alarm
        if slot not in self._timers:
            now_s = self._cloud.clock.now_s
            first_s = now_s - (now_s - slot[1]) % interval_s + interval_s
            self._timers[slot] = self._cloud.every(
                interval_s, lambda: self._evaluate_all(slot), first_s=first_s
            )

    def forget(self, name: str) -> None:
        """Stop evaluating the alarm."""
        slot = self._slots.pop(name, None)
        if slot is None:
            return
        del self._due[slot][name]
        if not self._due[slot]:
            del self._due[slot]
            self._timers.pop(slot).cancel()

    def _evaluate_all(self, slot: tuple[int, int]) -> None:
        self._cloud.before_call(None)  # metrics are what the world was up to
        for alarm in list(self._due.get(slot, {}).values()):
            self.evaluate(alarm)

    def evaluate(self, alarm: MetricAlarm) -> None:
        """Evaluate one alarm now."""
        self.evaluations += 1
        if alarm.groups:
            self._evaluate_groups(alarm)
            return
        now_s = self._cloud.clock.now_s
        source, window = alarm.source, self._window(alarm)
        if isinstance(source, Metric):
            points = source.read(self._store, window, now_s, alarm.rule.periods)
        else:
            points = source.read(self._store, window, now_s)
        decision = decide(alarm.rule, points)
        if _too_few(alarm, decision):
            return
        if decision.state not in (None, alarm.state.value):
            self._change(alarm, decision, now_s)
        elif self._repeats(alarm, now_s):
            self._transitions.repeat(alarm, _datapoints(decision))

    def _window(self, alarm: MetricAlarm) -> timing.Window:
        return timing.window(
            self._settings,
            alarm.source.period_s,
            alarm.rule.periods,
            self._cloud.clock.now_s,
            expression=not isinstance(alarm.source, Metric),
        )

    def _change(self, alarm: MetricAlarm, decision: Decision, now_s: float) -> None:
        assert decision.state is not None
        single = alarm.source if isinstance(alarm.source, Metric) else None
        data = texts.reason_data(
            alarm.rule,
            decision,
            at_s=now_s,
            period_s=alarm.source.period_s,
            statistic=single.stat if single else None,
            unit=single.unit if single else None,
        )
        reason = texts.reason(alarm.rule, decision)
        self._transitions.set_state(alarm, decision.state, reason, data, _datapoints(decision))

    def _repeats(self, alarm: MetricAlarm, now_s: float) -> bool:
        every_s = self._settings.repeat_autoscaling_s
        return every_s is not None and now_s - alarm.repeated_s >= every_s - _SLACK_S

    # -- several time series

    def _evaluate_groups(self, alarm: MetricAlarm) -> None:
        assert isinstance(alarm.source, Insights)
        now_s = self._cloud.clock.now_s
        answer = insights.evaluate(alarm.source.query, self._store, self._window(alarm), now_s)
        alarm.partial = answer.partial
        before, alarm.contributors = alarm.contributors, {}
        changes: list[tuple[Contributor, StateValue]] = []
        alarming = 0
        for group in answer.groups:
            identity = contributor_id(group.attributes)
            active = before.pop(identity, None)
            decision = decide(alarm.rule, group.points)
            on = decision.state is StateValue.ALARM
            on = on or (decision.state is None and active is not None)
            alarming += on
            if on and len(alarm.contributors) < MAX_CONTRIBUTORS:
                kept = active or _contributor(identity, group, alarm, decision, now_s)
                alarm.contributors[identity] = kept
                if active is None:
                    changes.append((kept, StateValue.ALARM))
            elif active is not None:
                gone = _contributor(identity, group, alarm, decision, now_s)
                changes.append((gone, StateValue.OK))
        for active in before.values():
            gone = Contributor(active.id, active.attributes, texts.GONE, now_s)
            changes.append((gone, StateValue.OK))
        for contributor, value in changes:
            self._transitions.set_contributor(alarm, contributor, value)
        self._set_parent(alarm, alarming, len(answer.groups), len(before))

    def _set_parent(self, alarm: MetricAlarm, alarming: int, series: int, gone: int) -> None:
        value: StateValue = StateValue.ALARM if alarming else StateValue.OK
        reason = texts.groups_reason(alarming, series + gone)
        if not series:
            treat = alarm.rule.treat
            reason = texts.empty_query_reason(treat)
            value = _OF_EMPTY_QUERY.get(treat, alarm.state.value)
            if self._settings.empty_query is EmptyQuery.INSUFFICIENT_DATA:
                value = StateValue.INSUFFICIENT_DATA
        if (value, reason) != (alarm.state.value, alarm.state.reason):
            data = texts.groups_reason_data(self._cloud.clock.now_s)
            self._transitions.set_state(alarm, value, reason, data)


def contributor_id(attributes: dict[str, str] | object) -> str:
    """16 hexadecimal digits that depend on the attributes alone."""
    return hashlib.sha256(texts.compact(attributes).encode()).hexdigest()[:16]


def _contributor(
    identity: str,
    group: insights.Group,
    alarm: MetricAlarm,
    decision: Decision,
    now_s: float,
) -> Contributor:
    reason = texts.contributor_reason(alarm.rule, decision)
    return Contributor(identity, group.attributes, reason, now_s)


def _too_few(alarm: MetricAlarm, decision: Decision) -> bool:
    """Has a percentile too few samples to say anything, and is it told to keep quiet then?"""
    if alarm.minimum_samples is None or not decision.known:
        return False
    return sum(point.samples or 0.0 for point in decision.known) < alarm.minimum_samples


def _datapoints(decision: Decision) -> Datapoints:
    points: Sequence[tuple[float, float | None]] = [(p.at_s, p.value) for p in decision.known]
    return [(at_s, value) for at_s, value in points if value is not None]
