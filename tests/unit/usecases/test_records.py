"""What a look leaves for those who ask later: decisions, observed ones too, and others' changes."""

from dataclasses import replace

import pytest

from icscaler import reconcile
from icscaler.adapters.codec import encode, read_look
from icscaler.entities import Hold, Objective
from icscaler.ports import Sighting
from icscaler.reasons import Reason
from tests.unit.core.build import T0, config, model
from tests.unit.usecases.desk import Desk

WRITER = "somebody else"


def sightings(desk: Desk, name: str = "m") -> list[Sighting]:
    return list(desk.store.sightings("shared", 0, desk.at_s + 1, name))


def records(desk: Desk) -> list:
    return list(desk.store.records("shared", 0, desk.at_s + 1))


def settled(desk: Desk, looks: int = 12) -> Desk:
    for _ in range(looks):
        desk.tick()
    return desk


def set_by_hand(desk: Desk, copies: int, **view) -> None:
    component = desk.endpoints.components["m"]
    desk.endpoints.components["m"] = replace(
        component, desired_copies=copies, last_modified_s=desk.at_s + 30, **view
    )


def test_a_component_is_seen_for_the_first_time_once() -> None:
    desk = settled(Desk())
    assert sightings(desk) == [Sighting("shared", "m", T0 + 60, None, 1, "first seen")]


def test_own_changes_are_records_and_no_sightings() -> None:
    desk = settled(Desk())
    desk.tick(31.0)
    settled(desk, 3)
    assert [r.to_copies for r in records(desk)] == [4]
    assert len(sightings(desk)) == 1


def test_a_change_by_a_person_is_sighted() -> None:
    desk = settled(Desk())
    set_by_hand(desk, 3)
    desk.tick()
    assert sightings(desk)[-1] == Sighting("shared", "m", desk.at_s, 1, 3, WRITER)


def test_a_change_under_a_hold_is_its_holders() -> None:
    desk = settled(Desk())
    desk.store.place_hold("shared", "m", Hold("rollout-7", desk.at_s + 900))
    desk.tick()
    set_by_hand(desk, 2)
    desk.tick()
    assert sightings(desk)[-1].by == "rollout-7"


def test_a_change_of_what_auto_scaling_owns_is_its() -> None:
    desk = settled(Desk())
    desk.endpoints.owned_by_autoscaling = {"m"}
    settled(desk, 12)  # scalable targets are asked for in rotation
    set_by_hand(desk, 2)
    desk.tick()
    assert sightings(desk)[-1].by == "Application Auto Scaling"


def test_what_auto_scaling_did_is_no_manual_change_and_a_target_given_up_is_noticed() -> None:
    desk = settled(Desk())
    desk.endpoints.owned_by_autoscaling = {"m"}
    settled(desk, 12)
    set_by_hand(desk, 2, current_copies=2)
    assert desk.tick().plan.decisions["m"].blocked is Reason.FOREIGN_TARGET
    desk.endpoints.owned_by_autoscaling = set()
    assert desk.tick().plan.decisions["m"].blocked is None


class TestObserved:
    @pytest.fixture
    def desk(self) -> Desk:
        return settled(Desk(config(model(observe=True))))

    def test_what_would_be_done_is_recorded_once_and_replays(self, desk: Desk) -> None:
        first = records(desk)
        assert [(r.outcome, r.from_copies, r.to_copies) for r in first] == [("Observed", 1, 1)]
        for _ in range(3):
            outcome = desk.tick(31.0)
        (record,) = records(desk)[1:]
        assert (record.outcome, record.from_copies, record.to_copies) == ("Observed", 1, 4)
        assert record.steps == ("AboveTarget 4",)
        assert desk.endpoints.writes == []
        assert outcome.plan.changes == ()
        kept = desk.store.snapshot("shared", record.at_s)
        again = encode(reconcile.replay(read_look(kept.payload)))
        assert reconcile.plan_digest(again) == kept.plan_digest

    def test_nobody_is_told_that_copies_changed(self, desk: Desk) -> None:
        desk.tick(31.0)
        assert desk.notifier.changes == []


def test_a_record_names_the_rules_that_carried_it() -> None:
    ours = model(policy=None, objective=Objective(), concurrent_requests_per_copy=10)
    desk = settled(Desk(config(ours)))
    while not records(desk):
        desk.tick(40.0)
    (record, *_) = records(desk)
    assert len(record.rules) == 3
    name, said = record.rules[0].split(": ")
    assert name
    assert "weight 0." in said
    assert " cost " in said
