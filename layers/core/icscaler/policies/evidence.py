"""Evidence: metric minutes become state, each minute once, when it is settled.

CloudWatch minutes keep filling for a few minutes. A settled minute (older than
`EndpointConfig.metric_settled_s`) is learned exactly once, keyed by its timestamp. Fresher minutes
are looked at again in every look and can only raise: they never enter the window that scale in is
decided from.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter

from icscaler import bounds
from icscaler.entities import (
    EndpointConfig,
    MetricMinute,
    ModelConfig,
    ModelState,
    Snapshot,
    TargetTracking,
)
from icscaler.policies import (
    accepted_load,
    objectives,
    signs_of_life,
    startup,
    target_tracking,
    tournament,
)

MINUTE_S = 60
# A longer hole is not bridged minute by minute: nothing older than this can matter to a decision.
LONGEST_HOLE_S = 3 * 3600
_COPIES_LOG_S = LONGEST_HOLE_S
_at = itemgetter(0)


@dataclass(slots=True)
class Fresh:
    """What the minutes that are not settled yet say; it may only raise a decision."""

    copies: int = 0
    load: float = 0.0
    refused: bool = False


def settled_until_s(config: EndpointConfig, at_s: int) -> int:
    """End of the newest minute that is settled at `at_s`."""
    return (at_s - config.metric_settled_s) // MINUTE_S * MINUTE_S


def reads_in_flight(model: ModelConfig) -> bool:
    """Whether the requests in flight per copy tell anything about this model."""
    follows = model.policy is not None and model.policy.metric == "concurrency"
    return follows or model.concurrent_requests_per_copy is not None


def copies_at(state: ModelState, minute_s: int) -> tuple[int, int]:
    """The fewest copies that were in service during the minute: (of all times, when loaded).

    A minute's highest load per copy belongs to the fewest copies that shared it.
    """
    if state.copies_log and state.copies_log[-1][0] <= minute_s:
        unchanged = state.copies_log[-1][1]
        return unchanged, unchanged
    counts: list[int] = []
    for since_s, copies in reversed(state.copies_log):
        if since_s < minute_s + MINUTE_S:
            counts.append(copies)
        if since_s <= minute_s:
            break
    if not counts:
        counts.append(state.copies_log[0][1] if state.copies_log else state.observed_current)
    return min(counts), min((count for count in counts if count), default=0)


def log_copies(state: ModelState, copies: int, since_s: int) -> None:
    """Remember that `copies` are in service since `since_s`; changes `state` in place."""
    if state.copies_log and state.copies_log[-1][1] == copies:
        return
    log = [*state.copies_log, (since_s, copies)]
    while len(log) > 1 and log[1][0] < since_s - _COPIES_LOG_S:
        del log[0]
    state.copies_log = tuple(log)


def learn(
    config: EndpointConfig,
    model: ModelConfig,
    state: ModelState,
    seen: Snapshot,
    decisions_s: Sequence[int] = (),
) -> Fresh | None:
    """Take in what `seen` says of `model`; changes `state` in place.

    `decisions_s`: how long the endpoint's latest decisions took.

    Returns what the fresh minutes say; None when its metrics could not be read in this look.
    """
    active_s, wake_s = state.last_active_s, seen.wakes.get(model.name)
    if wake_s is not None and wake_s <= seen.at_s:
        state.last_active_s = max(state.last_active_s, wake_s)
    minutes = seen.metrics.get(model.name)
    if minutes is None:
        return None
    if state.observed_desired == 0 and (minutes or wake_s is not None):
        new_wake = wake_s is not None and active_s < wake_s <= seen.at_s
        state.starts = startup.note_demand(state.starts, minutes, wake_s if new_wake else None)
    at_s = seen.at_s
    horizon_s = settled_until_s(config, at_s)
    by_start = {minute.at_s: minute for minute in minutes if minute.at_s < at_s}
    state.silent_s = signs_of_life.oldest_silent_s(by_start, horizon_s, at_s)
    loaded = seen.components[model.name].current_copies > 0
    since_s = accepted_load.latency_since_s(model, state.service, active_s, loaded, horizon_s)
    if since_s is not None:
        # This look asked for it, so a minute without latency had no requests.
        state.service = accepted_load.learn_service_time(
            model,
            state.service,
            by_start,
            lambda minute_s: copies_at(state, minute_s)[1],
            (since_s, horizon_s),
        )
    known = _learn_settled(model, state, by_start, horizon_s, wake_s)
    if known:
        _let_compete(model, state, known, decisions_s)
    if model.objective is not None:
        reading = objectives.due(config, model, state.in_time, active_s, horizon_s)
        _judge(config, model, state, by_start, reading, seen)
    return _read_fresh(model, state, by_start, horizon_s, at_s)


def _judge(
    config: EndpointConfig,
    model: ModelConfig,
    state: ModelState,
    by_start: dict[int, MetricMinute],
    reading: objectives.Reading | None,
    seen: Snapshot,
) -> None:
    """Whether the objective is kept, as far as this look has read it; then, which one holds."""
    horizon_s = settled_until_s(config, seen.at_s)
    if reading is not None:
        minutes = [
            minute
            for minute in by_start.values()
            if not model.schedules
            or bounds.promise_at(config, model, minute.at_s) == reading.promise
        ]
        state.in_time = objectives.follow(
            model,
            objectives.take_up(config, model, state.in_time, reading.promise, horizon_s),
            minutes,
            state.tournament,
            (reading.since_s, horizon_s),
            may_raise=state.observed_desired < model.max_copies
            and not _stands(config, model, seen),
        )
    holding = bounds.promise_at(config, model, horizon_s - MINUTE_S)
    state.in_time = objectives.take_up(config, model, state.in_time, holding, horizon_s)


def _stands(config: EndpointConfig, model: ModelConfig, seen: Snapshot) -> bool:
    """Whether people have stopped what decisions could change."""
    switched = seen.fleet_paused or seen.endpoint_paused or model.name in seen.paused_models
    return switched or config.paused or config.observe or model.paused or model.observe


def _learn_settled(
    model: ModelConfig,
    state: ModelState,
    by_start: dict[int, MetricMinute],
    horizon_s: int,
    wake_s: int | None,
) -> list[tournament.Minute]:
    first_s = max(state.last_minute_s + MINUTE_S, horizon_s - LONGEST_HOLE_S)
    known: list[tournament.Minute] = []
    for minute_s in range(first_s, horizon_s, MINUTE_S):
        minute = by_start.get(minute_s)
        if minute is None:
            minute = MetricMinute(minute_s)
        else:
            _note_use(state, minute)
        fewest, copies = copies_at(state, minute_s)
        if model.policy is not None:
            load = _track(model.policy, state, minute, copies)
        else:
            load = accepted_load.offered_load(model, minute, copies, state.service)
            if load is not None or fewest == 0 or minute.refused:
                asked = wake_s is not None and 0 <= wake_s - minute_s < MINUTE_S
                known.append(_evidence(model, state, minute, load or 0.0, asked=asked))
        if (load is None or copies == 0) and fewest > 0 and not minute.refused:
            # Absence is not zero: an unknown minute holds what is there.
            state.last_unknown_s = minute_s + MINUTE_S
        state.last_minute_s = minute_s
    return known


def _let_compete(
    model: ModelConfig,
    state: ModelState,
    known: Sequence[tournament.Minute],
    decisions_s: Sequence[int],
) -> None:
    """Charge the rules of the tournament for minutes that are known."""
    slots = float(model.concurrent_requests_per_copy or 1)
    start_s = startup.charged(state.starts, decisions_s).all_s
    # Demand is seen in the middle of its minute on average.
    start_minutes = max(1, round((start_s + MINUTE_S / 2) / MINUTE_S))
    # What is loaded when it is first seen counts as used.
    used = copies_at(state, known[0].at_s)[0] > 0
    state.tournament = tournament.learn(state.tournament, known, slots, start_minutes, used=used)


def _track(
    policy: TargetTracking, state: ModelState, minute: MetricMinute, copies: int
) -> float | None:
    """What target tracking wishes for a minute joins its window; the load it saw."""
    load = target_tracking.demand(policy, minute, copies)
    wish = 0
    if load is not None and copies > 0:
        wish = target_tracking.recommend(policy, load, state.observed_desired)
    _push(state, minute.at_s, wish, policy.scale_in_stabilization_s)
    return load


def _evidence(
    model: ModelConfig, state: ModelState, minute: MetricMinute, load: float, *, asked: bool
) -> tournament.Minute:
    """A minute for the tournament. A wake request is a request, even if nobody sent another."""
    refused = minute.refused or 0.0
    if asked and refused < 1.0:
        refused = 1.0
    arrivals = (minute.invocations or 0.0) + refused
    offered = load
    if refused:
        service_s = state.service.mean_s
        slots = float(model.concurrent_requests_per_copy or 1)
        offered += slots if service_s is None else refused / MINUTE_S * service_s
    return tournament.Minute(minute.at_s, load, arrivals, offered)


def _read_fresh(
    model: ModelConfig,
    state: ModelState,
    by_start: dict[int, MetricMinute],
    horizon_s: int,
    at_s: int,
) -> Fresh:
    """The newest ended minute counts; the one that still runs has seen less and can only raise."""
    fresh, newest = Fresh(), []
    for minute_s, minute in by_start.items():
        if minute_s >= horizon_s:
            newest.append((minute_s, minute))
        elif minute.refused:
            # Seen late or again: people asked, whatever was learned of the minute in its time.
            _note_use(state, minute)
    for minute_s, minute in sorted(newest, key=_at):
        _note_use(state, minute)
        fresh.refused = fresh.refused or (minute.refused or 0) > 0
        _, copies = copies_at(state, minute_s)
        if model.policy is None:
            load = _fresh_load(model, state, minute, by_start, copies, at_s)
            if load > fresh.load:
                fresh.load = load
            continue
        seen = target_tracking.demand(model.policy, minute, copies)
        if seen is not None and copies > 0:
            wish = target_tracking.recommend(model.policy, seen, state.observed_desired)
            runs = minute_s + MINUTE_S > at_s
            fresh.copies = max(fresh.copies, wish) if runs else wish
    return fresh


def _fresh_load(
    model: ModelConfig,
    state: ModelState,
    minute: MetricMinute,
    by_start: dict[int, MetricMinute],
    copies: int,
    at_s: int,
) -> float:
    """Load of a minute that is not settled; of the newest, what is in flight is known first."""
    service = state.service
    if minute.invocations is None and service.mean_s is not None:
        before = by_start.get(minute.at_s - MINUTE_S)
        return accepted_load.load_in_flight(model, minute, before, copies, service, at_s)
    return accepted_load.offered_load(model, minute, copies, service, guess=True) or 0.0


def _note_use(state: ModelState, minute: MetricMinute) -> None:
    end_s = minute.at_s + MINUTE_S
    alive = minute.heartbeat or signs_of_life.tells_requests(minute)
    if end_s > state.last_heartbeat_s and alive:
        state.last_heartbeat_s = end_s
    if end_s > state.last_active_s and (
        (minute.invocations or 0) > 0
        or (minute.concurrency_per_copy or 0) > 0
        or (minute.refused or 0) > 0
    ):
        state.last_active_s = end_s


def _push(state: ModelState, minute_s: int, wish: int, window_s: int) -> None:
    """Keep only wishes that can still be the maximum of the trailing window (monotonic queue)."""
    kept = [
        item
        for item in state.recommendations
        if item[1] > wish and item[0] > minute_s - max(window_s, MINUTE_S)
    ]
    state.recommendations = (*kept, (minute_s, wish))


def highest(recommendations: Iterable[tuple[int, int]]) -> int | None:
    """The stabilization window's maximum; None before the first settled minute."""
    return max((copies for _, copies in recommendations), default=None)
