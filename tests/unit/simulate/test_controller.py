"""icscaler in the simulator: limits of the whole fleet, outcomes, settings."""

from __future__ import annotations

import pytest

from icscaler.entities import EndpointConfig, OutcomeKind, Plan, Snapshot
from icscaler_sim.simulate import SimulationError
from icscaler_sim.simulate.configured import configured
from icscaler_sim.simulate.controller import Controller, FleetLimits
from icscaler_sim.simulate.hands import Hands, outcome_of
from icscaler_sim.simulate.stage import set_stage
from icscaler_sim.world import Refusal, World, WorldSettings
from tests.unit.simulate.builders import START_S, fleet, model

IDLE = tuple(f"m{n}" for n in range(6))


class Watched:
    """A controller whose every snapshot and plan is kept."""

    def __init__(self, *models, limits: FleetLimits | None = None, copies: int = 1) -> None:
        members = fleet(*models)
        self.world: World = set_stage(
            members,
            {one.name: copies for one in models},
            START_S,
            seed=0,
            settings=WorldSettings(),
        )
        self.hands = Hands(self.world)
        self.looks: list[tuple[Snapshot, Plan]] = []
        self.controller = Controller(
            self.world, members, self.hands, limits=limits, check_every=1, on_plan=self._keep
        )

    def _keep(self, config: EndpointConfig, seen: Snapshot, plan: Plan) -> None:
        self.looks.append((seen, plan))

    def play(self, minutes: int) -> None:
        for _ in range(minutes):
            at_s = int(self.world.now_s)
            self.controller.look(at_s)
            self.world.advance(at_s + 60)


def test_removals_stay_within_the_fleets_allowance() -> None:
    limits = FleetLimits(removal_share=0.1, removal_least=2)
    watched = Watched(*(model(name, idle_s=300) for name in IDLE), limits=limits)
    watched.play(30)
    removed: dict[int, int] = {}
    for one in watched.hands.accepted:
        removed[one.at_s] = removed.get(one.at_s, 0) + one.from_copies - one.to_copies
    assert sum(removed.values()) == len(IDLE)
    assert set(removed.values()) == {2}
    assert watched.controller.violations == []


def test_the_first_tick_removes_nothing_it_knows_nothing_of() -> None:
    watched = Watched(model("a", idle_s=60))
    watched.play(1)
    seen, _ = watched.looks[0]
    assert seen.removal_allowance == 3
    assert watched.hands.log == []


def test_refusals_by_aws_are_told_to_the_next_look() -> None:
    watched = Watched(model("a", gpus=8, min_copies=4), copies=1)
    watched.world.set_managed_scaling("shared", "main", min_instances=0, max_instances=1)
    watched.play(3)
    first, second = (seen.outcomes for seen, _ in watched.looks[:2])
    assert first == {}
    assert (second["a"].kind, second["a"].copies) == (OutcomeKind.NO_ROOM, 4)
    assert {one.outcome for one in watched.hands.log} == {OutcomeKind.NO_ROOM}
    assert watched.hands.accepted == []


def test_a_wake_is_seen_by_its_look_and_by_all_that_follow() -> None:
    watched = Watched(model("a", idle_s=300), copies=0)
    watched.play(2)
    watched.controller.wake("a", int(watched.world.now_s))
    assert watched.looks[-1][0].wakes == {"a": int(watched.world.now_s)}
    assert [(one.from_copies, one.to_copies) for one in watched.hands.accepted] == [(0, 1)]
    watched.play(1)
    assert watched.looks[-1][0].wakes


def test_two_looks_at_one_moment_have_times_of_their_own() -> None:
    watched = Watched(model("a"))
    at_s = int(watched.world.now_s)
    watched.controller.look_at("shared", at_s)
    watched.controller.look_at("shared", at_s)
    assert [seen.at_s for seen, _ in watched.looks] == [at_s, at_s + 1]


def test_calls_are_those_the_adapters_would_make() -> None:
    watched = Watched(*(model(name) for name in IDLE))
    watched.play(1)
    first = dict(watched.controller.calls)
    assert first["DescribeInferenceComponent"] == len(IDLE)
    watched.play(5)
    calls = watched.controller.calls
    assert calls["DescribeEndpoint"] == calls["ListInferenceComponents"] == 6
    assert calls["GetMetricData"] == 6
    assert calls["DescribeInferenceComponent"] == len(IDLE)  # nothing changed: nothing described
    watched.play(6)
    assert watched.controller.calls["DescribeInferenceComponent"] == 2 * len(IDLE)  # rotation


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        pytest.param(Refusal("ResourceLimitExceeded", "x"), OutcomeKind.QUOTA, id="quota"),
        pytest.param(
            Refusal("ValidationException", "cannot be updated while it is in state X"),
            OutcomeKind.IN_FLIGHT,
            id="in flight",
        ),
        pytest.param(
            Refusal("ValidationException", "There is not enough hardware resources on"),
            OutcomeKind.NO_ROOM,
            id="no room",
        ),
        pytest.param(
            Refusal("ValidationException", 'Could not find inference component "a"'),
            OutcomeKind.NOT_FOUND,
            id="gone",
        ),
        pytest.param(Refusal("ValidationException", "No."), OutcomeKind.INVALID, id="else"),
    ],
)
def test_what_a_refusal_means(refusal: Refusal, kind: OutcomeKind) -> None:
    assert outcome_of(refusal) is kind


def test_writes_are_kept_with_their_outcome() -> None:
    watched = Watched(model("a"))
    assert watched.hands.set_copies("a", 1, 2, START_S)[0] is OutcomeKind.ACCEPTED
    kind, text = watched.hands.set_copies("a", 2, 3, START_S)
    assert kind is OutcomeKind.IN_FLIGHT
    assert "UPDATE_RC_IN_PROGRESS" in text
    assert [one.outcome for one in watched.hands.log] == [OutcomeKind.ACCEPTED, kind]
    assert len(watched.hands.accepted) == 1


def test_settings_reach_endpoint_models_and_policies() -> None:
    config = fleet(model("a"), model("b")).endpoints["shared"]
    changed = configured(config, {"metric_settled_s": 120, "idle_s": 60, "target_value": 3.0})
    assert changed.metric_settled_s == 120
    assert {one.idle_s for one in changed.models.values()} == {60}
    assert {one.policy.target_value for one in changed.models.values()} == {3.0}
    assert config.models["a"].idle_s == 900


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("magic", 1, "no setting 'magic'"),
        ("idl_s", 60, "did you mean idle_s"),
        ("name", "b", "no setting 'name'"),
        ("idle_s", 60.5, "whole number"),
        ("idle_s", -1, "cannot be -1"),
        ("idle_s", True, "cannot be True"),
        ("target_value", "many", "cannot be 'many'"),
        ("target_value", float("nan"), "cannot be nan"),
        ("observe", 1, "true or false"),
        ("metric", 3, "a word"),
    ],
)
def test_settings_that_make_no_sense(name: str, value: object, says: str) -> None:
    with pytest.raises(SimulationError, match=says):
        configured(fleet(model("a")).endpoints["shared"], {name: value})
