"""Objectives by window: which one holds, whose minutes are whose, what each does to the worth."""

from dataclasses import replace

import pytest

from icscaler.adapters import codec
from icscaler.bounds import promise_at, promises
from icscaler.config.cron import parse_cron
from icscaler.decide import recommend
from icscaler.demand import terms
from icscaler.entities import EndpointState, MetricMinute, ModelState, Objective
from icscaler.learned import InTime, Promise
from icscaler.observe import series_requests
from icscaler.policies.objectives import due, take_up, worth_factor
from icscaler.reasons import Notice
from icscaler.schedules.windows import Schedule
from icscaler.schedules.zones import UTC
from tests.unit.core.build import T0, config, model, snapshot, view
from tests.unit.core.test_objectives import UNREACHABLE, VARIANT, notices_of

# T0 is 08:00 UTC; the window is 09:00 to 10:00.
BEGIN_S, END_S = T0 + 3600, T0 + 7200
OWN, HOURS = Promise(0.9, 20.0), Promise(0.999, 5.0)


def hours(**keys: object) -> Schedule:
    begins, ends = parse_cron("0 9 * * *"), parse_cron("0 10 * * *")
    return Schedule("hours", "UTC", begins, ends, **{"in_time_fraction": 0.999, **keys})


def scheduled(*schedules: Schedule, own: Promise | None = OWN):
    objective = Objective()
    if own is not None:
        objective = Objective(in_time_fraction=own.in_time_fraction, deadline_s=own.deadline_s)
    one = model(
        policy=None,
        objective=objective,
        concurrent_requests_per_copy=10,
        schedules=tuple(schedule.name for schedule in schedules),
    )
    named = {schedule.name: schedule for schedule in schedules}
    return config(one, schedules=named, zones={"UTC": UTC})


FLEET = scheduled(hours(deadline_s=5.0))
M = FLEET.models["m"]


def look(in_time: InTime, settled_until_s: int, fleet=FLEET, minutes=()) -> InTime:
    """What one look makes of it; minutes are settled up to then."""
    at_s = settled_until_s + fleet.metric_settled_s
    return recommended(in_time, at_s, fleet, minutes).state.in_time


def recommended(in_time: InTime, at_s: int, fleet=FLEET, minutes=()):
    state = ModelState(T0 - 90_000, 1, 1, at_s, at_s - 240, at_s, in_time=in_time)
    before = EndpointState(last_look_s=at_s - 60, models={"m": state})
    seen = snapshot(at_s, view("m"), metrics={"m": tuple(minutes)})
    return recommend(fleet, before, seen, "m").case


# ---------------------------------------------------------------- which one holds


def test_the_last_in_the_file_wins_key_by_key() -> None:
    later = Schedule("later", "UTC", from_s=BEGIN_S + 600, until_s=END_S + 600, deadline_s=2.0)
    fleet = scheduled(hours(deadline_s=5.0), later)
    one = fleet.models["m"]
    found = [
        promise_at(fleet, one, at_s)
        for at_s in (BEGIN_S - 60, BEGIN_S, BEGIN_S + 600, END_S, END_S + 600)
    ]
    assert found == [OWN, HOURS, Promise(0.999, 2.0), Promise(0.9, 2.0), OWN]
    assert set(found) <= promises(fleet, one)


def test_a_window_may_promise_where_the_policy_does_not_and_a_deadline_alone_does_not() -> None:
    fleet = scheduled(hours(), own=None)
    one = fleet.models["m"]
    assert promise_at(fleet, one, BEGIN_S - 1) is None
    assert promise_at(fleet, one, BEGIN_S) == Promise(0.999, 30.0)
    bare = scheduled(hours(in_time_fraction=None, deadline_s=5.0), own=None)
    assert promise_at(bare, bare.models["m"], BEGIN_S) is None


# ---------------------------------------------------------------- whose minutes, whose worth


def minutes_over(begin_s: int) -> list[MetricMinute]:
    """Ten minutes before and ten from then on, all of a hundred requests, a half in time."""
    return [MetricMinute(begin_s + 60 * n, 100.0, in_deadline_fraction=0.5) for n in range(-10, 10)]


def test_minutes_count_for_the_objective_that_held_when_they_began() -> None:
    before = InTime(promise=OWN, read_until_s=BEGIN_S - 600)
    after = look(before, BEGIN_S + 240, minutes=minutes_over(BEGIN_S))
    (own,) = after.set_aside
    assert (own.promise, own.asked, own.missed) == (OWN, 1000.0, 500.0)
    assert (after.promise, after.asked, after.worth_factor) == (HOURS, 0.0, 1.0)
    # A new account reads back to where its window began, however late the look that took it up.
    after = look(after, BEGIN_S + 600, minutes=minutes_over(BEGIN_S))
    assert (after.asked, after.missed) == (1000.0, 500.0)
    assert after.set_aside == (own,)


def test_the_rest_of_an_objective_is_read_by_its_own_deadline_once_another_has_begun() -> None:
    def deadline_s(in_time: InTime, settled_s: int) -> float | None:
        at_s = settled_s + FLEET.metric_settled_s
        state = ModelState(T0 - 90_000, 1, 1, at_s, at_s - 240, at_s, in_time=in_time)
        before = EndpointState(models={"m": state})
        (request,) = series_requests(FLEET, before, {"m": view("m")}, at_s)
        return request.deadline_s

    own = InTime(promise=OWN, read_until_s=BEGIN_S - 120)
    assert deadline_s(own, BEGIN_S) is None, "not a quarter of an hour, and nothing has changed"
    assert deadline_s(own, BEGIN_S + 60) == 20.0
    after = look(own, BEGIN_S + 60)
    assert deadline_s(replace(after, read_until_s=BEGIN_S), BEGIN_S + 900) == 5.0


def test_an_account_stands_still_while_another_objective_holds() -> None:
    strict = InTime(900.0, 9.0, 8.0, END_S - 60, promise=HOURS)
    lax = InTime(500.0, 50.0, 0.5, BEGIN_S, promise=OWN)
    found = replace(strict, set_aside=(lax,))
    ended = look(found, END_S + 60)
    assert ended.promise == OWN
    assert (ended.asked, ended.worth_factor, ended.read_until_s) == (500.0, 0.5, END_S)
    # A day later nothing of that has faded.
    again = look(ended, BEGIN_S + 86_400 + 60)
    assert again.asked == pytest.approx(900, rel=0.002), "two minutes have"
    assert again.worth_factor == 8.0
    assert codec.decode(codec.encode(again), InTime) == again


def test_what_was_read_stays_read_when_a_window_comes_back() -> None:
    fleet = scheduled(hours(), own=None)
    during = InTime(900.0, 9.0, 8.0, END_S - 60, promise=Promise(0.999, 30.0))
    idle = look(during, END_S + 60, fleet)
    assert (idle.promise, idle.worth_factor) == (None, 1.0)
    assert due(fleet, fleet.models["m"], idle, END_S + 86_400, BEGIN_S + 86_400 + 60) is None
    back = look(idle, BEGIN_S + 86_400 + 60, fleet, minutes_over(END_S))
    assert back.asked == pytest.approx(900, rel=0.002)
    assert back.worth_factor == 8.0


# ---------------------------------------------------------------- what the worth is


@pytest.mark.parametrize(
    ("own", "strict", "early"), [(0.5, 8.0, 8.0), (4.0, 2.0, 4.0)], ids=["stricter", "laxer"]
)
def test_before_a_window_the_larger_worth_counts(own: float, strict: float, early: float) -> None:
    fleet = scheduled(hours(deadline_s=5.0, ready_by_start=True))
    in_time = InTime(900.0, 9.0, own, BEGIN_S, promise=OWN)
    in_time = replace(in_time, set_aside=(InTime(900.0, 9.0, strict, BEGIN_S, promise=HOURS),))
    worths = [
        terms(recommended(in_time, at_s, fleet)).worth
        for at_s in (BEGIN_S - 1800, BEGIN_S - 300, BEGIN_S)
    ]
    assert worths == [own, early, strict]


def test_where_nothing_is_promised_a_request_has_its_ordinary_worth() -> None:
    assert worth_factor(InTime(worth_factor=8.0, promise=HOURS), None) == 1.0
    assert worth_factor(InTime(worth_factor=8.0, promise=HOURS), OWN) == 1.0


# ---------------------------------------------------------------- another file, another version


def test_what_replaces_an_objective_in_the_file_begins_with_its_worth() -> None:
    stood = InTime(900.0, 9.0, 8.0, T0, promise=Promise(0.95, 20.0))
    same_deadline = take_up(FLEET, M, stood, OWN, T0 + 60)
    assert same_deadline == replace(stood, promise=OWN)
    other = take_up(FLEET, M, replace(stood, promise=Promise(0.95, 60.0)), OWN, T0 + 60)
    assert (other.promise, other.worth_factor, other.asked) == (OWN, 8.0, 0.0)
    assert other.set_aside == (), "what nobody promises any more is forgotten"


def test_state_of_the_version_before_goes_on_as_the_objective_that_holds() -> None:
    stored = b'{"asked":900.0,"missed":9.0,"worth_factor":8.0,"read_until_s":%d}' % T0
    old = codec.decode(stored, InTime)
    assert worth_factor(old, OWN) == 8.0
    assert take_up(FLEET, M, old, OWN, T0 + 60) == replace(old, promise=OWN)


# ---------------------------------------------------------------- who is told


def test_what_a_window_cannot_keep_is_said_while_it_is_set_aside_too() -> None:
    aside = replace(UNREACHABLE, promise=HOURS)
    now = InTime(1000.0, 0.0, 1.0, T0, promise=OWN, set_aside=(aside,))
    text = notices_of(now, VARIANT)[Notice.OBJECTIVE_UNREACHABLE]
    assert text.startswith("m cannot reach 99.9 % of requests within 5 s")
