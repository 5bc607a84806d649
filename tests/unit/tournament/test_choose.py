"""The vote: figures by hand, and what must hold whatever the rules have cost."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icscaler.learned import TournamentMemory
from icscaler.policies.tournament import vote
from icscaler.policies.tournament.choice import Choice, Now, choose, copy_prices
from icscaler.policies.tournament.learn import Minute, fresh_memory, learn
from icscaler.policies.tournament.rules import KEEP_RULES, LEVEL_RULES
from icscaler.policies.tournament.vote import Terms
from tests.unit.tournament.traffic import SLOTS, START_MINUTES, START_S, learned, steady, wild

TERMS = Terms(slots=SLOTS, gpus=1, price=30.0)
DAY = 1440


def test_weights_by_hand() -> None:
    """At a tenth of the best cost more, e times less; at a third more, next to nothing."""
    found = vote.weights([100.0, 110.0, 400.0], 0.1)
    share = 1 / (1 + math.exp(-1))
    assert found == pytest.approx([share, 1 - share, 0.0], abs=1e-12)


@pytest.mark.parametrize(
    ("price", "worth", "heat"),
    [(30, 1, 0.1), (120, 1, 0.05), (7.5, 1, 0.2), (0.1, 1, 0.5), (1e6, 1, 0.02), (120, 4, 0.1)],
)
def test_dear_gpus_make_the_vote_strict(price: float, worth: float, heat: float) -> None:
    assert vote.temperature(Terms(10, 1, price, worth)) == pytest.approx(heat)


def test_costs_by_hand() -> None:
    """A rule that held 50 copy-minutes of two GPUs and lost 7 requests, at one request a second."""
    memory = fresh_memory()
    memory.asked, memory.asked_s = 1000.0, 1000.0
    memory.level_unit = memory.keep_unit = 4.0
    memory.held[3], memory.missed[3] = 200.0, 28.0
    memory.kept[2], memory.refused[2] = 200.0, 28.0
    terms = Terms(slots=10, gpus=2, price=30, worth=5, rare_per_s=1.0)
    # A request is worth 5 x (1 + 1 / 1) = 10.
    assert vote.request_worth(memory, terms) == 10
    expected = 2 * 30 * (50 + LEVEL_RULES[3].prior) + 10 * 7
    assert vote.level_costs(memory, terms)[3] == pytest.approx(expected)
    expected = 2 * 30 * 50 + 10 * 7 + 5 * KEEP_RULES[2].prior
    assert vote.keep_costs(memory, terms)[2] == pytest.approx(expected)


def test_a_vote_of_a_few_rules_by_hand() -> None:
    """Two levels of load: rules with long windows wish for three copies, the short for one."""
    memory = learned(steady([25.0] * 60 + [5.0] * 30))
    wishes = {1: 0.0, 2: 0.0, 3: 0.0}
    weights = vote.weights(vote.level_costs(memory, TERMS), vote.temperature(TERMS))
    for rule, weight in zip(LEVEL_RULES, weights, strict=True):
        base = 25.0 if rule.window_minutes > 30 else 5.0
        wish = math.ceil(rule.headroom * base / 10 - 1e-9)
        wishes[wish] = wishes.get(wish, 0.0) + weight
    wanted = sum(wish * weight for wish, weight in wishes.items())
    assert choose(memory, TERMS, Now()).copies == math.ceil(wanted - 0.3)


def test_one_request_at_zero_wakes_at_any_price() -> None:
    memory = learned(steady([0.0] * DAY))
    dear = Terms(SLOTS, 8, 1e6)
    assert choose(memory, dear, Now()) == Choice(0, 1, 0.0)
    assert choose(memory, dear, Now(used=True)) == Choice(1, 1, 1.0)
    refused = learn(memory, [Minute(memory.newest_s + 60, 0.0, 1.0)], SLOTS, START_MINUTES)
    assert choose(refused, dear, Now()).copies == 1


def test_one_caller_retrying_every_second_gets_one_copy() -> None:
    """Sixty refusals a minute, a load of 20 if each were a request of its own: presence only."""
    memory = learned(steady([0.0] * 100))
    for minute in range(30):
        refused = Minute(memory.newest_s + 60, 0.0, 60.0, 20.0)
        memory = learn(memory, [refused], SLOTS, START_MINUTES)
        assert choose(memory, TERMS, Now(used=True)).copies == 1, minute


@pytest.mark.parametrize(
    ("before", "after", "days", "copies"),
    [
        pytest.param(95.0, 35.0, 2, {4, 5}, id="less"),
        pytest.param(35.0, 95.0, 1, {10, 11, 12}, id="more"),
        pytest.param(95.0, 0.0, 2, {0}, id="nothing"),
    ],
)
def test_a_new_level_is_learned(before: float, after: float, days: int, copies: set[int]) -> None:
    memory = learned(steady([before] * 2 * DAY + [after] * days * DAY))
    assert choose(memory, TERMS, Now()).copies in copies


def test_a_daily_use_is_expected() -> None:
    """Half an hour of three copies every day at noon: after days copies are there before it."""
    day = [1.0] * 700 + [28.0] * 30 + [1.0] * 710
    memory = learned(steady(day * 4, start_s=START_S // 86400 * 86400))
    until = steady(day[:693], start_s=memory.newest_s + 60)
    assert choose(learned(until, memory), TERMS, Now()).copies >= 3
    assert choose(learned(until[:500], memory), TERMS, Now()).copies == 1


def test_nothing_is_known_and_nothing_is_asked_for() -> None:
    assert choose(fresh_memory(), TERMS, Now()).copies == 0
    assert choose(fresh_memory(used=True), TERMS, Now(used=True)).copies == 1
    assert choose(fresh_memory(), TERMS, Now(load=35.0)).copies in {4, 5}


memories = st.builds(learned, st.builds(wild, st.integers(0, 10_000), st.just(150)))
prices = st.floats(0.01, 1e5)


@settings(max_examples=25)
@given(memories, prices, st.floats(0, 500), st.floats(0, 500))
def test_more_demand_never_gives_fewer_copies(
    memory: TournamentMemory, price: float, load: float, more: float
) -> None:
    """Same memory, so same weights: what fresh minutes show may only raise."""
    terms = Terms(SLOTS, 1, price)
    calm = choose(memory, terms, Now(load)).copies
    assert choose(memory, terms, Now(load + more)).copies >= calm
    assert choose(memory, terms, Now(load, used=True)).copies >= calm


@settings(max_examples=25)
@given(memories, prices, st.integers(1, 40))
def test_worths_of_copies_fall(memory: TournamentMemory, price: float, most: int) -> None:
    terms = Terms(SLOTS, 1, price)
    worths = copy_prices(memory, terms, Now(), most)
    assert len(worths) == most
    assert worths == sorted(worths, reverse=True)
    chosen = choose(memory, terms, Now()).copies
    assert all(worth >= price for worth in worths[: min(chosen, most)])
