"""What is told of looks in an account that allows few calls."""

from benchmarks.throttled import Told


def test_wakes_are_counted_with_the_looks_they_needed() -> None:
    told = Told()
    told.take_in([("a", 0, 1, "Throttled"), ("b", 0, 1, "Accepted"), ("c", 2, 1, "NotTried")])
    told.take_in([("a", 0, 1, "Throttled")])
    told.take_in([("a", 0, 1, "Accepted"), ("c", 2, 1, "Accepted")])
    assert (told.wakes, told.wakes_taken, told.waits) == (4, 2, [1, 3])
    assert (told.others, told.others_taken) == (2, 1)
    assert not told.waiting
    assert not told.disorder


def test_a_wake_that_comes_after_others_is_told() -> None:
    told = Told()
    told.take_in([("c", 2, 1, "Accepted"), ("a", 0, 1, "Throttled")])
    assert len(told.disorder) == 1
    assert told.waiting == {"a": 1}
