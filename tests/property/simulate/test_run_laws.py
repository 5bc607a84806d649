"""Laws of whole runs on arbitrary traffic."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from icscaler_sim.baselines import PEERS, peer
from icscaler_sim.simulate import Job, Scenario, run_job
from icscaler_sim.simulate.driver import Beat, Driver
from icscaler_sim.simulate.hands import Hands
from icscaler_sim.simulate.peers import PeerPilot
from icscaler_sim.simulate.proxy import Proxy
from icscaler_sim.simulate.run import facts_of
from icscaler_sim.simulate.stage import set_stage
from icscaler_sim.world import WorldSettings
from tests.unit.simulate.builders import PROFILE, scenario

COUNTS = st.lists(st.sampled_from([0, 0, 0, 0, 1, 30, 400, 1500]), min_size=40, max_size=120).map(
    lambda values: {"a": values, "b": values[::-1], "c": [0] * len(values)}
)
FEW = settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])


def play(played: Scenario, name: str, *, drowse: bool) -> tuple[list, int, float]:
    """Every attempt to change copies, and what came of it."""
    chosen = peer(name)
    world = set_stage(
        played.fleet,
        {"a": 1},
        played.start_s,
        seed=0,
        settings=WorldSettings(emit_10s=chosen.period_s == 10),
    )
    hands = Hands(world)
    profiles = dict.fromkeys(played.fleet.shapes, PROFILE)
    proxy = Proxy(world, profiles, 30.0) if chosen.holds_requests else None
    pilot = PeerPilot(
        chosen,
        {},
        world,
        played.fleet,
        facts_of(played, played.fleet),
        hands,
        proxy=proxy,
        drowse=drowse,
    )
    Driver(world, played.trace, pilot, Beat(chosen.period_s), proxy=proxy).run()
    return hands.log, world.tally.requests().in_time, world.tally.gpu_seconds()


@pytest.mark.parametrize("name", [one.name for one in PEERS])
@FEW
@given(counts=COUNTS)
def test_leaving_sleeping_models_alone_changes_nothing(name: str, counts: dict) -> None:
    played = scenario(counts)
    assert play(played, name, drowse=True) == play(played, name, drowse=False)


@FEW
@given(counts=COUNTS, name=st.sampled_from(["icscaler", "kpa", "keep-alive", "static-packed"]))
def test_requests_and_invariants(counts: dict, name: str) -> None:
    score = run_job(scenario(counts), Job(name, check_every=1))
    total = score.requests
    assert total.total == sum(map(sum, counts.values()))
    assert min(total.in_time, total.late, total.refused) >= 0
    assert total.in_time + total.late + total.refused == total.total
    assert score.violations == ()


@FEW
@given(counts=COUNTS)
def test_nobody_who_serves_everybody_beats_who_knows_the_future(counts: dict) -> None:
    played = scenario(counts)
    best = run_job(played, Job("clairvoyant"))
    for name in ("static-packed", "always-on"):
        assert run_job(played, Job(name)).gpu_hours >= best.gpu_hours - 1e-9
