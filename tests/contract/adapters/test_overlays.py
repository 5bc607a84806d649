"""`ports.OverlayStore`: what workflows lay over the published fleet."""

from dataclasses import replace
from typing import Any

import pytest

from icscaler.adapters.publishing import PublishConflictError
from icscaler.ports import FleetPointer, Overlay
from tests.contract.adapters import values
from tests.contract.adapters.values import AT_S

Store = Any

WARM = Overlay("block-generation", "warm_up/launch", AT_S + 900, min_copies=2)
CAPTION = Overlay("caption", "onboard_model/1", None, model=values.model("caption"))


def test_an_overlay_is_loaded_with_its_endpoint(store: Store) -> None:
    assert store.put_overlay("code", WARM)
    assert store.overlays("code") == store.load("code", "v1").overlays == (WARM,)
    assert store.overlays("images") == ()


def test_one_of_a_holder_and_component_replaced_when_put_again(store: Store) -> None:
    other = Overlay("block-generation", "warm_up/night", AT_S + 60, min_copies=1)
    longer = Overlay("block-generation", "warm_up/launch", AT_S + 1800, min_copies=3)
    for overlay in (WARM, other, longer):
        assert store.put_overlay("code", overlay)
    assert store.overlays("code") == (longer, other)


def test_an_overlay_is_taken_off_once_and_by_its_holder(store: Store) -> None:
    store.put_overlay("code", WARM)
    assert not store.remove_overlay("code", "block-generation", "warm_up/night")
    assert store.remove_overlay("code", "block-generation", "warm_up/launch")
    assert not store.remove_overlay("code", "block-generation", "warm_up/launch")
    assert store.overlays("code") == ()


def test_a_registered_component_has_an_endpoint_while_it_is_registered(store: Store) -> None:
    store.publish({"code": values.config()}, "v1", None)
    assert store.put_overlay("code", CAPTION)
    assert store.endpoint_of("caption") == "code"
    assert not store.put_overlay("images", CAPTION), "another endpoint has it"
    assert store.overlays("images") == ()
    assert store.remove_overlay("code", "caption", "onboard_model/1")
    assert store.endpoint_of("caption") is None
    assert store.put_overlay("images", CAPTION)


def test_publishing_keeps_what_is_in_no_file_yet(store: Store) -> None:
    store.publish({"code": values.config("code", "caption")}, "v1", None)
    store.publish({"code": values.config(version="v2")}, "v2", "v1")
    store.put_overlay("code", CAPTION)
    store.put_overlay("code", WARM)
    store.publish({"code": values.config("code", version="v3")}, "v3", "v2")
    assert store.overlays("code") == (WARM, CAPTION)
    assert store.endpoint_of("caption") == "code"


@pytest.mark.parametrize("endpoint", ["code", "images"])
def test_publishing_a_registered_component_takes_it_over(store: Store, endpoint: str) -> None:
    store.publish({"code": values.config()}, "v1", None)
    store.put_overlay("code", CAPTION)
    store.put_overlay("code", WARM)
    fleet = {"code": values.config(version="v2"), endpoint: values.config(endpoint, "caption")}
    store.publish(fleet, "v2", "v1")
    assert store.overlays("code") == (WARM,)
    assert store.endpoint_of("caption") == endpoint
    assert not store.remove_overlay("code", "caption", "onboard_model/1")
    assert store.endpoint_of("caption") == endpoint, "the file's now, nobody else's"


def test_registering_what_the_file_has_changes_no_owner(store: Store) -> None:
    store.publish({"code": values.config("code", "caption")}, "v1", None)
    assert store.put_overlay("code", CAPTION)
    assert store.remove_overlay("code", "caption", "onboard_model/1")
    assert store.endpoint_of("caption") == "code"


HOME = replace(values.config("fresh", version="onboarding"), models={})
REVIEW = Overlay("review", "onboard_model", None, model=values.model("review"), home=HOME)
LORA = Overlay("lora", "onboard_model", None, model=values.model("lora"), home=HOME)


def test_an_endpoint_that_is_in_no_file_is_managed_while_an_overlay_says_what_it_is(
    store: Store,
) -> None:
    store.publish({"code": values.config()}, "v1", None)
    store.put_overlay("fresh", REVIEW)
    store.put_overlay("fresh", LORA)
    assert store.fleet_pointer() == FleetPointer("v1", ("code", "fresh"), added=("fresh",))
    assert store.fleet(AT_S).pointer == store.fleet_pointer()
    assert store.load("fresh", "v1").config == store.configuration("fresh", "v1") == HOME
    assert store.endpoint_of("review") == "fresh"
    store.remove_overlay("fresh", "review", "onboard_model")
    assert store.fleet_pointer().added == ("fresh",), "the other one is still there"
    store.remove_overlay("fresh", "lora", "onboard_model")
    assert store.fleet_pointer() == FleetPointer("v1", ("code",))
    assert store.load("fresh", "v1").config is store.configuration("fresh", "v1") is None


def test_it_is_managed_where_nothing_was_ever_published_and_after_the_first_publication(
    store: Store,
) -> None:
    store.put_overlay("fresh", REVIEW)
    assert store.fleet_pointer() == FleetPointer("", ("fresh",), added=("fresh",))
    with pytest.raises(PublishConflictError):
        store.publish({"code": values.config()}, "v1", "v0")
    store.publish({"code": values.config()}, "v1", None)
    assert store.fleet_pointer() == FleetPointer("v1", ("code", "fresh"), added=("fresh",))


def test_an_endpoint_that_is_published_is_the_file_s(store: Store) -> None:
    store.put_overlay("fresh", REVIEW)
    store.put_overlay("fresh", LORA)
    published = replace(values.config("fresh", "lora", version="v1"), blind_after_s=77)
    store.publish({"fresh": published}, "v1", "")
    assert store.fleet_pointer() == FleetPointer("v1", ("fresh",))
    assert store.load("fresh", "v1").config == store.configuration("fresh", "v1") == published
    assert store.overlays("fresh") == (REVIEW,), "the file does not have this one yet"
    store.publish({"code": values.config(version="v2")}, "v2", "v1")
    assert store.fleet_pointer() == FleetPointer("v2", ("code", "fresh"), added=("fresh",))


def test_the_last_model_that_moves_takes_its_endpoint_out_of_the_fleet(store: Store) -> None:
    store.put_overlay("fresh", REVIEW)
    store.publish({"code": values.config("code", "review")}, "v1", None)
    assert store.fleet_pointer() == FleetPointer("v1", ("code",))
    assert store.overlays("fresh") == ()
