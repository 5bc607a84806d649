"""Laws of the alarm decision, for any points."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from icscaler_localcloud.alarms.decide import Point, Rule, StateValue, TreatMissing, decide

GOOD, BAD = 0.0, 100.0
OK, ALARM, UNKNOWN = StateValue.OK, StateValue.ALARM, StateValue.INSUFFICIENT_DATA

values = st.lists(st.sampled_from([None, GOOD, BAD]), min_size=1, max_size=14)


@st.composite
def rules(draw: st.DrawFn, treat: TreatMissing | None = None) -> Rule:
    """M of N over 50, with any treatment of missing data or the given one."""
    periods = draw(st.integers(1, 6))
    needed = draw(st.integers(1, periods))
    chosen = treat or draw(st.sampled_from(list(TreatMissing)))
    return Rule("GreaterThanThreshold", 50.0, needed, periods, chosen)


def points_of(newest_first: list[float | None]) -> list[Point]:
    return [Point(-10 * age, value) for age, value in enumerate(newest_first)]


def state(rule: Rule, newest_first: list[float | None]) -> StateValue | None:
    return decide(rule, points_of(newest_first)).state


def treated(rule: Rule, treat: TreatMissing) -> Rule:
    return Rule(rule.operator, rule.threshold, rule.needed, rule.periods, treat)


def with_enough(rule: Rule, newest: list[float | None]) -> list[float | None]:
    """The points with good ones behind, so that there are as many as periods."""
    real = sum(value is not None for value in newest)
    return newest + [GOOD] * max(0, rule.periods - real)


@given(rules(), values, values)
def test_points_beyond_the_real_ones_needed_do_not_matter(
    rule: Rule, newest: list[float | None], older: list[float | None]
) -> None:
    newest = with_enough(rule, newest)
    assert state(rule, newest) == state(rule, newest + older)


@given(rules(), values)
def test_with_enough_points_all_treatments_agree(rule: Rule, newest: list[float | None]) -> None:
    newest = with_enough(rule, newest)
    assert len({state(treated(rule, treat), newest) for treat in TreatMissing}) == 1


@given(rules(), values)
def test_a_worse_point_never_ends_an_alarm(rule: Rule, newest: list[float | None]) -> None:
    if state(rule, newest) is ALARM:
        for age, value in enumerate(newest):
            if value == GOOD:
                assert state(rule, [*newest[:age], BAD, *newest[age + 1 :]]) is ALARM


@given(rules(), values)
def test_treatments_are_ordered(rule: Rule, newest: list[float | None]) -> None:
    """What is on when gaps count as good is on with every treatment; breaching is on first."""
    good, bad = (
        state(treated(rule, treat), newest)
        for treat in (TreatMissing.NOT_BREACHING, TreatMissing.BREACHING)
    )
    for treat in (TreatMissing.MISSING, TreatMissing.IGNORE):
        between = state(treated(rule, treat), newest)
        if good is ALARM:
            assert between is ALARM
        if between is ALARM:
            assert bad is ALARM


@given(rules(), values)
def test_only_the_missing_are_unknown_and_only_the_ignored_stay(
    rule: Rule, newest: list[float | None]
) -> None:
    outcome = state(rule, newest)
    if outcome is UNKNOWN:
        assert rule.treat is TreatMissing.MISSING
        assert GOOD not in newest
    if outcome is None:
        assert rule.treat is TreatMissing.IGNORE
        assert GOOD not in newest


@given(rules(), values)
def test_the_decisive_points_decide(rule: Rule, newest: list[float | None]) -> None:
    """They are as few as the state takes, newest first, each agreeing or standing for a gap."""
    newest = newest + [None] * rule.periods
    decision = decide(rule, points_of(newest))
    told = decision.decisive
    assert [p.at_s for p in told] == sorted((p.at_s for p in told), reverse=True)
    if decision.state is ALARM:
        assert all(p.value in (BAD, None) for p in told)
        assert len(told) <= rule.needed
    elif decision.state is OK:
        assert all(p.value in (GOOD, None) for p in told)
        assert len(told) <= rule.periods - rule.needed + 1
    assert decision.filled == max(0, rule.periods - sum(v is not None for v in newest))
