"""Numbers, times and reasons in the words of CloudWatch.

Sources: CloudWatch User Guide, "Alarm events and EventBridge" and "Configuring how CloudWatch
alarms treat missing data"; where the guide has no sample, reasons of real alarms.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from icscaler_localcloud.alarms.decide import Decision, Point, Rule, StateValue, TreatMissing

NEW = "Unchecked: Initial alarm creation"
GONE = "No data was returned for this contributor"
_MAX_REPORTED = 100
_COMPARED = {
    "GreaterThanThreshold": "greater than",
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}
_TREATED = {
    TreatMissing.BREACHING: "Breaching",
    TreatMissing.NOT_BREACHING: "NonBreaching",
    TreatMissing.MISSING: "Missing",
    TreatMissing.IGNORE: "Ignore",
}


# -- numbers and times ----------------------------------------------------------------------------


def number(value: float) -> str:
    """A double as Java prints it, which is what CloudWatch's texts hold."""
    if value != 0 and not 1e-3 <= abs(value) < 1e7:
        sign, digits, _ = (exact := Decimal(repr(float(value))).normalize()).as_tuple()
        first, *rest = map(str, digits)
        return f"{'-' * sign}{first}.{''.join(rest) or '0'}E{exact.adjusted()}"
    return repr(float(value))


def stamp(at_s: float) -> str:
    """2026-06-01T09:00:00.000+0000"""
    at = datetime.fromtimestamp(round(at_s, 3), tz=UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}+0000"


def long_time(at_s: float) -> str:
    """Monday 14 September, 2026 06:42:02 UTC"""
    at = datetime.fromtimestamp(at_s, tz=UTC)
    return f"{at:%A} {at.day:02} {at:%B, %Y %H:%M:%S} UTC"


def _short_time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, tz=UTC).strftime("%d/%m/%y %H:%M:%S")


def _points(count: int) -> str:
    return f"{count} datapoint{'' if count == 1 else 's'}"


def _periods(count: int) -> str:
    return f"{count} period{'' if count == 1 else 's'}"


# -- reasons --------------------------------------------------------------------------------------


def reason(rule: Rule, decision: Decision) -> str:
    """Why an alarm on one time series has its state."""
    if decision.state is StateValue.INSUFFICIENT_DATA:
        verb = "was" if rule.periods == 1 else "were"
        return f"Insufficient Data: {_points(rule.periods)} {verb} unknown."
    told = [point for point in decision.decisive if point.value is not None]
    if not told:
        return _reason_by_gaps(rule, decision)
    values = ", ".join(_shown(point) for point in told)
    verb = "was" if len(told) == 1 else "were"
    return (
        f"Threshold Crossed: {_counted(rule, len(told))} [{values}] {verb} "
        f"{_compared(rule, decision)} the threshold ({number(rule.threshold)})"
        f"{_gaps(rule, decision)}{_minimum(rule, decision)}."
    )


def contributor_reason(rule: Rule, decision: Decision) -> str:
    """Why one time series of several has its state."""
    told = [point for point in decision.decisive if point.value is not None]
    if not told:
        return _reason_by_gaps(rule, decision)
    verb = "was" if len(told) == 1 else "were"
    no = "" if decision.state is StateValue.ALARM else "not "
    return (
        f"Threshold Crossed: {_counted(rule, len(told))} {verb} {_compared(rule, decision)} "
        f"the threshold ({number(rule.threshold)}){_gaps(rule, decision)}. The most recent "
        f"datapoint which {no}crossed the threshold: [{_shown(told[0])}]"
        f"{_minimum(rule, decision)}."
    )


def groups_reason(alarming: int, series: int) -> str:
    """The state of an alarm over its contributors."""
    if alarming > _MAX_REPORTED:
        return f"{_MAX_REPORTED}+ time series evaluated to ALARM"
    if alarming:
        return f"{alarming} out of {series} time series evaluated to ALARM"
    return f"{series} time series evaluated to OK"


def empty_query_reason(treat: TreatMissing) -> str:
    """The state of an alarm whose query returned nothing."""
    return (
        "No time series were returned by the query. Treat missing data is configured as "
        f"[{_TREATED[treat]}]."
    )


def _reason_by_gaps(rule: Rule, decision: Decision) -> str:
    known = len(decision.known)
    received = "no datapoints were" if not known else f"{_points(known)} was"
    if known > 1:
        received = f"{_points(known)} were"
    missing = decision.filled
    return (
        f"Threshold Crossed: {received} received for {_periods(rule.periods)} and {missing} "
        f"missing datapoint{' was' if missing == 1 else 's were'} treated as "
        f"[{_TREATED[rule.treat]}]."
    )


def _shown(point: Point) -> str:
    return f"{number(point.value or 0.0)} ({_short_time(point.at_s)})"


def _counted(rule: Rule, told: int) -> str:
    if rule.stated:
        return f"{told} out of the last {rule.periods} datapoints"
    return _points(told)


def _compared(rule: Rule, decision: Decision) -> str:
    no = "" if decision.state is StateValue.ALARM else "not "
    return no + _COMPARED[rule.operator]


def _gaps(rule: Rule, decision: Decision) -> str:
    stands_in = rule.treat in (TreatMissing.BREACHING, TreatMissing.NOT_BREACHING)
    if not decision.filled or not stands_in:
        return ""
    plural = "s were" if decision.filled > 1 else " was"
    return f" and {decision.filled} missing datapoint{plural} treated as [{_TREATED[rule.treat]}]"


def _minimum(rule: Rule, decision: Decision) -> str:
    if not rule.stated:
        return ""
    if decision.state is StateValue.ALARM:
        return f" (minimum {_points(rule.needed)} for OK -> ALARM transition)"
    needed = rule.periods - rule.needed + 1
    return f" (minimum {_points(needed)} for ALARM -> OK transition)"


# -- reason data ----------------------------------------------------------------------------------


def compact(document: Any) -> str:
    """JSON as CloudWatch nests it into strings."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)


def reason_data(
    rule: Rule,
    decision: Decision,
    *,
    at_s: float,
    period_s: int,
    statistic: str | None = None,
    unit: str | None = None,
) -> str:
    """StateReasonData of an alarm on one time series; statistic and unit only for one metric."""
    values = {point.at_s: point.value for point in decision.known}
    document: dict[str, Any] = {"version": "1.0", "queryDate": stamp(at_s)}
    recent: list[float | None] = []
    if values:
        oldest_s, newest_s = min(values), max(values)
        document["startDate"] = stamp(oldest_s)
        recent = [values.get(at) for at in range(oldest_s, newest_s + 1, period_s)]
    if unit is not None:
        document["unit"] = unit
    if statistic is not None:
        document["statistic"] = statistic
    document |= {
        "period": period_s,
        "recentDatapoints": recent,
        "threshold": rule.threshold,
        "evaluatedDatapoints": [_evaluated(point) for point in decision.decisive],
    }
    return compact(document)


def groups_reason_data(at_s: float) -> str:
    """StateReasonData of an alarm over contributors: it names none of them."""
    return compact({"version": "1.0", "queryDate": stamp(at_s)})


def _evaluated(point: Point) -> dict[str, Any]:
    document: dict[str, Any] = {"timestamp": stamp(point.at_s)}
    if point.value is not None:
        if point.samples is not None:
            document["sampleCount"] = float(point.samples)
        document["value"] = point.value
    return document
