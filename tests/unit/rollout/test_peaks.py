"""Yesterday's hours: what they needed, and when there is less to do."""

from icscaler.learned import TournamentMemory
from icscaler.rollout import peaks
from icscaler.rollout.entities import Plan
from icscaler.rollout.plan import make_plan
from icscaler_cli.rollout.view import plan_summary
from tests.unit.rollout.sights import AT_S, component, request, sight

BLOCK_S = 600


def memory(load_at: dict[int, float], unknown: bool = False) -> TournamentMemory:
    """A day and a block of ten-minute peaks before `AT_S`; `load_at` by hours before it."""
    blocks = []
    for ago in range(145, 0, -1):
        hour = -(-ago * BLOCK_S // 3600)
        blocks.append(-1.0 if unknown else load_at.get(hour, 1.0))
    return TournamentMemory(block=AT_S // BLOCK_S, blocks=blocks)


def test_copies_for_the_busiest_block_of_the_same_hours() -> None:
    # 24 hours ago began the hour that needed 50 requests at once; 22 hours ago another one.
    found = memory({24: 50.0, 22: 90.0})
    from_s = AT_S - peaks.DAY_S
    assert peaks.copies_needed(found, 16, from_s, from_s + 3600) == 4
    assert peaks.copies_needed(found, 16, from_s, from_s + 3 * 3600) == 6
    assert peaks.copies_needed(memory({}, unknown=True), 16, from_s, from_s + 3600) is None
    assert peaks.hours_of(memory({}, unknown=True), AT_S) is None


def test_the_quietest_hours_for_what_takes_longer_than_one() -> None:
    day = [10.0] * 24
    day[5] = 1.0
    day[9] = day[10] = 2.0
    assert peaks.quieter([tuple(day)], 3600) == (5, 0.1)
    assert peaks.quieter([tuple(day)], 7200) == (9, 0.2)
    # Busy where the other one is quiet, and as quiet now as ever.
    assert peaks.quieter([tuple(day), tuple(11.0 - each for each in day)], 3600) is None
    assert peaks.quieter([(1.0, *[10.0] * 23)], 3600) is None
    assert peaks.quieter([], 3600) is None
    assert peaks.quieter([(0.0,) * 24], 3600) is None


def test_the_plan_proposes_a_quieter_start() -> None:
    hours = peaks.hours_of(memory({24: 50.0, 20: 0.5}), AT_S)
    assert hours is not None
    plan = make_plan(request("a"), sight(component("a"), hours={"a": hours}))
    assert plan.quieter_s == AT_S + 4 * 3600
    assert "Quieter: start at" in plan_summary(plan)
    assert "1 % of the demand" in plan_summary(plan)
    assert "Quieter" not in plan_summary(Plan((), {}))
