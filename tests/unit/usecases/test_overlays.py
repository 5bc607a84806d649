"""Overlays: how a look merges them, and that they end."""

import pytest

from icscaler import overlays
from icscaler.adapters.codec import encode, read_look
from icscaler.ports import Overlay
from icscaler.reconcile import LookKind, replay
from tests.unit.core.build import T0, config, model, view
from tests.unit.usecases.desk import Desk


def overlay(component: str = "m", holder: str = "warm_up/1", **changes) -> Overlay:
    return Overlay(component, holder, **{"until_s": T0 + 600, **changes})


def test_without_overlays_the_configuration_is_the_same_object() -> None:
    published = config()
    assert overlays.merge(published, (), T0) is published
    assert overlays.merge(published, (overlay(min_copies=1),), T0 + 600) is published


def test_what_names_nothing_there_counts_for_nothing() -> None:
    elsewhere = overlay("new", model=model("new", variant="other"))
    found = overlays.merge(config(), (overlay("gone", min_copies=1), elsewhere), T0)
    assert found == config()


def test_the_file_wins_over_a_registered_model() -> None:
    found = overlays.merge(config(), (overlay(model=model(max_copies=2)),), T0)
    assert found.models["m"].max_copies == 8


def test_a_registered_model_can_have_a_floor_of_another_holder() -> None:
    laid = (overlay("new", "a", min_copies=2), overlay("new", "b", model=model("new")))
    found = overlays.merge(config(), laid, T0)
    assert [one.min_copies for one in found.models["new"].overlays] == [2]


@pytest.fixture
def desk() -> Desk:
    """A model that nobody uses, at zero copies."""
    desk = Desk(config(model()))
    desk.endpoints.add(desk.endpoints.endpoints["shared"], view("m", 0), view("new", 0))
    return desk


def test_a_floor_wakes_the_model_is_explained_and_ends(desk: Desk) -> None:
    desk.store.put_overlay("shared", overlay(until_s=T0 + 1200, min_copies=2, max_copies=5))
    outcome = desk.tick(None)
    assert desk.copies() == 2
    (record,) = desk.store.records("shared", 0, desk.at_s + 1)
    assert record.steps == ("Idle 0", "Overlay 2 by warm_up/1")
    kept = desk.store.snapshot("shared", desk.at_s)
    assert encode(replay(read_look(kept.payload))) == encode(outcome.plan)
    for _ in range(60):
        desk.tick(0.0)
    assert desk.copies() == 0


def test_a_floor_never_beats_a_ceiling(desk: Desk) -> None:
    desk.store.put_overlay("shared", overlay(min_copies=2))
    desk.store.put_overlay("shared", overlay(holder="retire_model/1", max_copies=0))
    desk.tick(None)
    assert desk.copies() == 0


def test_a_paused_overlay_keeps_everybody_off(desk: Desk) -> None:
    desk.store.put_overlay("shared", overlay(min_copies=2))
    desk.store.put_overlay("shared", overlay(holder="x", paused=True))
    desk.tick(None)
    assert desk.copies() == 0


def test_a_registered_model_is_managed(desk: Desk) -> None:
    assert "new" in desk.tick(None).plan.unmanaged
    desk.store.put_overlay("shared", overlay("new", until_s=None, model=model("new", min_copies=1)))
    outcome = desk.tick(None)
    assert outcome.kind is LookKind.LOOKED
    assert outcome.plan.unmanaged == ()
    assert desk.copies("new") == 1
