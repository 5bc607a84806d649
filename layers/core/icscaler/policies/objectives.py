"""Objectives: a share of requests in time, kept by moving what the model's requests are worth.

    in time = Invocations x PR(:deadline) of ModelLatency - 5XX
    asked   = Invocations + NoCapacityInvocationFailures

A promise is not a threshold: it moves the worth of the model's requests slowly, until the share is
just kept, up or down, and the tournament decides about copies as it always does. What is not known
is not counted. The worth stands still where more of it could change nothing: at its cap, at the
model's ceiling, while nothing may be written, while no request comes, and where as little is missed
as any worth can reach (anti-windup: there is no hidden sum that goes on growing).

A schedule may bring another objective for a time. Each objective has an account of its own: what
was counted, and the worth that came of it. A minute counts for the objective that held when it
began. While another holds, an account stands still; afterwards it goes on where it stood.

Rules compete with the start-up time charged, so the rule that loses least shows what any worth
could reach. Less than the objective: it is unreachable by this start-up time, and only a floor
helps. Failures at zero copies count here as requests that were not in time, never as a level.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil, log

from icscaler.bounds import promise_at, promises
from icscaler.entities import EndpointConfig, MetricMinute, ModelConfig, VariantConfig
from icscaler.learned import InTime, Promise, TournamentMemory
from icscaler.policies.tournament import rules

MINUTE_S = 60
# The series cost the same for one minute as for many: read a quarter of an hour together.
READ_EVERY_S = 900
READ_HISTORY_S = 3600
HALF_LIFE_S = 24 * 3600
# Fastest moves of the worth; falling slower, because an objective that is kept is kept by it.
DOUBLING_S = 6 * 3600
HALVING_S = 24 * 3600
MOST_FACTOR = 64.0
LEAST_FACTOR = 1 / 16
# Fewer requests say nothing yet, neither about the share nor about what can be reached.
LEAST_ASKED = 50.0
LEAST_MINUTES = 24 * 60
# Shares of unequal windows are compared; a tenth more or less is the same.
REACHABLE_MARGIN = 1.1
HOURS_PER_MONTH = 730.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a look should read: minutes from `since_s` on, and the promise they are counted for."""

    since_s: int
    promise: Promise


def due(
    config: EndpointConfig,
    model: ModelConfig,
    in_time: InTime,
    last_active_s: int,
    settled_until_s: int,
) -> Reading | None:
    """What the objective is judged by, as far as it should be read by this look; None: not now.

    Every quarter of an hour, and when another objective has begun the rest of the one before;
    never when nobody has called the model since the last time.
    """
    if model.objective is None:
        return None
    holding = promise_at(config, model, settled_until_s - MINUTE_S)
    promise, read_s = in_time.promise or holding, in_time.read_until_s
    unread_s = settled_until_s - read_s
    if promise is None or (read_s and last_active_s <= read_s) or unread_s <= 0:
        return None
    if in_time.promise is None and in_time.set_aside:
        return None  # nothing was promised until now; the account is taken up by this look
    if unread_s < READ_EVERY_S and promise == holding:
        return None
    return Reading(max(read_s, settled_until_s - READ_HISTORY_S), promise)


def take_up(
    config: EndpointConfig,
    model: ModelConfig,
    in_time: InTime,
    holding: Promise | None,
    settled_until_s: int,
) -> InTime:
    """The account of the objective that holds now; that of the one before is set aside.

    A new account begins with the ordinary worth. What the fleet file states no more is forgotten,
    but its successor begins with its worth, and, the deadline being the same, with its counts.
    """
    before = in_time.promise
    if holding == before:
        return in_time
    stated = promises(config, model)
    unknown = before is None and in_time.read_until_s > 0
    succeeds = before is not None and before not in stated
    if holding is not None and (
        unknown or (succeeds and before is not None and before.deadline_s == holding.deadline_s)
    ):
        return replace(in_time, promise=holding)
    accounts = {
        one.promise: one
        for one in (*in_time.set_aside, replace(in_time, set_aside=()))
        if one.promise in stated
    }
    found = accounts.pop(holding, None) if holding is not None else None
    if found is not None:
        # It stood still meanwhile: nothing has faded.
        found = replace(found, read_until_s=settled_until_s - MINUTE_S)
    else:
        factor = in_time.worth_factor if succeeds and holding is not None else 1.0
        found = InTime(worth_factor=factor, promise=holding)
    return replace(found, set_aside=tuple(accounts.values()))


def worth_factor(in_time: InTime, holding: Promise | None) -> float:
    """What the objective that holds makes of a request's worth."""
    if holding is None:
        return 1.0
    for one in (in_time, *in_time.set_aside):
        if one.promise == holding:
            return one.worth_factor
    # Stored by the version before, which knew one objective.
    return in_time.worth_factor if in_time.promise is None and in_time.read_until_s else 1.0


def follow(
    model: ModelConfig,
    in_time: InTime,
    minutes: Iterable[MetricMinute],
    memory: TournamentMemory | None,
    span_s: tuple[int, int],
    *,
    may_raise: bool,
) -> InTime:
    """Count the settled minutes of the span [from, until), then move the worth.

    `minutes` are those of its promise. `may_raise`: more worth could change something, as far as
    ceiling and switches go.
    """
    if in_time.promise is None:
        return in_time
    after = count(in_time, minutes, span_s)
    allowed = 1.0 - in_time.promise.in_time_fraction
    least, floor_copies = reach(model, memory, allowed)
    after = replace(after, least_missed_fraction=least, floor_copies=floor_copies)
    # What no worth can reach is not asked of it: it goes as far as it can.
    allowed = max(allowed, REACHABLE_MARGIN * least)
    seconds = span_s[1] - (in_time.read_until_s or span_s[0])
    called = after.asked > in_time.asked * _fading(seconds) + 0.5
    return move(after, allowed, seconds, may_raise=may_raise, called=called)


def _fading(seconds: float) -> float:
    return float(0.5 ** (seconds / HALF_LIFE_S))


def count(in_time: InTime, minutes: Iterable[MetricMinute], span_s: tuple[int, int]) -> InTime:
    """The counts after the settled minutes of the span, old ones faded."""
    since_s, until_s = span_s
    fading = _fading(until_s - (in_time.read_until_s or since_s))
    asked, missed = in_time.asked * fading, in_time.missed * fading
    for minute in minutes:
        if since_s <= minute.at_s < until_s:
            told = _told_by(minute)
            asked, missed = asked + told[0], missed + told[1]
    return replace(in_time, asked=round(asked, 3), missed=round(missed, 3), read_until_s=until_s)


def _told_by(minute: MetricMinute) -> tuple[float, float]:
    """Requests and those of them not in time. Invocations whose latency is missing: not counted."""
    refused = minute.refused or 0.0
    accepted, share = minute.invocations or 0.0, minute.in_deadline_fraction
    if not accepted or share is None:
        return refused, refused
    kept = max(0.0, accepted * share - (minute.errors or 0.0))
    return accepted + refused, accepted + refused - kept


def move(
    in_time: InTime, allowed: float, seconds: float, *, may_raise: bool, called: bool
) -> InTime:
    """The worth factor after `seconds` with the share as it is now.

    `allowed`: share of requests that may be missed. `called`: requests came meanwhile.
    """
    missed = in_time.missed_fraction
    if missed is None or not called or in_time.asked < LEAST_ASKED:
        return in_time
    # How far off, in shares of what is allowed: -1 nothing was missed, 1 twice as much as allowed.
    error = min(1.0, max(-1.0, missed / allowed - 1.0)) if allowed > 0 else float(missed > 0)
    if error > 0 and not may_raise:
        return in_time
    doublings = error * min(seconds, READ_HISTORY_S) / (DOUBLING_S if error > 0 else HALVING_S)
    factor = min(MOST_FACTOR, max(LEAST_FACTOR, in_time.worth_factor * 2.0**doublings))
    return replace(in_time, worth_factor=round(factor, 4))


def reach(model: ModelConfig, memory: TournamentMemory | None, allowed: float) -> tuple[float, int]:
    """Share missed whatever a request is worth, and the floor that would do; 0: none is needed."""
    if memory is None or memory.minutes < LEAST_MINUTES or memory.asked < LEAST_ASKED:
        return 0.0, 0
    least = _least_missed_fraction(memory, above_copy_1=True)
    if model.min_copies == 0:
        least += _least_missed_fraction(memory, above_copy_1=False)
    slots = float(model.concurrent_requests_per_copy or 1)
    copies = floor_for(memory.blocks, slots, allowed)
    if least <= REACHABLE_MARGIN * allowed or copies <= model.min_copies:
        return round(least, 6), 0
    return round(least, 6), copies


def _least_missed_fraction(memory: TournamentMemory, *, above_copy_1: bool) -> float:
    """Share of requests that the best rule for losing few has lost, its start-up time charged."""
    lost = min(memory.missed) / memory.level_unit
    half_life = rules.TUNING.level_half_life_minutes
    if not above_copy_1:
        lost = min(memory.refused) / memory.keep_unit
        half_life = rules.TUNING.keep_half_life_minutes
    # So many minutes of requests are in the fading sum.
    minutes = half_life / log(2) * (1.0 - 0.5 ** (memory.minutes / half_life))
    asked = memory.asked / memory.asked_s * MINUTE_S * minutes if memory.asked_s else 0.0
    return lost / asked if asked > 0 else 0.0


def floor_for(peaks: Iterable[float], slots: float, allowed: float) -> int:
    """Fewest copies that, always there, would have served all but the allowed share of the load.

    `peaks`: highest load of each ten minutes of the last day, below 0 where it is not known.
    """
    known = [peak for peak in peaks if peak > 0]
    most = ceil(max(known, default=0.0) / slots)
    whole = sum(known)
    for copies in range(1, most):
        if sum(max(0.0, peak - copies * slots) for peak in known) <= allowed * whole:
            return copies
    return max(1, most)


def usd_per_month(copies: int, model: ModelConfig, variant: VariantConfig) -> float | None:
    """What the GPUs of so many copies cost a month, as their share of instances."""
    if variant.usd_per_hour is None or not variant.gpus or not model.resources.gpus:
        return None
    gpus = copies * model.resources.gpus
    return variant.usd_per_hour * gpus / variant.gpus * HOURS_PER_MONTH
