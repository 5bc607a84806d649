"""What the functions say about their work: log fields, and metrics in CloudWatch's embedded format.

Metrics carry the time of the look, not of the log line, so a replayed event lands where it belongs.
Custom metrics cost money: per endpoint a handful, per model none.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from icscaler.dispatch import DispatchOutcome
from icscaler.entities import OutcomeKind, Plan
from icscaler.keep_alarms import AlarmsOutcome
from icscaler.reconcile import LookKind, LookOutcome
from icscaler.verdicts import steps_text

COUNT = MetricUnit.Count
_FAILURES = frozenset({LookKind.FAILED, LookKind.LEASE_LOST})


def report_look(outcome: LookOutcome, duration_s: float) -> dict[str, Any]:
    """Emit a look's metrics; its log fields are returned.

    By service: `Looks` (successful; the controller's own alarm waits for these) and `FailedLooks`.
    By service and endpoint: what the look saw and did.
    """
    looked = outcome.kind is LookKind.LOOKED
    if looked or outcome.kind in _FAILURES:
        totals = {"Looks": (int(looked), COUNT), "FailedLooks": (int(not looked), COUNT)}
        emit(totals, outcome.at_s)
    if outcome.plan is not None:
        emit(_endpoint_figures(outcome), outcome.at_s, endpoint=outcome.endpoint)
    return _look_fields(outcome, duration_s)


def _endpoint_figures(outcome: LookOutcome) -> dict[str, tuple[float, MetricUnit]]:
    """A metric costs as much as reading a series of it every minute: the rest is in the log."""
    plan, summary = outcome.plan, outcome.summary
    if plan is None or summary is None:
        return {}
    kinds = [each.kind for each in outcome.outcomes.values()]
    return _start_figures(plan) | {
        "Copies": (summary.copies, COUNT),
        "Models": (summary.models, COUNT),
        "BlindModels": (summary.blind_models, COUNT),
        "Changes": (kinds.count(OutcomeKind.ACCEPTED), COUNT),
        "Refusals": (len(kinds) - kinds.count(OutcomeKind.ACCEPTED), COUNT),
        "GpuPrice": (plan.gpu_price, MetricUnit.NoUnit),
    }


def _start_figures(plan: Plan) -> dict[str, tuple[float, MetricUnit]]:
    """The longest start that ended by this look, and what of it was waiting for an instance."""
    if not plan.started:
        return {}
    longest = max(plan.started, key=lambda start: start.total_s)
    return {
        "StartUpTime": (longest.total_s, MetricUnit.Seconds),
        "InstanceStartTime": (longest.instance_s, MetricUnit.Seconds),
    }


def _look_fields(outcome: LookOutcome, duration_s: float) -> dict[str, Any]:
    """`changes` were tried; `held` would have been made, were it not for what `by` says.

    `started`: starts that this look saw ended, by phase (`policies.startup`).
    """
    fields: dict[str, Any] = {
        "endpoint": outcome.endpoint,
        "kind": outcome.kind,
        "at_s": outcome.at_s,
        "duration_s": round(duration_s, 3),
    }
    if outcome.message:
        fields["problem"] = outcome.message
    plan = outcome.plan
    if plan is not None:
        fields["gpu_price"] = plan.gpu_price
        fields["unmanaged"] = list(plan.unmanaged)
        fields["notices"] = [f"{each.notice} {each.subject}" for each in plan.notices]
        fields["changes"] = [
            {
                "component": change.component,
                "from_copies": change.from_copies,
                "to_copies": change.to_copies,
                "outcome": outcome.outcomes[change.component].kind,
                "steps": list(steps_text(plan.decisions[change.component])),
            }
            for change in plan.changes
            if change.component in outcome.outcomes
        ]
        fields["started"] = [asdict(start) for start in plan.started]
        fields["held"] = [
            {
                "component": decision.component,
                "from_copies": decision.from_copies,
                "wanted_copies": decision.desired_copies,
                "by": decision.blocked,
            }
            for decision in plan.decisions.values()
            if decision.blocked and decision.desired_copies != decision.from_copies
        ]
    return fields


def report_dispatch(outcome: DispatchOutcome) -> dict[str, Any]:
    """Emit dispatch's metrics; its log fields, which are also its answer, are returned."""
    emit(
        {
            "QueuedLooks": (len(outcome.queued), COUNT),
            "NotQueuedLooks": (len(outcome.not_queued), COUNT),
            "Wakes": (len(outcome.woken), COUNT),
            "LimitedWakes": (len(outcome.limited), COUNT),
            "LateEndpoints": (len(outcome.late_endpoints), COUNT),
            "MetricsVanished": (int(outcome.metrics_vanished), COUNT),
        },
        outcome.at_s,
    )
    return {
        "cause": outcome.cause,
        "at_s": outcome.at_s,
        "queued": list(outcome.queued),
        "not_queued": list(outcome.not_queued),
        "woken": list(outcome.woken),
        "limited": list(outcome.limited),
        "unwakeable": list(outcome.unwakeable),
        "unknown": list(outcome.unknown),
        "late_endpoints": list(outcome.late_endpoints),
        "allowance": outcome.allowance,
        "not_told": outcome.not_told,
    }


def report_alarms(outcome: AlarmsOutcome) -> dict[str, Any]:
    """Emit what the alarms are and cost; the log fields, which are also the answer, are returned.

    `AlarmCost` is US dollars a month, at most (prices: `icscaler.alarm_plan`).
    """
    emit(
        {
            "SpikeAlarms": (outcome.alarms, COUNT),
            "SpikeAlarmsLeft": (outcome.left, COUNT),
            "AlarmCost": (outcome.usd_per_month, MetricUnit.NoUnit),
        },
        outcome.at_s,
    )
    return asdict(outcome)


def report_rejection(problem: str, at_s: int) -> dict[str, Any]:
    """An event nobody understands: counted, logged, answered; repeating it would not help."""
    emit({"RejectedEvents": (1, COUNT)}, at_s)
    return {"rejected": problem}


def emit(figures: Mapping[str, tuple[float, MetricUnit]], at_s: int, **dimensions: str) -> None:
    """One embedded-format line; `service` is always a dimension, from the environment."""
    metrics = EphemeralMetrics()
    for dimension, about in dimensions.items():
        metrics.add_dimension(dimension, about)
    for name, (value, unit) in figures.items():
        metrics.add_metric(name, unit, value)
    if figures:
        metrics.set_timestamp(at_s * 1000)
        metrics.flush_metrics()
