"""Evidence: figures by hand, and agreement with the plain reference on wild traffic."""

from dataclasses import replace

import pytest

from icscaler.adapters.codec import decode, encode
from icscaler.learned import TournamentMemory
from icscaler.policies.tournament.learn import Minute, fresh_memory, learn, usable
from icscaler.policies.tournament.rules import KEEP_RULES, LEVEL_RULES
from tests.unit.tournament import reference
from tests.unit.tournament.traffic import SLOTS, START_MINUTES, START_S, learned, steady, wild

NAMES = [rule.name for rule in LEVEL_RULES]
KEEP_NAMES = [rule.name for rule in KEEP_RULES]


def level(memory: TournamentMemory, name: str) -> tuple[float, float]:
    place = NAMES.index(name)
    return memory.held[place] / memory.level_unit, memory.missed[place] / memory.level_unit


def keep(memory: TournamentMemory, name: str) -> tuple[float, float]:
    place = KEEP_NAMES.index(name)
    return memory.kept[place] / memory.keep_unit, memory.refused[place] / memory.keep_unit


def test_the_rules_are_those_of_the_reference() -> None:
    assert [(r.window_minutes, r.headroom, r.profile) for r in LEVEL_RULES] == reference.LEVELS
    assert [(r.idle_minutes, r.profile) for r in KEEP_RULES] == reference.KEEPS
    for rule in LEVEL_RULES:
        prior = reference.level_prior(rule.window_minutes, rule.headroom, rule.profile)
        assert rule.prior == pytest.approx(prior)
    for rule in KEEP_RULES:
        assert rule.prior == pytest.approx(reference.keep_prior(rule.idle_minutes, rule.profile))


def test_a_jump_is_lost_until_a_start_up_has_passed() -> None:
    """From 5 to 25 requests at once, 10 a copy: one copy serves 300 of 750 requests a minute.

    The first minute leaves 900 slot-seconds waiting, of which 300 may still be served in time: 600
    are lost, at 2 s a request 300. In four more minutes 900, 450 requests, are lost. Wanted in the
    jump's own minute, two more copies serve in the sixth minute.
    """
    memory = learned(steady([5.0] * 10 + [25.0] * 10))
    held, missed = level(memory, "1 x peak of 3 min")
    fading = [0.5 ** (age / 1440) for age in range(20)]
    assert missed == pytest.approx(300 * fading[9] + 450 * sum(fading[5:9]), rel=1e-9)
    # Two copies more are held in the nine minutes after the jump's.
    assert held == pytest.approx(2 * sum(fading[0:9]), rel=1e-9)
    assert level(memory, "2 x peak of 3 min")[0] == pytest.approx(4 * sum(fading[0:9]), rel=1e-9)


def test_who_waits_within_patience_is_served_late_but_not_lost() -> None:
    """12 at once on 10 slots: 120 slot-seconds more wait each minute, 300 may."""
    memory = learned(steady([5.0] * 10 + [12.0] * 3))
    assert level(memory, "1 x peak of 3 min")[1] == pytest.approx(30, rel=0.01)
    assert level(learned(steady([5.0] * 10 + [12.0] * 2)), "1 x peak of 3 min")[1] == 0


def test_silence_is_charged_to_those_who_keep() -> None:
    """Use every 30 minutes: who keeps 20 minutes after use meets each call with no copy."""
    pattern = ([1.0] + [0.0] * 29) * 6
    memory = learned(steady(pattern))
    kept, refused = keep(memory, "45 min after use")
    assert kept == pytest.approx(179, rel=0.05)
    assert refused == pytest.approx(30, rel=0.05)  # the very first call
    kept, refused = keep(memory, "20 min after use")
    assert kept == pytest.approx(6 * 20, rel=0.05)
    assert refused == pytest.approx(6 * 30, rel=0.05)


def test_refusals_are_charged_up_to_what_one_copy_could_serve() -> None:
    """A thousand refusals that would have kept four copies busy: one copy serves 250 of them."""
    memory = learned([Minute(START_S, 0.0, 1000.0, 40.0)])
    assert keep(memory, "always")[1] == pytest.approx(250)
    assert all(base == 0 for base in memory.bases)


@pytest.mark.parametrize("seed", range(4))
def test_as_the_reference_on_wild_traffic(seed: int) -> None:
    plain = reference.Reference(SLOTS, START_MINUTES)
    memory = None
    for minute in wild(seed, 250 if seed else 1600):
        plain.take(minute)
        memory = learn(memory, [minute], SLOTS, START_MINUTES)
    assert memory is not None
    for place, name in enumerate(NAMES):
        assert level(memory, name) == pytest.approx(plain.level_evidence(place), rel=1e-6), name
    for place, name in enumerate(KEEP_NAMES):
        assert keep(memory, name) == pytest.approx(plain.keep_evidence(place), rel=1e-6), name
        assert (memory.wanted[place] > 0) == plain.keep_wishes[-1][place], name
    assert memory.asked / memory.asked_s == pytest.approx(plain.rate())


def test_all_at_once_is_as_one_by_one() -> None:
    minutes = wild(7, 300)
    assert learn(None, minutes, SLOTS, START_MINUTES) == learned(minutes)


@pytest.mark.parametrize("pattern", [[25.0] * 3, [3.0], [0.0]])
def test_silent_minutes_together_are_as_one_by_one(pattern: list[float]) -> None:
    """Days of sleep after use, taken in by tens as of a model that rests; to the last digit."""
    minutes = steady((pattern + [0.0] * 1500) * 2)
    apart = together = None
    for place in range(0, len(minutes), 10):
        some = minutes[place : place + 10]
        apart = learned(some, apart)
        together = learn(together, some, SLOTS, START_MINUTES)
        assert together == apart


def test_inputs_are_left_alone() -> None:
    before = learned(wild(1, 200))
    kept = decode(encode(before), TournamentMemory)
    learn(before, steady([30.0] * 20, start_s=before.newest_s + 60), SLOTS, START_MINUTES)
    assert before == kept


def test_a_minute_counts_once() -> None:
    memory = learned(wild(3, 100))
    again = learn(memory, wild(3, 100), SLOTS, START_MINUTES)
    assert again == memory


def test_stored_and_read_again_it_goes_on_byte_for_byte() -> None:
    minutes = wild(5, 600)
    straight = learned(minutes)
    memory = None
    for minute in minutes:
        memory = learn(memory, [minute], SLOTS, START_MINUTES)
        memory = decode(encode(memory), TournamentMemory)
    assert encode(memory) == encode(straight)


def test_size() -> None:
    """At most 6 KB as stored JSON, after days of the worst traffic."""
    assert len(encode(learned(wild(11, 5000)))) <= 6 * 1024


@pytest.mark.parametrize("days", [1, 30])
def test_a_shift_by_days_changes_nothing(days: int) -> None:
    minutes = wild(2, 1700)
    shifted = [replace(minute, at_s=minute.at_s + days * 86_400) for minute in minutes]
    first, second = learned(minutes), learned(shifted)
    move = replace(second, newest_s=first.newest_s, block=first.block)
    assert move == first


def test_a_gap_is_no_evidence_and_holds_what_was_wished() -> None:
    before = learned(steady([25.0] * 100))
    after = learned(steady([25.0], start_s=before.newest_s + 3 * 3600), before)
    assert after.bases == before.bases
    assert after.idle == 0
    assert after.minutes == before.minutes + 1
    grown = [
        new / after.level_unit - old / before.level_unit
        for new, old in zip(after.held, before.held, strict=True)
    ]
    assert max(grown) <= 4  # one minute of the biggest wish, not three hours
    assert after.blocks.count(-1.0) > before.blocks.count(-1.0) - 18


def test_growing_units_are_taken_in_again() -> None:
    """Evidence is counted in units that grow; after weeks they begin anew, unnoticed."""
    memory = learned(steady([25.0] * 50))
    near = replace(
        memory,
        level_unit=memory.level_unit * 2.0**19.9999,
        held=[value * 2.0**19.9999 for value in memory.held],
        missed=[value * 2.0**19.9999 for value in memory.missed],
        keep_unit=memory.keep_unit * 2.0**19.9999,
        kept=[value * 2.0**19.9999 for value in memory.kept],
        refused=[value * 2.0**19.9999 for value in memory.refused],
    )
    minutes = steady([25.0, 45.0, 45.0], start_s=memory.newest_s + 60)
    usual, renewed = learned(minutes, memory), learned(minutes, near)
    assert renewed.level_unit < 2 < near.level_unit
    for name in NAMES:
        assert level(renewed, name) == pytest.approx(level(usual, name))
    for name in KEEP_NAMES:
        assert keep(renewed, name) == pytest.approx(keep(usual, name))


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(replace(fresh_memory(), version=99), id="other version"),
        pytest.param(replace(fresh_memory(), held=[0.0]), id="other rules"),
        pytest.param(TournamentMemory(), id="empty"),
        pytest.param(None, id="none"),
    ],
)
def test_a_memory_of_other_code_is_started_anew(broken: TournamentMemory | None) -> None:
    assert not usable(broken)
    minutes = steady([25.0] * 5)
    assert learn(broken, minutes, SLOTS, START_MINUTES) == learned(minutes)
