"""Who gets the GPUs when not all wishes fit."""

import pytest

from icscaler.allocate import Claim, allocate
from tests.unit.core.build import P4D, gpus


def claim(name: str, wish: int, **changes) -> Claim:
    fields = {
        "copy": gpus(1),
        "from_copies": 0,
        "firm_copies": 0,
        "worth": 10.0,
        "protected": False,
    } | changes
    fields.setdefault("held_copies", fields["from_copies"])
    return Claim(name=name, wish_copies=wish, **fields)


def copies(allocation) -> dict[str, int]:
    return {name: grant.copies for name, grant in allocation.grants.items()}


def now(allocation) -> dict[str, int]:
    return {name: grant.copies_now for name, grant in allocation.grants.items()}


def test_all_wishes_are_granted_when_they_fit() -> None:
    result = allocate(P4D, 1, [], [claim("a", 4), claim("b", 2, copy=gpus(2))])
    assert copies(result) == now(result) == {"a": 4, "b": 2}
    assert result.gpu_price == 0.0


def test_the_price_is_the_worth_per_gpu_of_the_dearest_copy_without_a_place() -> None:
    result = allocate(P4D, 1, [], [claim("critical", 6, worth=100.0), claim("batch", 4, worth=1.0)])
    assert copies(result) == {"critical": 6, "batch": 2}
    assert result.gpu_price == pytest.approx(1.0 / 3)


def test_a_protected_floor_goes_before_worth() -> None:
    cheap = claim("warm", 1, copy=gpus(4), firm_copies=1, protected=True, worth=1.0)
    result = allocate(P4D, 1, [], [claim("dear", 8, worth=1000.0), cheap])
    assert copies(result) == {"dear": 4, "warm": 1}


def test_the_displaced_model_is_told_by_whom() -> None:
    running = claim("batch", 8, from_copies=8, worth=1.0)
    result = allocate(P4D, 1, [], [running, claim("inline", 1, worth=100.0)])
    assert copies(result) == {"batch": 7, "inline": 1}
    assert result.grants["batch"].displaced_by == "inline"


def test_a_claim_waits_for_the_room_of_a_leaving_copy() -> None:
    running = claim("batch", 8, from_copies=8, worth=1.0)
    result = allocate(P4D, 1, [], [running, claim("inline", 1, worth=100.0)])
    assert now(result) == {"batch": 7, "inline": 0}
    assert result.grants["inline"].waits_for == "batch"


def test_a_young_copy_is_not_displaced() -> None:
    young = claim("batch", 8, from_copies=8, firm_copies=8, worth=1.0)
    result = allocate(P4D, 1, [], [young, claim("inline", 1, worth=100.0)])
    assert copies(result) == {"batch": 8, "inline": 0}


def test_an_equal_newcomer_does_not_push_a_running_copy_out() -> None:
    running = claim("old", 8, from_copies=8)
    assert copies(allocate(P4D, 1, [], [running, claim("new", 1, copy=gpus(8))]))["old"] == 8


def test_what_nobody_may_touch_takes_its_room() -> None:
    result = allocate(P4D, 1, [gpus(6)], [claim("a", 4)])
    assert copies(result) == {"a": 2}


def test_firm_copies_without_room_are_reported() -> None:
    result = allocate(P4D, 1, [gpus(8)], [claim("warm", 1, firm_copies=1, protected=True)])
    assert copies(result) == {"warm": 0}
    assert result.short == ("warm",)


def test_nothing_grows_while_what_is_there_overflows() -> None:
    """Instances were lost: what still stands counts, and no claim may add to it."""
    there = claim("old", 8, from_copies=8, held_copies=16)
    result = allocate(P4D, 1, [], [there, claim("new", 1, worth=1000.0)])
    assert now(result)["new"] == 0
