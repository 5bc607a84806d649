"""The explanation agrees with the choice, and the document's worked example is one."""

from pathlib import Path

import pytest

from icscaler.policies.tournament.choice import Now, choose
from icscaler.policies.tournament.explain import Explanation, explain
from icscaler.policies.tournament.learn import learn
from icscaler.policies.tournament.vote import Terms
from tests.unit.tournament.traffic import SLOTS, START_MINUTES, learned, steady, wild

DOCUMENT = Path(__file__).parents[3] / "docs" / "how-it-decides.md"
TERMS = Terms(slots=SLOTS, gpus=1, price=30.0)


@pytest.mark.parametrize("seed", range(5))
def test_it_explains_what_is_chosen(seed: int) -> None:
    memory, now = learned(wild(seed, 700)), Now(load=12.0)
    found = explain(memory, TERMS, now, most=100)
    assert found.choice == choose(memory, TERMS, now)
    assert sum(share.weight for share in found.level) == pytest.approx(1)
    assert sum(share.weight for share in found.keep) == pytest.approx(1)
    assert [s.weight for s in found.level] == sorted((s.weight for s in found.level), reverse=True)
    wanted = sum(share.weight * max(1, share.wish) for share in found.level)
    assert wanted - 0.3 <= found.choice.level < wanted + 0.7 + 1e-9
    assert min(found.next_best.values()) == 0


def worked_example() -> tuple[Explanation, Explanation]:
    """A week: from 8 to 18 o'clock a load of 25, at night 2; then the next 7:55 and 18:50."""
    day = [2.0] * 480 + [25.0] * 600 + [2.0] * 360
    memory = learned(steady(day * 7, start_s=1_800_057_600))  # midnight
    morning = learn(memory, steady(day[:475], start_s=memory.newest_s + 60), SLOTS, START_MINUTES)
    evening = learn(
        morning, steady(day[475:1130], start_s=morning.newest_s + 60), SLOTS, START_MINUTES
    )
    return explain(morning, TERMS, Now(2.0)), explain(evening, TERMS, Now(2.0))


def lines(found: Explanation) -> list[str]:
    return [
        f"| {share.name} | {share.wish} | {share.held:.0f} | {share.lost:.0f} | {share.cost:.0f} "
        f"| {share.weight:.2f} |"
        for share in found.level[:4]
    ]


def test_the_document_shows_this() -> None:
    """`docs/how-it-decides.md` holds the tables and choices of the worked example."""
    text = DOCUMENT.read_text("utf-8")
    morning, evening = worked_example()
    for line in (*lines(morning), *lines(evening)):
        assert line in text, line
    assert f"the vote is for {morning.choice.copies} copies before anybody calls" in text
    assert f"The vote is for {evening.choice.copies}." in text
    assert f"a request is worth {morning.request_worth:.2f} here" in text
