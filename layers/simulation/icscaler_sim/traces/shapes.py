"""Shapes that generated traffic is made of: times of day, bursts, sizes of requests.

What is published about real traffic, and where it is used here:

* inter-arrival times are burstier than Poisson, best fitted by Gamma or Weibull gaps, and the
  rate itself moves over the day; input lengths are a log-normal or similar body with a Pareto
  tail, output lengths are exponential [ServeGen, arXiv:2505.09999, sections 3.1 and 3.2];
* code completion: 2,048 input and 28 output tokens on average, the busiest ten seconds twelve
  times the mean [Azure LLM inference trace 2023 (code), Splitwise, ISCA 2024];
* most deployed functions are called rarely, and a few carry nearly all calls ["Serverless in the
  Wild", USENIX ATC 2020, section 3].

All draws come from `numpy.random.RandomState`: its streams are frozen for good (NEP 19), so a seed
gives the same traffic with every version of numpy and Python.
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DAY_S = 86_400
_WEEKEND_FRACTION = 0.25

OFFICE_HOURS = (
    0.04, 0.03, 0.03, 0.03, 0.04, 0.06, 0.10, 0.22, 0.50, 0.86, 1.00, 0.97,
    0.66, 0.74, 0.98, 1.00, 0.93, 0.70, 0.44, 0.30, 0.23, 0.17, 0.11, 0.06,
)  # fmt: skip
"""Use of a developers' tool at each full hour, from midnight: a dip at lunch, a quiet night."""

ONE_OFFICE = (
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.10, 0.46, 0.86, 1.00, 0.97,
    0.64, 0.74, 0.98, 1.00, 0.93, 0.68, 0.38, 0.20, 0.10, 0.04, 0.0, 0.0,
)  # fmt: skip
"""Use of a tool that people of one time zone start by hand: nobody at night."""

AROUND_THE_CLOCK = (
    0.62, 0.55, 0.50, 0.48, 0.48, 0.52, 0.60, 0.70, 0.80, 0.88, 0.94, 0.97,
    0.95, 0.95, 0.97, 1.00, 1.00, 0.98, 0.96, 0.95, 0.93, 0.88, 0.80, 0.70,
)  # fmt: skip
"""Use of a service with users in many time zones."""


def stream(seed: int, name: str) -> np.random.RandomState:
    """An own stream for `name`: adding a model changes no other model's traffic."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    words = [int.from_bytes(digest[at : at + 4], "big") for at in range(0, 16, 4)]
    return np.random.RandomState(words)


def time_of_day(
    hourly: tuple[float, ...], at_s: FloatArray, *, weekend: bool = False
) -> FloatArray:
    """The curve through 24 hourly values at these seconds, second 0 being a Monday's midnight.

    `weekend`: Saturdays and Sundays have a quarter of it.
    """
    hours = np.asarray(at_s, dtype=np.float64) / 3600.0
    values = np.interp(hours % 24.0, np.arange(25.0), np.array([*hourly, hourly[0]]))
    if weekend:
        day = np.asarray(at_s // DAY_S, dtype=np.int64) % 7
        values = np.where(day >= 5, values * _WEEKEND_FRACTION, values)
    return np.asarray(values, dtype=np.float64)


def wandering_level(
    draws: np.random.RandomState, steps: int, step_s: int, *, sigma: float, memory_s: float
) -> FloatArray:
    """A level around 1 that drifts: log-normal, forgetting within about `memory_s`."""
    keep = math.exp(-step_s / memory_s)
    noise = draws.normal(size=steps) * sigma * math.sqrt(1.0 - keep * keep)
    level = draws.normal() * sigma
    out = np.empty(steps)
    for step, shock in enumerate(noise.tolist()):
        level = keep * level + shock
        out[step] = level
    return np.asarray(np.exp(out - sigma * sigma / 2.0), dtype=np.float64)


def burst_factor(
    draws: np.random.RandomState,
    steps: int,
    step_s: int,
    *,
    per_hour: float,
    median_length_s: float,
    median_height: float,
) -> FloatArray:
    """1, and more while bursts last: they start at random and ebb away (heights add up)."""
    out = np.ones(steps)
    hours = steps * step_s / 3600.0
    for _ in range(int(draws.poisson(per_hour * hours))):
        start = int(draws.randint(0, steps))
        length_s = draws.lognormal(math.log(median_length_s), 0.6)
        height = draws.lognormal(math.log(median_height), 0.5)
        reach = min(steps, start + 1 + int(4 * length_s / step_s))
        ages_s = np.arange(reach - start) * float(step_s)
        out[start:reach] += height * np.exp(-ages_s / length_s)
    return out


def arrivals(
    draws: np.random.RandomState, rate_per_s: FloatArray, step_s: int, *, shape_per_minute: float
) -> IntArray:
    """Counts per step around a rate: Poisson with a Gamma-distributed rate in each step.

    `shape_per_minute` is the Gamma shape of a whole minute: small is bursty, infinite is Poisson.
    """
    mean = np.maximum(rate_per_s, 0.0) * step_s
    if math.isinf(shape_per_minute):
        return np.asarray(draws.poisson(mean), dtype=np.int64)
    shape = shape_per_minute * step_s / 60.0
    return np.asarray(
        draws.poisson(mean * draws.gamma(shape, 1.0 / shape, size=len(mean))), dtype=np.int64
    )


@dataclass(frozen=True, slots=True)
class RequestSizes:
    """Tokens of one request.

    Input: a Gamma body of this mean, and a share of requests from a Pareto tail that starts at
    twice the mean, cut at `longest_input`. Output: exponential. These add up exactly, so the sums
    over a bin are drawn without drawing each request.
    """

    body_input: float
    mean_output: float
    body_shape: float = 1.5
    tail_fraction: float = 0.04
    tail_alpha: float = 1.6
    longest_input: int = 32_000

    def sums(self, draws: np.random.RandomState, requests: IntArray) -> tuple[IntArray, IntArray]:
        """Input and output tokens of each step's requests, at least one token a request."""
        tail = np.asarray(draws.binomial(requests, self.tail_fraction), dtype=np.int64)
        body = draws.gamma(self.body_shape * (requests - tail), self.body_input / self.body_shape)
        owner = np.repeat(np.arange(len(requests)), tail)
        start = 2.0 * self.body_input
        long_ones = np.minimum(
            start * (1.0 + draws.pareto(self.tail_alpha, size=len(owner))), self.longest_input
        )
        np.add.at(body, owner, long_ones)
        output = draws.gamma(requests.astype(np.float64), self.mean_output)
        return _tokens(body, requests), _tokens(output, requests)


def _tokens(sums: FloatArray, requests: IntArray) -> IntArray:
    return np.maximum(np.rint(sums).astype(np.int64), requests)
