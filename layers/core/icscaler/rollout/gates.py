"""Gates: may the next wave start?

A component of the wave is compared with itself before its update, corrected by how its siblings
(components not yet updated) moved meanwhile: a rush hour that slows all of them is no fault of the
new version. Too few requests on either side say nothing.
"""

from dataclasses import dataclass
from statistics import median
from typing import Literal

from icscaler.rollout.entities import Evidence, Gate, GateValue, Signals


@dataclass(frozen=True, slots=True)
class Judgement:
    """`pass`, `breach`, or `wait` for more requests; with the values it rests on."""

    verdict: Literal["pass", "breach", "wait"]
    values: tuple[GateValue, ...]
    text: str


def judge(gate: Gate, evidence: Evidence, waited_s: int) -> Judgement:
    """The gate's verdict, `waited_s` seconds after the wave's components were all updated."""
    if evidence.firing:
        return Judgement("breach", (), f"alarm {', '.join(evidence.firing)} is in ALARM")
    moved = _movement(gate, evidence)
    values = [
        value
        for name, after in sorted(evidence.after.items())
        for value in _compare(gate, name, evidence.before.get(name, Signals()), after, moved)
    ]
    breaches = [value for value in values if value.verdict == "breach"]
    if breaches:
        return Judgement("breach", tuple(values), "; ".join(map(value_text, breaches)))
    unknown = sorted({value.component for value in values if value.verdict == "too few"})
    if waited_s < gate.bake_s:
        return Judgement("wait", tuple(values), "the wave bakes")
    if not unknown:
        return Judgement("pass", tuple(values), "nothing got worse")
    if waited_s < gate.bake_s + gate.no_traffic_wait_s:
        return Judgement("wait", tuple(values), f"too few requests: {', '.join(unknown)}")
    rule = f"too few requests to tell: {', '.join(unknown)}; the gate's rule is {gate.no_traffic}"
    return Judgement("pass" if gate.no_traffic == "pass" else "breach", tuple(values), rule)


@dataclass(frozen=True, slots=True)
class _Movement:
    """How siblings changed: factors of latency and of requests a minute; 1 when unknown."""

    latency: float
    rate: float
    errors: float


def _movement(gate: Gate, evidence: Evidence) -> _Movement:
    latency, rate, errors = [], [], []
    for name, after in evidence.siblings_after.items():
        before = evidence.siblings_before.get(name, Signals())
        if not (_enough(gate, before) and _enough(gate, after)):
            continue
        if before.latency_us and after.latency_us:
            latency.append(after.latency_us / before.latency_us)
        rate.append(_rate(after) / _rate(before))
        errors.append(_error_fraction(after) - _error_fraction(before))
    return _Movement(
        max(1.0, median(latency)) if latency else 1.0,
        min(1.0, median(rate)) if rate else 1.0,
        max(0.0, median(errors)) if errors else 0.0,
    )


def _compare(
    gate: Gate, name: str, before: Signals, after: Signals, moved: _Movement
) -> list[GateValue]:
    return [
        _errors(gate, name, before, after, moved),
        _latency(gate, name, before, after, moved),
        _throughput(gate, name, before, after, moved),
    ]


def _errors(gate: Gate, name: str, before: Signals, after: Signals, moved: _Movement) -> GateValue:
    """5XX and model errors as a share of requests; the baseline may be silent, then it is 0."""
    if not _enough(gate, after):
        return GateValue(name, "errors", None, None, None, "too few")
    old = _error_fraction(before) if _enough(gate, before) else 0.0
    new, limit = _error_fraction(after), old + moved.errors + gate.max_error_fraction
    return GateValue(name, "errors", old, new, limit, "breach" if new > limit else "pass")


def _latency(gate: Gate, name: str, before: Signals, after: Signals, moved: _Movement) -> GateValue:
    old, new = before.latency_us, after.latency_us
    if old is None or new is None or not (_enough(gate, before) and _enough(gate, after)):
        return GateValue(name, "latency", old, new, None, "too few")
    limit = old * moved.latency * gate.max_latency_factor
    return GateValue(name, "latency", old, new, limit, "breach" if new > limit else "pass")


def _throughput(
    gate: Gate, name: str, before: Signals, after: Signals, moved: _Movement
) -> GateValue:
    """Fewer answers than before while siblings get theirs: requests no longer come through."""
    if not _enough(gate, before) or after.requests is None or after.minutes == 0:
        return GateValue(name, "throughput", None, None, None, "too few")
    old, new = _rate(before), _rate(after)
    limit = old * moved.rate * gate.min_throughput_factor
    if new >= limit:
        return GateValue(name, "throughput", old, new, limit, "pass")
    # A drop to nearly nothing can't be told from clients that went home.
    verdict: Literal["breach", "too few"] = "breach" if _enough(gate, after) else "too few"
    return GateValue(name, "throughput", old, new, limit, verdict)


def _enough(gate: Gate, signals: Signals) -> bool:
    return signals.requests is not None and signals.requests >= gate.min_requests


def _rate(signals: Signals) -> float:
    """Requests a minute."""
    return (signals.requests or 0.0) / max(1, signals.minutes)


def _error_fraction(signals: Signals) -> float:
    return (signals.errors or 0.0) / signals.requests if signals.requests else 0.0


def value_text(value: GateValue) -> str:
    """`chat: latency 1.9 s is above 1.3 s (before: 1.0 s)`."""
    if value.after is None or value.limit is None:
        return f"{value.component}: {value.measure}: too few requests"
    relation = {"breach": "below" if value.measure == "throughput" else "above"}.get(
        value.verdict, "within"
    )
    before = "" if value.before is None else f" (before: {_shown(value, value.before)})"
    return (
        f"{value.component}: {value.measure} {_shown(value, value.after)} is {relation} "
        f"{_shown(value, value.limit)}{before}"
    )


def _shown(value: GateValue, number: float) -> str:
    if value.measure == "latency":
        return f"{number / 1e6:.3g} s"
    return f"{100 * number:.3g} %" if value.measure == "errors" else f"{number:.3g} a minute"
