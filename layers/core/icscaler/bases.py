"""Adapters live on their base's copies, so what they are asked for is asked of the base.

Without this a base that is only called through its adapters would look idle and be unloaded, and a
request to an adapter at zero would wake nobody. Whether AWS counts a request to an adapter in the
base's metrics too is not documented, so the larger of the base's own count and the sum of its
adapters' stands for both: never twice the load, at most the smaller part of it missed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from icscaler.entities import EndpointConfig, MetricMinute

Minutes = tuple[MetricMinute, ...]


def adapters_by_base(config: EndpointConfig) -> dict[str, list[str]]:
    """Base component -> its adapters; bases without one are left out."""
    found: dict[str, list[str]] = {}
    for name, model in config.models.items():
        if model.adapter_of is not None and model.adapter_of in config.models:
            found.setdefault(model.adapter_of, []).append(name)
    return found


def wakes(config: EndpointConfig, noted: Mapping[str, int]) -> dict[str, int]:
    """The latest wake of each model of the endpoint; an adapter's is its base's too."""
    known = {name: wake_s for name, wake_s in noted.items() if name in config.models}
    for base, adapters in adapters_by_base(config).items():
        latest = [known[name] for name in (base, *adapters) if name in known]
        if latest:
            known[base] = max(latest)
    return known


def metrics(config: EndpointConfig, seen: Mapping[str, Minutes]) -> dict[str, Minutes]:
    """The metric minutes of each model, those of bases with what their adapters were asked for."""
    merged = dict(seen)
    for base, adapters in adapters_by_base(config).items():
        series = [{m.at_s: m for m in seen.get(name, ())} for name in (base, *adapters)]
        times = sorted(set().union(*series))
        if times:
            own, *others = series
            merged[base] = tuple(
                _with(
                    own.get(at_s) or MetricMinute(at_s),
                    [other[at_s] for other in others if at_s in other],
                )
                for at_s in times
            )
    return merged


def _with(minute: MetricMinute, adapters: list[MetricMinute]) -> MetricMinute:
    def larger(of: Callable[[MetricMinute], float | None]) -> float | None:
        return _largest(of(minute), _sum(map(of, adapters)))

    return replace(
        minute,
        invocations=larger(lambda m: m.invocations),
        concurrency_per_copy=larger(lambda m: m.concurrency_per_copy),
        refused=larger(lambda m: m.refused),
        heartbeat=minute.heartbeat or any(m.heartbeat for m in adapters),
    )


def _sum(values: Iterable[float | None]) -> float | None:
    """Of what was seen; None when nothing was."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _largest(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return one if other is None else other
    return max(one, other)
