"""Python's collector is asked less often while deciding, and as often as before afterwards."""

import gc

import pytest

from icscaler.collecting import YOUNG_OBJECTS, seldom_collected


def test_the_collector_runs_seldom_and_then_as_before() -> None:
    before = gc.get_threshold()
    with seldom_collected():
        assert gc.get_threshold() == (YOUNG_OBJECTS, *before[1:])
    assert gc.get_threshold() == before


def test_an_error_changes_nothing_about_it() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="inside"), seldom_collected():
        raise ValueError("inside")
    assert gc.get_threshold() == before
