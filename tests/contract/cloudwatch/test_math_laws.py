"""Laws of metric math: any text is understood or refused, any expression has its value."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from icscaler_localcloud.cloudwatch.math import MathError, Scope, Series, evaluate, parse

TIMES = range(0, 600, 60)
VALUES = st.floats(-1e6, 1e6, allow_nan=False)
SERIES = st.dictionaries(st.sampled_from(list(TIMES)), VALUES, max_size=10).map(
    lambda points: Series(dict(sorted(points.items())), 60)
)


def scope(**known: Series) -> Scope:
    return Scope(0, 600, 60, list(known), lambda name: known[name])


def points(expression: str, **known: Series) -> dict[int, float]:
    value = evaluate(parse(expression), scope(**known))
    assert isinstance(value, Series)
    return dict(value.points)


@given(st.text("m12e.()[],+-*/^<>=!&|\"' ANDORIFSUM", max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with suppress(MathError):  # anything else fails the test
        parse(text)


@given(SERIES, SERIES)
def test_sums_meet_where_both_have_points(a: Series, b: Series) -> None:
    both = points("a + b", a=a, b=b)
    assert both.keys() == a.points.keys() & b.points.keys()
    assert both == {at: a.points[at] + b.points[at] for at in both}


@given(SERIES, SERIES)
def test_sum_over_an_array_drops_nobody(a: Series, b: Series) -> None:
    summed = points("SUM([a, b])", a=a, b=b)
    assert summed.keys() == a.points.keys() | b.points.keys()
    alone = a.points.keys() - b.points.keys()
    assert all(summed[at] == a.points[at] for at in alone)


@given(SERIES, VALUES)
def test_filling_keeps_what_is_there_and_leaves_no_gap(a: Series, value: float) -> None:
    filled = points(f"FILL(a, {value:f})", a=a)
    assert list(filled) == list(TIMES)
    assert all(filled[at] == a.points[at] for at in a.points)
    for method in ("REPEAT", "LINEAR"):
        between = points(f"FILL(a, {method})", a=a)
        assert all(between[at] == a.points[at] for at in a.points)
        if a.points:
            low, high = min(a.points.values()), max(a.points.values())
            assert all(low - 1e-6 <= v <= high + 1e-6 for v in between.values())


@given(SERIES)
def test_a_running_sum_ends_in_the_sum(a: Series) -> None:
    running = points("RUNNING_SUM(a)", a=a)
    assert running.keys() == a.points.keys()
    steps = points("DIFF(RUNNING_SUM(a))", a=a)
    assert all(abs(steps[at] - a.points[at]) < 1e-6 for at in steps)
