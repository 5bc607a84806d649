"""`publishing.FleetPublisher`: versions that can be gone back to."""

from typing import Any

from icscaler.adapters.publishing import VERSIONS_KEPT, PublishedVersion
from icscaler.ports import FleetPointer
from tests.contract.adapters import values
from tests.contract.adapters.values import AT_S

Store = Any


def test_versions_are_listed_that_published_last_first(store: Store) -> None:
    assert store.versions() == ()
    store.publish({"code": values.config()}, "v1", None, AT_S)
    fleet = {"code": values.config(version="v2"), "images": values.config("images", "a", "b")}
    store.publish(fleet, "v2", "v1", AT_S + 60)
    assert store.versions() == (
        PublishedVersion("v2", AT_S + 60, 2, 3),
        PublishedVersion("v1", AT_S, 1, 1),
    )


def test_an_earlier_version_is_published_again(store: Store) -> None:
    first = {"code": values.config("code", "block-generation", "caption", version="v1")}
    store.publish(first, "v1", None, AT_S)
    for number in (2, 3, 4):
        version = f"v{number}"
        fleet = {"code": values.config(version=version)}
        store.publish(fleet, version, f"v{number - 1}", AT_S + number)
    assert store.load("code", "v1").config is None, "looks read the newest two only"
    assert store.endpoint_of("caption") is None

    store.publish(store.archived("v1"), "v1", "v4", AT_S + 5)
    assert store.fleet_pointer() == FleetPointer("v1", ("code",))
    assert store.load("code", "v1").config == first["code"]
    assert store.endpoint_of("caption") == "code"
    assert [one.version for one in store.versions()] == ["v1", "v4", "v3", "v2"]


def test_what_was_never_published_is_not_there(store: Store) -> None:
    assert store.archived("v1") == {}


def test_the_oldest_versions_are_forgotten(store: Store) -> None:
    before = None
    for number in range(VERSIONS_KEPT + 3):
        version = f"v{number:02}"
        store.publish({"code": values.config(version=version)}, version, before, AT_S + number)
        before = version
    kept = [one.version for one in store.versions()]
    assert len(kept) == VERSIONS_KEPT
    assert kept[-1] == "v03"
    assert store.archived("v02") == {}
    assert store.archived("v03")["code"].version == "v03"
