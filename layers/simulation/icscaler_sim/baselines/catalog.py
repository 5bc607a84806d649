"""The peers by name, with their knobs: what each means, its default, and its range in a sweep.

Defaults are the documented ones where a project documents any; ranges reach well beyond both ends
of what operators use, so that a frontier is never cut off on the peer's side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal

from icscaler_sim.baselines.api import Facts, Rule
from icscaler_sim.baselines.hpa import HorizontalPodAutoscaler
from icscaler_sim.baselines.hybrid_histogram import HybridHistogram
from icscaler_sim.baselines.keda import Keda
from icscaler_sim.baselines.keep_alive import KeepAlive
from icscaler_sim.baselines.knative import KnativePodAutoscaler
from icscaler_sim.baselines.ray_serve import RayServe
from icscaler_sim.baselines.target_tracking import TargetTracking, high_points_per

Value = int | float | bool | str | None
Settings = Mapping[str, Value]


class KnobError(ValueError):
    """A setting that a peer does not have, or a value that makes no sense for it."""


@dataclass(frozen=True, slots=True)
class Knob:
    """`values` are what a full sweep tries; any value of the default's kind may be given."""

    name: str
    default: Value
    values: tuple[Value, ...]
    meaning: str


@dataclass(frozen=True, slots=True)
class Peer:
    """A way to decide copies. `period_s` is the metrics' period and how often it looks.

    `holds_requests`: it has a proxy in which requests at zero copies wait instead of failing.
    `managed`: it runs inside AWS and reads no API. `documented`: what AWS's guide shows where the
    defaults here are kinder.
    """

    name: str
    label: str
    knobs: tuple[Knob, ...]
    make: Callable[[Facts, Settings], Rule[Any]]
    period_s: Literal[10, 60] = 60
    holds_requests: bool = False
    managed: bool = False
    documented: Settings = field(default_factory=dict)

    def settings(self, given: Settings) -> dict[str, Value]:
        """All knobs, the given ones as given. Raises `KnobError`."""
        known = {knob.name: knob for knob in self.knobs}
        for name, value in given.items():
            if name not in known:
                names = ", ".join(known) or "none"
                raise KnobError(f"{self.name} has no knob '{name}'; it has: {names}")
            _check(self.name, known[name], value)
        return {knob.name: given.get(knob.name, knob.default) for knob in self.knobs}

    def sweep(self) -> Iterator[dict[str, Value]]:
        """Every combination of the knobs' values."""
        names = [knob.name for knob in self.knobs]
        for values in product(*(knob.values for knob in self.knobs)):
            yield dict(zip(names, values, strict=True))

    def vary(self) -> Iterator[dict[str, Value]]:
        """The defaults, and each knob's other values by itself: a sweep in outline."""
        usual = {knob.name: knob.default for knob in self.knobs}
        yield usual
        for knob in self.knobs:
            for value in knob.values:
                if value != knob.default:
                    yield {**usual, knob.name: value}


def _check(peer: str, knob: Knob, value: Value) -> None:
    sample = next((v for v in (knob.default, *knob.values) if v is not None), None)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(sample, bool):
        fits = isinstance(value, bool)
    elif isinstance(sample, str):
        fits = value in knob.values
    else:
        fits = number and value is not None and float(value) >= 0
        fits = fits or (value is None and None in (knob.default, *knob.values))
        fits = fits and not (isinstance(sample, int) and isinstance(value, float))
    if not fits:
        shown = ", ".join(str(one) for one in knob.values)
        raise KnobError(f"{peer}: {knob.name} cannot be {value!r}; swept over {shown}")


def _target(default: float) -> Knob:
    fractions = (0.25, 0.4, 0.55, 0.7, 0.85, 1.0)
    return Knob(
        "target_fraction", default, fractions, "target per copy, as a share of its request slots"
    )


_WINDOW = Knob(
    "window_s",
    1800,
    (300, 900, 1800, 3600, 7200, 21600, 86400),
    "copies 2..n follow the highest offered load of this window",
)
_HEADROOM = Knob("headroom", 1.0, (0.85, 1.0, 1.2, 1.5, 2.0), "factor on that load")

_TRACKING = (
    _target(0.7),
    Knob(
        "metric",
        "concurrency",
        ("concurrency", "invocations"),
        "ConcurrentRequestsPerCopy or InvocationsPerCopy (60 s only)",
    ),
    Knob("low_minutes", 15, (3, 15, 30), "AlarmLow: minutes below 0.9 x target"),
    Knob("high_points", 3, (1, 2, 3), "AlarmHigh: periods above the target"),
    Knob("scale_out_cooldown_s", 300, (0, 60, 300), "pause after a scale out"),
    Knob("scale_in_cooldown_s", 300, (0, 300, 900, 1800), "pause after a scale in"),
    Knob("gradual_in", False, (False, True), "scale in by a tenth of the copies at a time"),
    Knob("wake_at_refusals", 1, (1, 2), "refused requests a minute that wake (documented: > 1)"),
)


_AS_DOCUMENTED: Settings = {"wake_at_refusals": 2}


def _tracking(period_s: Literal[10, 60]) -> Callable[[Facts, Settings], Rule[Any]]:
    def make(facts: Facts, settings: Settings) -> Rule[Any]:
        own: dict[str, Any] = dict(settings)
        minutes = int(own.pop("low_minutes"))
        _, low = high_points_per(period_s)
        return TargetTracking(
            facts, period_s=period_s, low_points=max(1, low * minutes // 15), **own
        )

    return make


def _of(rule: Callable[..., Rule[Any]]) -> Callable[[Facts, Settings], Rule[Any]]:
    return lambda facts, settings: rule(facts, **settings)


def _kpa(period_s: int) -> Callable[[Facts, Settings], Rule[Any]]:
    return lambda facts, settings: KnativePodAutoscaler(
        facts, period_s=period_s, **dict[str, Any](settings)
    )


PEERS: tuple[Peer, ...] = (
    Peer(
        "aas-60s",
        "Application Auto Scaling, 60 s metrics",
        _TRACKING,
        _tracking(60),
        managed=True,
        documented=_AS_DOCUMENTED,
    ),
    Peer(
        "aas-10s",
        "Application Auto Scaling, 10 s metrics",
        tuple(knob for knob in _TRACKING if knob.name != "metric"),
        _tracking(10),
        period_s=10,
        managed=True,
        documented=_AS_DOCUMENTED,
    ),
    Peer(
        "hpa",
        "Kubernetes HPA",
        (
            _target(0.7),
            Knob("least", 1, (0, 1), "0: scale to zero is enabled"),
            Knob("tolerance", 0.1, (0.0, 0.1, 0.2), "no change within this share of the target"),
            Knob(
                "downscale_stabilization_s",
                300,
                (0, 300, 900, 1800, 3600),
                "the highest wish of this window counts for scale in",
            ),
        ),
        _of(HorizontalPodAutoscaler),
    ),
    Peer(
        "keda",
        "KEDA",
        (
            _target(0.7),
            Knob("cooldown_s", 300, (300, 600, 1200, 3600, 14400), "inactive this long: to zero"),
            Knob("downscale_stabilization_s", 300, (300, 900, 1800, 3600), "as for HPA"),
        ),
        _of(Keda),
    ),
    Peer(
        "kpa",
        "Knative Pod Autoscaler",
        (
            Knob("utilization", 0.7, (0.25, 0.4, 0.55, 0.7, 0.85, 1.0), "target share of slots"),
            Knob("stable_window_s", 60, (60, 300, 900, 1800, 3600), "window of the mean"),
            Knob("panic_threshold", 2.0, (1.1, 2.0, 10.0), "panic from this load / ready copies"),
            Knob("scale_down_delay_s", 0, (0, 300, 900, 1800, 3600), "highest wish of this window"),
            Knob("retention_s", 0, (0, 600, 1200, 3600), "minimum life of the last copy"),
            Knob("weighted", False, (False, True), "newer values weigh more in the stable window"),
        ),
        _kpa(10),
        period_s=10,
        holds_requests=True,
    ),
    Peer(
        "ray-serve",
        "Ray Serve",
        (
            _target(0.4),
            Knob("look_back_s", 30, (30, 120, 600), "window of the mean"),
            Knob("upscale_delay_s", 30, (0, 30), "a wish to grow must last this long"),
            Knob("downscale_delay_s", 600, (300, 600, 1200, 3600), "a wish to shrink likewise"),
            Knob("up_factor", 1.0, (0.5, 1.0, 1.5), "share of the step taken, growing"),
            Knob("down_factor", 1.0, (0.3, 1.0), "share of the step taken, shrinking"),
        ),
        _of(RayServe),
        period_s=10,
    ),
    Peer(
        "hybrid-histogram",
        "Hybrid histogram keep-alive",
        (
            _WINDOW,
            _HEADROOM,
            Knob("range_min", 240, (60, 120, 240, 480), "range of the histogram, minutes"),
            Knob("tail", 0.99, (0.75, 0.9, 0.99), "percentile of idle times to stay loaded for"),
        ),
        _of(HybridHistogram),
    ),
    Peer(
        "keep-alive",
        "Fixed keep-alive",
        (
            _WINDOW,
            _HEADROOM,
            Knob(
                "keep_s",
                1200,
                (300, 600, 1200, 2400, 3600, 7200, 14400, 43200, None),
                "copy 1 stays this long after its last use; none: for ever",
            ),
        ),
        _of(KeepAlive),
    ),
)


def peer(name: str) -> Peer:
    """The peer called `name`. Raises `KeyError`."""
    for one in PEERS:
        if one.name == name:
            return one
    raise KeyError(name)
