"""Windows against a second opinion: every minute looked up in the time zone database."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from icscaler.config.cron import parse_cron
from icscaler.config.zones import zone
from icscaler.schedules import windows as under_test
from icscaler.schedules.windows import Schedule, Window, holds
from icscaler.schedules.zones import first_instant, wall_s

# Whole hours, half an hour, at midnight, in the southern half, none at all.
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "America/Santiago",
    "Asia/Kolkata",
)
DAY_S = 86_400


def changes(name: str) -> list[int]:
    return [at_s for at_s, _ in zone(name).offsets[1:10]] or [1_800_000_000]


def instant(text: str, name: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(name)).timestamp())


class Clock:
    """What a wall clock shows, minute by minute of UTC, with gaps and repetitions as they come."""

    def __init__(self, name: str, from_s: int, until_s: int) -> None:
        rules = ZoneInfo(name)
        self.from_s, self.until_s = from_s, until_s
        self.shown = {
            at_s: datetime.fromtimestamp(at_s, rules).replace(tzinfo=None)
            for at_s in range(from_s, until_s, 60)
        }
        self.last_shown = {shown: at_s for at_s, shown in self.shown.items()}

    def due(self, fields, *, final: bool) -> set[int]:
        """Minutes of UTC at which a cron expression is due."""
        found, before = set(), None
        for at_s, shown in self.shown.items():
            skipped = []
            if before is not None and shown - before > timedelta(minutes=1):
                skipped = [
                    before + timedelta(minutes=n)
                    for n in range(1, int((shown - before).total_seconds() // 60))
                ]
            again = final and self.last_shown[shown] != at_s
            if (named(fields, shown) and not again) or any(named(fields, one) for one in skipped):
                found.add(at_s)
            before = shown
        return found


def named(fields, shown: datetime) -> bool:
    minutes, hours, weekdays = fields
    return (
        shown.minute in minutes
        and shown.hour in hours
        and (weekdays is None or shown.isoweekday() % 7 in weekdays)
    )


def text(fields) -> str:
    minutes, hours, weekdays = fields
    week = "*" if weekdays is None else ",".join(map(str, sorted(weekdays)))
    return f"{','.join(map(str, sorted(minutes)))} {','.join(map(str, sorted(hours)))} * * {week}"


moments = st.tuples(
    st.sets(st.sampled_from([0, 1, 15, 29, 30, 45, 59]), min_size=1, max_size=3),
    st.sets(st.integers(0, 23) | st.integers(0, 3), min_size=1, max_size=3),
    st.none() | st.sets(st.integers(0, 6), min_size=3),
)


@st.composite
def places(draw):
    """A zone, and three days around a change of its clock."""
    name = draw(st.sampled_from(ZONES))
    change_s = draw(st.sampled_from(changes(name))) // 60 * 60
    return Clock(name, change_s - 2 * DAY_S, change_s + DAY_S), name


def expected(clock: Clock, opens: set[int], closes: set[int], lasts_s: int | None):
    """at_s -> open, from the first beginning on (before it nothing is known here)."""
    found, began = {}, []
    for at_s in clock.shown:
        if at_s in closes:
            began = []
        if at_s in opens and at_s not in closes:
            began.append(at_s)
        found[at_s] = any(lasts_s is None or at_s < one + lasts_s for one in began)
    return found


@settings(max_examples=20)
@given(places(), moments, moments)
def test_windows_from_minute_to_minute(place, begins, ends) -> None:
    clock, name = place
    schedule = Schedule("s", name, parse_cron(text(begins)), parse_cron(text(ends)))
    closes = clock.due(ends, final=True)
    assume(closes)
    states = expected(clock, clock.due(begins, final=False), closes, None)
    known = [at_s for at_s in states if at_s >= min(closes)]
    for at_s in known[:: max(1, len(known) // 400)] + near_change(clock, known):
        assert holds(schedule, zone(name), at_s) == states[at_s], datetime.fromtimestamp(at_s, UTC)


@settings(max_examples=20)
@given(places(), moments, st.integers(1, 1500))
def test_windows_of_a_length(place, begins, minutes) -> None:
    clock, name = place
    schedule = Schedule("s", name, parse_cron(text(begins)), lasts_s=minutes * 60)
    opens = clock.due(begins, final=False)
    states = expected(clock, opens, set(), minutes * 60)
    known = [at_s for at_s in states if at_s >= clock.from_s + minutes * 60]
    for at_s in known[:: max(1, len(known) // 400)] + near_change(clock, known):
        assert holds(schedule, zone(name), at_s) == states[at_s], datetime.fromtimestamp(at_s, UTC)


def near_change(clock: Clock, known: list[int]) -> list[int]:
    change_s = clock.from_s + 2 * DAY_S
    return [at_s for at_s in known if abs(at_s - change_s) <= 2 * 3600][::3]


@settings(max_examples=20)
@given(places(), moments, moments, st.integers(1, 7200))
def test_listed_windows_are_what_holds_and_early_ones_are_ready(place, begins, ends, start_s):
    clock, name = place
    schedule = Schedule(
        "s", name, parse_cron(text(begins)), parse_cron(text(ends)), ready_by_start=True
    )
    found = list(under_test.windows(schedule, zone(name), clock.from_s, clock.until_s))
    opened = [window.from_s for window in found if window.from_s > clock.from_s]
    for at_s in list(clock.shown)[::17]:
        inside = any(covers(window, at_s) for window in found)
        assert holds(schedule, zone(name), at_s) == inside
        soon = any(at_s < begin_s <= at_s + start_s for begin_s in opened)
        if inside or soon:
            assert holds(schedule, zone(name), at_s, start_s)


def covers(window: Window, at_s: int) -> bool:
    return window.from_s <= at_s and (window.until_s is None or at_s < window.until_s)


@settings(max_examples=40)
@given(st.sampled_from(ZONES), st.data())
def test_the_first_moment_at_which_a_clock_shows_a_time(name, data) -> None:
    change_s = data.draw(st.sampled_from(changes(name))) // 60 * 60
    shown_s = wall_s(zone(name), change_s) + 60 * data.draw(st.integers(-200, 200))
    found = first_instant(zone(name), shown_s)
    earlier = range(found - 4 * 3600, found, 60)
    assert wall_s(zone(name), found) >= shown_s
    assert all(wall_s(zone(name), at_s) < shown_s for at_s in earlier)


# ---------------------------------------------------------------- constructed cases


def at(schedule: Schedule, text_at: str, *, fold: int = 0, start_up_s: int = 0) -> bool:
    rules = ZoneInfo(schedule.zone)
    moment = datetime.fromisoformat(text_at).replace(tzinfo=rules, fold=fold)
    return holds(schedule, zone(schedule.zone), int(moment.timestamp()), start_up_s)


def berlin(begins: str, ends: str | None = None, **changes) -> Schedule:
    closing = None if ends is None else parse_cron(ends)
    return Schedule("s", "Europe/Berlin", parse_cron(begins), closing, **changes)


def test_office_hours_follow_the_wall_clock_over_both_changes() -> None:
    office = berlin("0 8 * * *", "0 18 * * *")
    for day in ("2027-03-27", "2027-03-28", "2027-10-31", "2027-11-01"):
        assert [at(office, f"{day}T{hour}") for hour in ("07:59", "08:00", "17:59", "18:00")] == [
            False,
            True,
            True,
            False,
        ]


def test_a_beginning_in_the_gap_is_the_moment_after_it() -> None:
    night = berlin("30 2 * * *", "0 4 * * *")
    assert not at(night, "2027-03-28T01:59")
    assert at(night, "2027-03-28T03:00")
    assert not at(night, "2027-03-28T04:00")


def test_a_window_wholly_in_the_gap_does_not_come() -> None:
    gone = berlin("15 2 * * *", "45 2 * * *")
    assert not at(gone, "2027-03-28T03:00")
    assert not at(gone, "2027-03-28T12:00")
    assert at(gone, "2027-03-29T02:15")


def test_in_the_fold_a_window_begins_at_the_first_and_ends_at_the_second() -> None:
    night = berlin("30 2 * * *", "45 2 * * *")
    assert not at(night, "2027-10-31T02:29")
    assert at(night, "2027-10-31T02:30")
    assert at(night, "2027-10-31T02:50")
    assert at(night, "2027-10-31T02:10", fold=1)
    assert at(night, "2027-10-31T02:44", fold=1)
    assert not at(night, "2027-10-31T02:45", fold=1)


def test_leap_days_come_every_four_years_and_not_in_2100() -> None:
    leap = Schedule("s", "UTC", parse_cron("0 0 29 2 *"), lasts_s=DAY_S)
    assert at(leap, "2028-02-29T12:00")
    assert not at(leap, "2027-03-01T00:00")
    assert not at(leap, "2028-03-01T00:00")
    assert not at(leap, "2100-03-01T00:00")
    assert at(leap, "2104-02-29T23:59")


def test_an_end_that_comes_once_in_eight_years_closes() -> None:
    long = Schedule("s", "UTC", parse_cron("0 0 28 2 *"), parse_cron("0 0 29 2 *"))
    assert at(long, "2096-02-28T12:00")
    assert not at(long, "2096-03-01T00:00")
    assert at(long, "2103-03-01T00:00")


def test_either_day_field_is_enough_when_both_are_restricted() -> None:
    both = Schedule("s", "UTC", parse_cron("0 0 13 * fri"), lasts_s=DAY_S)
    assert at(both, "2027-04-13T12:00"), "a Tuesday"
    assert at(both, "2027-04-16T12:00"), "a Friday"
    assert not at(both, "2027-04-14T12:00")


def day(text_day: str) -> int:
    return instant(text_day) // DAY_S


def test_holidays_leave_out_the_windows_that_begin_on_them() -> None:
    office = berlin("0 22 * * *", "0 6 * * *", not_on=(day("2027-12-25"),))
    assert at(office, "2027-12-25T05:00"), "it began on the 24th"
    assert not at(office, "2027-12-25T23:00")
    assert not at(office, "2027-12-26T05:00")
    assert at(office, "2027-12-26T22:00")


def test_only_on_some_days() -> None:
    sale = berlin("0 0 * * *", lasts_s=DAY_S, only_on=(day("2027-11-26"),))
    assert [at(sale, f"2027-11-{number}T10:00") for number in (25, 26, 27)] == [False, True, False]


def test_ready_by_start_begins_a_start_up_time_earlier_and_ends_when_it_ends() -> None:
    office = berlin("0 8 * * mon-fri", "0 18 * * *", ready_by_start=True)
    assert at(office, "2027-03-29T07:50", start_up_s=600), "the day after the change"
    assert not at(office, "2027-03-29T07:49", start_up_s=600)
    assert not at(office, "2027-03-28T07:55", start_up_s=600), "a Sunday"
    assert not at(office, "2027-03-29T18:00", start_up_s=600)


def test_a_window_shorter_than_the_start_up_time_is_prepared_too() -> None:
    short = berlin("0 8 * * *", lasts_s=300, ready_by_start=True)
    assert all(at(short, f"2027-03-29T07:{minute}", start_up_s=1200) for minute in (40, 50, 59))
    assert not at(short, "2027-03-29T08:05", start_up_s=1200)


@pytest.mark.parametrize("start_up_s", [0, 1200])
def test_a_single_window_and_a_range(start_up_s: int) -> None:
    from_s, until_s = instant("2027-03-01T08:00"), instant("2027-03-01T20:00")
    launch = Schedule("s", "UTC", from_s=from_s, until_s=until_s, ready_by_start=True)
    assert at(launch, "2027-03-01T07:45", start_up_s=start_up_s) == bool(start_up_s)
    assert at(launch, "2027-03-01T08:00", start_up_s=start_up_s)
    assert not at(launch, "2027-03-01T20:00", start_up_s=start_up_s)
    ranged = Schedule(
        "s",
        "UTC",
        parse_cron("0 8 * * *"),
        parse_cron("0 18 * * *"),
        from_s=from_s,
        until_s=until_s,
        ready_by_start=True,
    )
    assert not at(ranged, "2027-02-28T10:00", start_up_s=start_up_s)
    assert at(ranged, "2027-03-01T10:00", start_up_s=start_up_s)
    assert not at(ranged, "2027-03-02T07:50", start_up_s=start_up_s), "the range is over by then"
