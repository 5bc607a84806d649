"""Seeded traffic: the demo's code-generation ensemble, and a fleet of any size.

The same seed gives the same traffic everywhere; `shapes` says what it is modelled on.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from icscaler_sim.traces.shapes import (
    AROUND_THE_CLOCK,
    DAY_S,
    OFFICE_HOURS,
    ONE_OFFICE,
    FloatArray,
    IntArray,
    RequestSizes,
    arrivals,
    burst_factor,
    stream,
    time_of_day,
    wandering_level,
)
from icscaler_sim.traces.trace import Trace, build_trace


@dataclass(frozen=True, slots=True)
class SteadyTraffic:
    """Traffic of many users. `peak_rps` is what the time-of-day curve reaches, before bursts.

    `bursts_per_hour` of `burst_height` times the level of that moment. `shape_per_minute` see
    `shapes.arrivals`: at n requests a minute the CV of the gaps is about sqrt(1 + n / shape), so
    the ensemble's completion reaches the 13 of the recorded one in its busiest hours.
    """

    peak_rps: float
    sizes: RequestSizes
    hourly: tuple[float, ...] = OFFICE_HOURS
    weekend: bool = True
    bursts_per_hour: float = 0.5
    burst_s: float = 240.0
    burst_height: float = 0.8
    shape_per_minute: float = 26.0


@dataclass(frozen=True, slots=True)
class SessionTraffic:
    """Traffic of few users: sessions in office hours, silence between them."""

    sessions_per_day: float
    session_s: float
    session_rps: float
    sizes: RequestSizes
    hourly: tuple[float, ...] = ONE_OFFICE


@dataclass(frozen=True, slots=True)
class FollowerTraffic:
    """Traffic caused by other models: each of their requests leads to so many of this one."""

    requests_per: Mapping[str, float]
    delay_s: int
    sizes: RequestSizes


Traffic = SteadyTraffic | SessionTraffic | FollowerTraffic

ENSEMBLE: Mapping[str, Traffic] = MappingProxyType(
    {
        "inline-completion": SteadyTraffic(
            peak_rps=95.0,
            sizes=RequestSizes(body_input=1_700.0, mean_output=28.0, longest_input=8_000),
            bursts_per_hour=1.5,
            burst_s=150.0,
            burst_height=0.9,
            shape_per_minute=34.0,
        ),
        "block-generation": SteadyTraffic(
            peak_rps=11.0,
            sizes=RequestSizes(body_input=2_600.0, mean_output=230.0),
            hourly=ONE_OFFICE,
        ),
        "flow-generation": SteadyTraffic(
            peak_rps=4.5,
            sizes=RequestSizes(body_input=3_200.0, mean_output=520.0),
            hourly=ONE_OFFICE,
        ),
        "text-evaluation": FollowerTraffic(
            requests_per=MappingProxyType({"block-generation": 0.9, "flow-generation": 2.0}),
            delay_s=40,
            sizes=RequestSizes(body_input=1_100.0, mean_output=70.0, longest_input=8_000),
        ),
        "repo-migration": SessionTraffic(
            sessions_per_day=5.0,
            session_s=2_400.0,
            session_rps=0.25,
            sizes=RequestSizes(body_input=9_000.0, mean_output=700.0),
        ),
        "architecture-review": SessionTraffic(
            sessions_per_day=2.0,
            session_s=1_800.0,
            session_rps=0.08,
            sizes=RequestSizes(body_input=14_000.0, mean_output=900.0),
        ),
    }
)
"""One product's models: heavy completion, two generators, their evaluation, two large rare ones."""

ENSEMBLE_WEIGHTS_GB: Mapping[str, float] = MappingProxyType(
    {"repo-migration": 24.0, "architecture-review": 30.0}
)
"""The large models of the ensemble; the others have the default of about 15 GB."""

_TEAM = "team"
_STEADY_FROM_RPS = 2.0
_FOLLOW_SPREAD_S = 60.0


def generate_ensemble(seed: int, *, days: float = 1.0, width_s: int = 10) -> Trace:
    """The ensemble's traffic for that many days from a Monday's midnight.

    Its models belong to one product: one level of activity drives them all.
    """
    times = _times(days, width_s)
    team = wandering_level(stream(seed, _TEAM), len(times), width_s, sigma=0.12, memory_s=2700.0)
    counts: dict[str, IntArray] = {}
    rows = _Rows()
    for name, traffic in ENSEMBLE.items():
        draws = stream(seed, name)
        counts[name] = _counts(traffic, draws, times, width_s, team, counts)
        rows.add(counts[name], traffic.sizes, draws)
    return rows.trace(f"ensemble (seed {seed})", tuple(ENSEMBLE), times, width_s)


def generate_fleet(
    models: int,
    seed: int,
    *,
    days: float = 1.0,
    width_s: int = 60,
    mean_rps: float | None = None,
) -> Trace:
    """`models` models from very hot to never called, `mean_rps` requests a second in all.

    Popularity falls as in the recorded fleet of 157 models (docs/traces.md): the busiest has 44 %
    of requests, the ten busiest 79 %, the less busy half 0.3 %, and 15 % are never called.
    """
    if models < 1:
        raise ValueError(f"a fleet has at least one model, not {models}")
    times = _times(days, width_s)
    shares = popularity(models)
    total_rps = 10.0 * models if mean_rps is None else mean_rps
    names = tuple(f"model-{place:03d}" for place in range(models))
    rows = _Rows()
    flat = np.ones(len(times))
    for name, share in zip(names, shares, strict=True):
        draws = stream(seed, name)
        traffic = _fleet_traffic(share * total_rps, draws)
        counts = _counts(traffic, draws, times, width_s, flat, {})
        rows.add(counts if share else np.zeros_like(counts), traffic.sizes, draws)
    return rows.trace(f"fleet of {models} (seed {seed})", names, times, width_s)


def popularity(models: int) -> tuple[float, ...]:
    """Shares of requests, busiest first, zero for those never called; they sum to 1."""
    called = max(1, round(models * 133 / 157))
    if called == 1:
        return (1.0,) + (0.0,) * (models - 1)
    rank = np.arange(2.0, called + 1.0)
    rest = rank**-0.65 * np.exp(-6.75 * rank / called)
    rest *= 10.0 ** (-25.0 * np.maximum(rank / called - 0.9, 0.0))
    rest *= 0.56 / rest.sum()
    return (0.44, *rest.tolist(), *(0.0,) * (models - called))


# ---------------------------------------------------------------- inside


class _Rows:
    """Non-empty bins of one model after another."""

    def __init__(self) -> None:
        self._parts: list[tuple[IntArray, IntArray, IntArray, IntArray]] = []

    def add(self, counts: IntArray, sizes: RequestSizes, draws: np.random.RandomState) -> None:
        steps = np.flatnonzero(counts)
        requests = counts[steps]
        tokens_in, tokens_out = sizes.sums(draws, requests)
        self._parts.append((steps, requests, tokens_in, tokens_out))

    def trace(self, source: str, models: tuple[str, ...], times: FloatArray, width_s: int) -> Trace:
        steps, requests, tokens_in, tokens_out = (
            np.concatenate([part[column] for part in self._parts]) for column in range(4)
        )
        owners = [np.full(len(part[0]), place) for place, part in enumerate(self._parts)]
        return build_trace(
            source,
            models,
            width_s,
            len(times) * width_s,
            steps.astype(np.int64) * width_s,
            np.concatenate(owners).astype(np.int64),
            requests,
            tokens_in,
            tokens_out,
        )


def _times(days: float, width_s: int) -> FloatArray:
    steps = round(days * DAY_S / width_s)
    if steps < 1:
        raise ValueError(f"{days} days hold no bin of {width_s} s")
    return np.arange(steps, dtype=np.float64) * width_s


def _counts(
    traffic: Traffic,
    draws: np.random.RandomState,
    times: FloatArray,
    width_s: int,
    level: FloatArray,
    others: Mapping[str, IntArray],
) -> IntArray:
    if isinstance(traffic, SteadyTraffic):
        rate = traffic.peak_rps * level
        rate *= time_of_day(traffic.hourly, times, weekend=traffic.weekend)
        rate *= burst_factor(
            draws,
            len(times),
            width_s,
            per_hour=traffic.bursts_per_hour,
            median_length_s=traffic.burst_s,
            median_height=traffic.burst_height,
        )
        return arrivals(draws, rate, width_s, shape_per_minute=traffic.shape_per_minute)
    if isinstance(traffic, SessionTraffic):
        return arrivals(
            draws, _session_rate(traffic, draws, times, width_s), width_s, shape_per_minute=math.inf
        )
    return arrivals(
        draws, _caused_rate(traffic, width_s, others), width_s, shape_per_minute=math.inf
    )


def _session_rate(
    traffic: SessionTraffic, draws: np.random.RandomState, times: FloatArray, width_s: int
) -> FloatArray:
    """Sessions start by time of day, last log-normally long and have a rate of their own."""
    rate = np.zeros(len(times))
    days = len(times) * width_s / DAY_S
    wanted = traffic.sessions_per_day * days
    # Whole days have their whole sessions; a fraction of one is left to chance.
    sessions = int(wanted) + int(draws.random_sample() < wanted - int(wanted))
    chance = np.cumsum(time_of_day(traffic.hourly, times, weekend=True))
    for _ in range(sessions):
        start = int(np.searchsorted(chance, draws.random_sample() * chance[-1]))
        length_s = draws.lognormal(math.log(traffic.session_s), 0.5)
        end = min(len(times), start + max(1, round(length_s / width_s)))
        rate[start:end] += traffic.session_rps * draws.lognormal(-0.08, 0.4)
        rate[start] = max(rate[start], 1.5 / width_s)
    return rate


def _caused_rate(
    traffic: FollowerTraffic, width_s: int, others: Mapping[str, IntArray]
) -> FloatArray:
    """The others' requests, later, spread over about a minute."""
    caused = sum(others[name] * (factor / width_s) for name, factor in traffic.requests_per.items())
    steps = max(1, round(4 * _FOLLOW_SPREAD_S / width_s))
    kernel = np.exp(-np.arange(steps) * (width_s / _FOLLOW_SPREAD_S))
    kernel /= kernel.sum()
    delay = round(traffic.delay_s / width_s)
    spread = np.convolve(np.asarray(caused, dtype=np.float64), kernel)
    later = np.concatenate([np.zeros(delay), spread])
    return np.asarray(later[: len(spread) - steps + 1], dtype=np.float64)


def _fleet_traffic(rps: float, draws: np.random.RandomState) -> Traffic:
    """A kind of traffic for a model of that mean rate: the rarer, the more it comes in sessions."""
    sizes = RequestSizes(
        body_input=float(draws.lognormal(math.log(600.0), 1.0)),
        mean_output=float(draws.lognormal(math.log(120.0), 1.0)),
    )
    office = bool(draws.random_sample() < 0.5)
    hourly = OFFICE_HOURS if office else AROUND_THE_CLOCK
    if rps < _STEADY_FROM_RPS:
        duty = min(0.9, 0.12 * math.sqrt(rps / 0.3) * float(draws.lognormal(0.0, 0.5)))
        session_s = float(draws.lognormal(math.log(1_200.0), 0.7))
        # A session has two requests at least: the rarest models come seldom, not for a moment.
        session_rps = max(rps / max(duty, 1e-6), 2.0 / session_s)
        sessions = rps * DAY_S / (session_rps * session_s)
        return SessionTraffic(sessions, session_s, session_rps, sizes, hourly)
    return SteadyTraffic(
        peak_rps=rps * 24.0 / sum(hourly),
        sizes=sizes,
        hourly=hourly,
        weekend=office,
        bursts_per_hour=1.0,
        burst_s=float(draws.lognormal(math.log(240.0), 0.8)),
        burst_height=float(draws.lognormal(0.0, 0.6)),
        shape_per_minute=float(draws.lognormal(math.log(4.0), 1.0)),
    )
