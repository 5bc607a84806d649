"""Preview: what another configuration would make of what the last look saw."""

from dataclasses import replace

from icscaler.ports import Overlay
from icscaler.preview import Preview, preview
from tests.unit.core.build import config, gpus, model, view
from tests.unit.usecases.desk import Desk, endpoint_view


def previewed(desk: Desk, proposed, *, instances: int | None = 2, pointer=None) -> Preview:
    item = desk.store.load("shared", "v1")
    seen = endpoint_view(instances) if instances is not None else None
    return preview(desk.config, proposed, item, pointer or desk.store.fleet_pointer(), seen)


def desk_of(*models, looks: int = 12, requests: float = 25.0) -> Desk:
    desk = Desk(config(*models))
    for _ in range(looks):
        desk.tick(requests)
    return desk


def test_an_endpoint_nobody_looked_at_has_no_preview() -> None:
    assert previewed(Desk(), config()) == Preview()


def test_the_same_configuration_changes_nothing() -> None:
    desk = desk_of(model("a"), model("b"))
    found = previewed(desk, desk.config)
    assert [effect.differs for effect in found.effects.values()] == [False, False]
    assert found.unmanaged == found.missing == ()


def test_a_ceiling_shows_where_it_cuts() -> None:
    desk = desk_of(model())
    assert desk.copies() == 3
    effect = previewed(desk, config(model(max_copies=2))).effects["m"]
    assert (effect.copies, effect.copies_before, effect.copies_after) == (3, 3, 2)
    assert effect.after.steps[-1].reason == "MaxCopies"


def test_room_taken_by_another_model_shows_on_those_who_lose_it() -> None:
    poor = model("poor", worth=1.0, limits=replace(model().limits, minimum_life_s=0))
    desk = desk_of(poor, model("rich", resources=gpus(1), worth=100.0), looks=20)
    found = previewed(desk, config(poor, model("rich", worth=100.0, min_copies=7)), instances=1)
    assert found.effects["poor"].copies_after < found.effects["poor"].copies_before
    assert found.effects["poor"].after.steps[-1].by == "rich"


def test_without_the_endpoint_the_maximum_of_the_file_counts() -> None:
    desk = desk_of(model())
    found = previewed(desk, config(model(min_copies=6, max_copies=8)), instances=None)
    assert found.effects["m"].copies_after == 6


def test_paused_models_stay_as_they_are() -> None:
    desk = desk_of(model())
    desk.store.set_paused(True, model="m")
    effect = previewed(desk, config(model(max_copies=1))).effects["m"]
    assert (effect.differs, str(effect.after.blocked)) == (False, "Paused")


def test_who_is_new_gone_or_in_no_file() -> None:
    desk = desk_of(model("a"), model("b"))
    desk.endpoints.add(endpoint_view(), view("stranger"))
    desk.tick(25.0)
    found = previewed(desk, config(model("a"), model("new"), model("stranger", min_copies=1)))
    assert (found.unmanaged, found.missing) == (("b",), ("new",))
    assert found.effects["b"].after is None
    assert not found.effects["b"].differs, "nobody changes it any more"
    assert found.effects["stranger"].before is None


def test_overlays_count_in_both() -> None:
    desk = desk_of(model())
    desk.store.put_overlay("shared", Overlay("m", "warm_up/1", None, min_copies=5))
    desk.store.put_overlay("shared", Overlay("m", "retire/1", desk.at_s - 1, max_copies=0))
    effect = previewed(desk, config(model(worth=5.0))).effects["m"]
    assert (effect.copies_before, effect.copies_after) == (5, 5)


def test_a_preview_changes_no_state() -> None:
    desk = desk_of(model())
    before = desk.store.load("shared", "v1")
    previewed(desk, config(model(max_copies=1)))
    assert desk.store.load("shared", "v1") == before
