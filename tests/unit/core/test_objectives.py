"""Objectives: what counts as in time, how the worth moves, and what no worth can reach."""

from dataclasses import replace

import pytest

from icscaler.adapters import codec
from icscaler.decide import decide
from icscaler.entities import EndpointState, MetricMinute, ModelState, Objective, VariantConfig
from icscaler.learned import InTime, Promise, ServiceTime, TournamentMemory
from icscaler.observe import series_requests
from icscaler.policies import objectives, tournament
from icscaler.policies.objectives import (
    DOUBLING_S,
    HALVING_S,
    LEAST_FACTOR,
    MOST_FACTOR,
    READ_EVERY_S,
    count,
    due,
    floor_for,
    follow,
    move,
)
from icscaler.reasons import Notice
from tests.unit.core.build import T0, config, gpus, model, snapshot, view

SLOTS = 10
PROMISED = 0.99
PROMISE = Promise(PROMISED, 20.0)
MODEL = model(
    policy=None,
    objective=Objective(in_time_fraction=PROMISED, deadline_s=20.0),
    concurrent_requests_per_copy=SLOTS,
)
SPAN = (T0, T0 + READ_EVERY_S)
DAY_MINUTES = 24 * 60


def counted(*minutes: MetricMinute) -> InTime:
    return count(InTime(read_until_s=T0), minutes, SPAN)


# ---------------------------------------------------------------- what is in time


@pytest.mark.parametrize(
    ("minute", "asked", "missed"),
    [
        pytest.param(
            MetricMinute(T0, 100.0, in_deadline_fraction=0.9), 100, 10, id="under the deadline"
        ),
        pytest.param(
            MetricMinute(T0, 100.0, in_deadline_fraction=0.9, errors=5.0), 100, 15, id="less 5XX"
        ),
        pytest.param(MetricMinute(T0, refused=7.0), 7, 7, id="those that met no copy"),
        pytest.param(
            MetricMinute(T0, 50.0, refused=50.0, in_deadline_fraction=1.0), 100, 50, id="both"
        ),
        pytest.param(
            MetricMinute(T0, 2.0, in_deadline_fraction=0.5, errors=2.0), 2, 2, id="at most all"
        ),
        pytest.param(MetricMinute(T0, 100.0), 0, 0, id="latency missing: not counted"),
        pytest.param(MetricMinute(T0, heartbeat=True), 0, 0, id="silence"),
        pytest.param(MetricMinute(T0 - 60, 9.0, in_deadline_fraction=0.0), 0, 0, id="counted"),
        pytest.param(
            MetricMinute(SPAN[1], 9.0, in_deadline_fraction=0.0), 0, 0, id="not settled yet"
        ),
    ],
)
def test_what_counts(minute: MetricMinute, asked: float, missed: float) -> None:
    found = counted(minute)
    assert (found.asked, found.missed) == (asked, missed)


def test_what_was_fades_with_a_half_life_of_a_day() -> None:
    before = InTime(asked=800.0, missed=8.0, read_until_s=T0 - 24 * 3600)
    found = count(before, [], (T0 - 3600, T0))
    assert (found.asked, found.missed, found.read_until_s) == (400.0, 4.0, T0)


# ---------------------------------------------------------------- how the worth moves


def moved(missed: float, seconds: float = 3600, **changes: object) -> float:
    in_time = InTime(asked=10_000.0, missed=missed * 10_000, worth_factor=1.0)
    keys: dict = {"may_raise": True, "called": True, **changes}
    return move(in_time, 1 - PROMISED, seconds, **keys).worth_factor


def test_it_rises_while_too_much_is_missed_and_falls_while_little_is() -> None:
    assert moved(0.02) > moved(0.015) > 1.0 > moved(0.005) > moved(0.0)
    assert moved(0.01) == pytest.approx(1.0)


def test_slowly_a_factor_of_two_in_hours() -> None:
    assert moved(0.5) == pytest.approx(2 ** (3600 / DOUBLING_S), abs=1e-3)
    assert moved(0.0) == pytest.approx(2 ** (-3600 / HALVING_S), abs=1e-3)
    assert moved(0.5, 10 * 24 * 3600) == moved(0.5, 3600), "an outage is no reason to jump"


def test_within_a_cap_on_either_side() -> None:
    high = low = InTime(asked=10_000.0, missed=5_000.0)
    low = replace(low, missed=0.0)
    for _ in range(2000):
        high = move(high, 0.01, 3600, may_raise=True, called=True)
        low = move(low, 0.01, 3600, may_raise=True, called=True)
    assert (high.worth_factor, low.worth_factor) == (MOST_FACTOR, LEAST_FACTOR)
    # Anti-windup: at the cap nothing was summed up; the first good quarter of an hour counts.
    eased = move(replace(high, missed=0.0), 0.01, 900, may_raise=True, called=True)
    assert eased.worth_factor < MOST_FACTOR


@pytest.mark.parametrize("changes", [{"may_raise": False}, {"called": False}], ids=str)
def test_it_stands_where_more_could_change_nothing(changes: dict) -> None:
    assert moved(0.5, **changes) == 1.0


def test_a_few_requests_say_nothing_yet() -> None:
    few = InTime(asked=objectives.LEAST_ASKED - 1, missed=40.0)
    assert move(few, 0.01, 3600, may_raise=True, called=True) == few


def test_the_tournament_reckons_with_the_worth(monkeypatch: pytest.MonkeyPatch) -> None:
    reckoned: list[float] = []
    choose = tournament.choose

    def listen(memory: TournamentMemory, terms: tournament.Terms, now: tournament.Now):
        reckoned.append(terms.worth)
        return choose(memory, terms, now)

    monkeypatch.setattr(tournament, "choose", listen)
    notices_of(InTime(worth_factor=4.0, promise=PROMISE), VARIANT)
    notices_of(InTime(), VARIANT)
    assert reckoned == [4.0, 1.0]


def test_what_is_learned_survives_storing_to_the_byte() -> None:
    in_time = counted(
        *(MetricMinute(T0 + 60 * n, 7.0, in_deadline_fraction=1 / 3) for n in range(9))
    )
    in_time = move(in_time, 0.01, 900, may_raise=True, called=True)
    stored = codec.encode(in_time)
    assert codec.decode(stored, InTime) == in_time
    assert len(stored) < 200


# ---------------------------------------------------------------- what no worth can reach


def memory(lost: float = 0.0, refused: float = 0.0, peaks: float = 35.0) -> TournamentMemory:
    """Two days of 60 requests a minute, of which every rule lost so many shares."""
    fresh = tournament.fresh_memory()
    per_day = 60.0 * DAY_MINUTES / 0.6931 * (1 - 0.25)
    per_three = 60.0 * 3 * DAY_MINUTES / 0.6931 * (1 - 0.5 ** (2 / 3))
    return replace(
        fresh,
        minutes=2 * DAY_MINUTES,
        asked=6000.0,
        asked_s=6000.0,
        missed=[per_day * lost * (1 + 0.1 * rule) for rule in range(len(fresh.missed))],
        refused=[per_three * refused * (1 + 0.1 * rule) for rule in range(len(fresh.refused))],
        blocks=[5.0] * 140 + [peaks] * 5,
    )


def followed(memory: TournamentMemory | None, one=MODEL, missed: float = 0.05) -> InTime:
    before = InTime(asked=1000.0, missed=1000 * missed, read_until_s=T0, promise=PROMISE)
    minute = MetricMinute(T0, 900.0, in_deadline_fraction=1 - missed)
    return follow(one, before, [minute], memory, SPAN, may_raise=True)


def test_the_rules_that_lose_least_show_what_can_be_reached() -> None:
    found = followed(memory(lost=0.03))
    assert found.least_missed_fraction == pytest.approx(0.03, rel=0.02)
    assert found.floor_copies == 4, "35 at once at the peak, ten a copy"
    assert followed(memory(lost=0.005)).floor_copies == 0
    assert followed(memory(lost=0.005, refused=0.02)).floor_copies > 0


def test_with_a_floor_of_one_no_request_meets_no_copy() -> None:
    warm = replace(MODEL, min_copies=1)
    assert followed(memory(refused=0.05), warm).floor_copies == 0


@pytest.mark.parametrize("young", [None, replace(memory(lost=0.5), minutes=600)])
def test_nobody_says_unreachable_before_a_day(young: TournamentMemory | None) -> None:
    assert followed(young).floor_copies == 0


def test_what_no_worth_can_reach_is_not_asked_of_it() -> None:
    assert followed(memory(lost=0.01), missed=0.05).worth_factor > 1.0
    # As little is missed as any rule could: more worth would only hold GPUs.
    assert followed(memory(lost=0.05), missed=0.05).worth_factor <= 1.0


@pytest.mark.parametrize(("allowed", "copies"), [(0.0, 4), (0.2, 3), (0.9, 1)])
def test_the_floor_serves_all_but_the_allowed_share(allowed: float, copies: int) -> None:
    assert floor_for([-1.0, 10.0, 10.0, 36.0, 0.0], 10.0, allowed) == copies


VARIANT = VariantConfig("ml.p4d.24xlarge", 8, 96.0, 1_000_000, usd_per_hour=24.0)


def notices_of(in_time: InTime, variant: VariantConfig, **changes: object) -> dict[str, str]:
    one = replace(MODEL, resources=gpus(2), **changes)
    endpoint = config(one, variants={"main": variant})
    state = ModelState(T0 - 9000, 1, 1, T0, T0 - 240, T0, in_time=in_time)
    before = EndpointState(last_look_s=T0 - 60, models={"m": state})
    _, plan = decide(endpoint, before, snapshot(T0, view("m")), T0)
    return {notice.notice: notice.text for notice in plan.notices}


UNREACHABLE = InTime(
    1000.0, 50.0, 1.0, T0, least_missed_fraction=0.03, floor_copies=4, promise=PROMISE
)


def test_an_objective_out_of_reach_is_told_with_floor_and_dollars() -> None:
    text = notices_of(UNREACHABLE, VARIANT)[Notice.OBJECTIVE_UNREACHABLE]
    # 4 copies x 2 GPUs are one whole instance of 8: $24 an hour for 730 hours.
    assert text == (
        "m cannot reach 99 % of requests within 20 s: with a start-up of 420 s, 3 % are missed "
        "whatever its requests are worth. min_copies: 4 would reach it, for $17,520 of GPUs a "
        "month."
    )


def test_without_a_price_it_is_told_without_dollars() -> None:
    unpriced = replace(VARIANT, usd_per_hour=None)
    text = notices_of(UNREACHABLE, unpriced, max_copies=3)[Notice.OBJECTIVE_UNREACHABLE]
    assert "$" not in text
    assert text.endswith("min_copies: 4 would reach it (its max_copies is 3).")


def test_an_objective_missed_at_the_ceiling_or_the_cap_is_told() -> None:
    missed = InTime(1000.0, 50.0, 1.0, T0, promise=PROMISE)
    full = notices_of(missed, VARIANT, max_copies=1)
    assert full[Notice.OBJECTIVE_MISSED] == (
        "m misses 5 % lately, its objective is 99 % of requests within 20 s, and it has all the "
        "1 copies it may have: raise max_copies."
    )
    assert Notice.OBJECTIVE_MISSED not in notices_of(missed, VARIANT)
    capped = notices_of(replace(missed, worth_factor=MOST_FACTOR), VARIANT)
    assert "worth as much as an objective may make them" in capped[Notice.OBJECTIVE_MISSED]
    kept = InTime(1000.0, 5.0, MOST_FACTOR, T0, promise=PROMISE)
    assert Notice.OBJECTIVE_MISSED not in notices_of(kept, VARIANT)


# ---------------------------------------------------------------- what it costs to read


def test_it_is_read_four_times_an_hour_and_not_while_nobody_calls() -> None:
    def since_s(read_s: int, active_s: int, one=MODEL) -> int | None:
        reading = due(config(one), one, InTime(read_until_s=read_s), active_s, T0)
        return None if reading is None else reading.since_s

    assert since_s(T0 - 900, T0) == T0 - 900
    assert since_s(T0 - 840, T0) is None
    assert since_s(T0 - 900, T0 - 900) is None
    assert since_s(0, 0) == T0 - 3600
    assert since_s(0, T0, replace(MODEL, objective=Objective())) is None
    assert since_s(0, T0, model()) is None


@pytest.mark.parametrize("copies", [0, 1])
def test_at_zero_copies_too_and_with_refused_requests(copies: int) -> None:
    state = ModelState(T0, copies, copies, T0, T0 - 240, T0)
    state.in_time, state.service = InTime(read_until_s=T0 - 1500), ServiceTime(1.0, 50.0, T0 - 300)
    endpoint = config(MODEL)
    (request,) = series_requests(
        endpoint, EndpointState(models={"m": state}), {"m": view("m", copies)}, T0
    )
    assert (request.deadline_s, request.start_s) == (20.0, T0 - 1500)
    assert request.invocations
    assert request.refused
