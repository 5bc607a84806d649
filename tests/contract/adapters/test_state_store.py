"""`ports.StateStore`: what every implementation promises."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from threading import Barrier
from typing import Any

import pytest

from icscaler.adapters.publishing import PublishConflictError
from icscaler.entities import EndpointState, Hold
from icscaler.ports import (
    Allowance,
    Closing,
    EndpointItem,
    FleetPointer,
    Lease,
    LeaseLostError,
    LookSnapshot,
    PortError,
    Sighting,
    Wake,
)
from tests.contract.adapters import values
from tests.contract.adapters.values import AT_S

Store = Any  # both implementations have more than ports.StateStore: publishing, holds, records


def leased(store: Store, owner: str = "look-1", at_s: int = AT_S) -> Lease:
    lease = store.acquire_lease("code", owner, at_s, 60)
    assert lease is not None
    return lease


# ---------------------------------------------------------------- lease


def test_a_lease_keeps_others_out_until_it_expires(store: Store) -> None:
    first = leased(store, "look-1")
    assert store.acquire_lease("code", "look-2", AT_S + 59, 60) is None
    second = store.acquire_lease("code", "look-2", AT_S + 60, 60)
    assert second == Lease("code", "look-2", first.fencing + 1, AT_S + 120)


def test_the_same_owner_gets_its_lease_again_with_a_higher_fencing_number(store: Store) -> None:
    first, second = leased(store, "look-1"), leased(store, "look-1", AT_S + 5)
    assert second.fencing > first.fencing
    assert second.expires_at_s == AT_S + 65


def test_leases_of_endpoints_are_apart(store: Store) -> None:
    leased(store)
    assert store.acquire_lease("images", "look-2", AT_S, 60) is not None


def test_a_released_lease_is_free_at_once(store: Store) -> None:
    store.release(leased(store, "look-1"))
    assert store.acquire_lease("code", "look-2", AT_S, 60) is not None


def test_releasing_a_lost_lease_leaves_the_new_holder_alone(store: Store) -> None:
    lost = leased(store, "look-1")
    leased(store, "look-2", AT_S + 61)
    store.release(lost)
    assert store.acquire_lease("code", "look-3", AT_S + 62, 60) is None


def test_of_sixteen_racers_one_wins(store: Store) -> None:
    barrier = Barrier(16)

    def race(number: int) -> Lease | None:
        barrier.wait()
        return store.acquire_lease("code", f"look-{number}", AT_S, 60)

    with ThreadPoolExecutor(16) as pool:
        leases = [lease for lease in pool.map(race, range(16)) if lease is not None]
    assert len(leases) == 1


# ---------------------------------------------------------------- state


def test_an_endpoint_nobody_looked_at_is_empty(store: Store) -> None:
    assert store.load("code", "v1") == EndpointItem(None, EndpointState(), 0)


def test_what_was_stored_is_loaded(store: Store) -> None:
    store.publish({"code": values.config()}, "v1", None)
    lease = leased(store)
    views = {"block-generation": values.view()}
    assert store.store(lease, 0, values.state(), views, ()) == 1
    store.finish(lease, values.closing(AT_S + 0.125))

    assert store.load("code", "v1") == EndpointItem(
        config=values.config(),
        state=values.state(),
        state_version=1,
        views=views,
        outcomes={"block-generation": values.outcome()},
        last_look_received_s=AT_S + 0.125,
    )


def test_what_was_stored_is_no_longer_the_callers_object(store: Store) -> None:
    state = values.state()
    store.store(leased(store), 0, state, {}, ())
    state.models["model-0"].observed_current = 99
    assert store.load("code", "v1").state == values.state()


def test_versions_count_up_and_a_stale_one_is_refused(store: Store) -> None:
    lease = leased(store)
    for version in range(5):
        state = values.state(AT_S + version)
        assert store.store(lease, version, state, {}, ()) == version + 1
        item = store.load("code", "v1")
        assert (item.state, item.state_version) == (state, version + 1)
    with pytest.raises(PortError, match="version 5, not 2"):
        store.store(lease, 2, values.state(AT_S), {}, ())
    assert store.load("code", "v1").state == values.state(AT_S + 4)


def test_who_lost_the_lease_can_neither_store_nor_finish(store: Store) -> None:
    lost = leased(store, "look-1")
    store.store(lost, 0, values.state(AT_S), {}, ())
    leased(store, "look-2", AT_S + 61)
    before = store.load("code", "v1")

    with pytest.raises(LeaseLostError):
        store.store(lost, 1, values.state(AT_S + 1), {}, ())
    with pytest.raises(LeaseLostError):
        store.finish(lost, values.closing(AT_S + 5.0))
    assert store.load("code", "v1") == before
    assert store.fleet(AT_S, summaries=True).summaries == ()


def test_a_late_holder_may_finish_while_nobody_took_over(store: Store) -> None:
    lease = leased(store)
    store.store(lease, 0, values.state(), {}, ())
    store.finish(lease, Closing({}, values.summary(), AT_S + 500.0))
    assert store.load("code", "v1").last_look_received_s == AT_S + 500.0
    assert store.acquire_lease("code", "look-2", AT_S, 60) is not None


def test_two_megabytes_of_state_come_back(store: Store) -> None:
    lease = leased(store)
    state = values.state(models=300)
    for index, model in enumerate(state.models.values()):
        # Noise that does not compress away.
        model.noticed = tuple(str(hash((index, n)) % 10**18) for n in range(300))
    assert store.store(lease, 0, state, {}, ()) == 1
    assert store.load("code", "v1").state == state
    small = values.state()
    assert store.store(lease, 1, small, {}, ()) == 2
    assert store.load("code", "v1").state == small
    assert store.store(lease, 2, small, {}, ()) == 3
    assert store.load("code", "v1").state == small


# ---------------------------------------------------------------- wakes and holds


def test_the_newest_wake_counts(store: Store) -> None:
    for at_s in (AT_S, AT_S + 20, AT_S + 10):
        store.request_wake(Wake("code", "block-generation", at_s))
    store.request_wake(Wake("code", "flow-generation", AT_S - 5))
    assert store.load("code", "v1").wakes == {
        "block-generation": AT_S + 20,
        "flow-generation": AT_S - 5,
    }


@pytest.mark.parametrize(
    ("after_s", "noted"),
    [(-100, False), (0, False), (1, False), (59, False), (60, True), (3600, True)],
)
def test_a_wake_takes_effect_only_every_so_often(store: Store, after_s: int, noted: bool) -> None:
    assert store.request_wake(Wake("code", "block-generation", AT_S, "first"), 60)
    second = Wake("code", "block-generation", AT_S + after_s, "second")
    assert store.request_wake(second, 60) is noted
    wakes = store.load("code", "v1").wakes
    assert wakes == {"block-generation": AT_S + (after_s if noted else 0)}


def test_the_newest_wake_repeated_is_the_same_wake(store: Store) -> None:
    wake = Wake("code", "block-generation", AT_S, "event-1")
    assert store.request_wake(wake, 60)
    assert store.request_wake(wake, 60)
    assert not store.request_wake(replace(wake, token="event-2"), 60)


def test_wakes_of_one_component_at_once_let_one_through(store: Store) -> None:
    barrier = Barrier(8)

    def ask(number: int) -> bool:
        barrier.wait()
        wake = Wake("code", "block-generation", AT_S, f"event-{number}")
        return bool(store.request_wake(wake, 60))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(ask, range(8))) == 1


def test_a_configuration_alone(store: Store) -> None:
    store.publish({"code": values.config()}, "v1", None)
    assert store.configuration("code", "v1") == values.config()
    assert store.configuration("code", "v2") is None
    assert store.configuration("images", "v1") is None


def test_a_hold_is_acknowledged_by_the_look_that_respects_it(store: Store) -> None:
    hold = Hold("rollout-1", AT_S + 900, reserved_copies=2)
    assert store.place_hold("code", "block-generation", hold)
    assert store.load("code", "v1").holds == {"block-generation": hold}
    store.store(leased(store), 0, values.state(AT_S + 7), {}, ["block-generation"])
    assert store.load("code", "v1").holds == {
        "block-generation": replace(hold, acknowledged_s=AT_S + 7)
    }


def test_a_hold_belongs_to_one_holder(store: Store) -> None:
    assert store.place_hold("code", "block-generation", Hold("rollout-1", AT_S + 900))
    assert not store.place_hold("code", "block-generation", Hold("rollout-2", AT_S + 900))
    assert store.place_hold("code", "block-generation", Hold("rollout-1", AT_S + 1800))
    assert not store.remove_hold("code", "block-generation", "rollout-2")
    assert store.remove_hold("code", "block-generation", "rollout-1")
    assert not store.remove_hold("code", "block-generation", "rollout-1")
    assert store.load("code", "v1").holds == {}


def test_a_hold_given_up_meanwhile_does_not_stop_the_state(store: Store) -> None:
    store.place_hold("code", "flow-generation", Hold("rollout-1", AT_S + 900))
    acknowledged = ["block-generation", "flow-generation"]
    assert store.store(leased(store), 0, values.state(), {}, acknowledged) == 1
    assert store.load("code", "v1").holds == {
        "flow-generation": Hold("rollout-1", AT_S + 900, acknowledged_s=AT_S)
    }


# ---------------------------------------------------------------- fleet


def test_before_the_first_publication_there_is_no_fleet(store: Store) -> None:
    store.set_metrics_vanished(True)
    store.set_paused(True)
    assert store.fleet_pointer() is None
    assert store.endpoint_of("block-generation") is None
    assert store.fleet(AT_S, summaries=True).summaries == ()


def test_publishing_puts_all_endpoints_in_force_at_once(store: Store) -> None:
    first = {
        "code": values.config("code", "block-generation", "flow-generation"),
        "images": values.config("images", "caption"),
    }
    store.publish(first, "v1", None)
    assert store.fleet_pointer() == FleetPointer("v1", ("code", "images"))
    assert store.load("code", "v1").config == first["code"]
    assert store.endpoint_of("caption") == "images"

    second = {"code": values.config("code", "block-generation", "caption", version="v2")}
    store.publish(second, "v2", "v1")
    assert store.fleet_pointer() == FleetPointer("v2", ("code",))
    assert store.load("code", "v2").config == second["code"]
    assert store.load("code", "v1").config == first["code"], "looks under way still need it"
    assert store.endpoint_of("caption") == "code"
    assert store.endpoint_of("flow-generation") is None


def test_the_version_before_stays_and_older_ones_go(store: Store) -> None:
    versions = [None, "v1", "v2", "v3"]
    for before, version in pairwise(versions):
        store.publish({"code": values.config(version=str(version))}, str(version), before)
    found = {version for version in ("v1", "v2", "v3") if store.load("code", version).config}
    assert found == {"v2", "v3"}


def test_state_survives_publishing_and_leaving_the_fleet(store: Store) -> None:
    store.publish({"code": values.config()}, "v1", None)
    store.store(leased(store), 0, values.state(), {}, ())
    store.publish({"images": values.config("images", "caption", version="v2")}, "v2", "v1")
    store.publish({"code": values.config(version="v3")}, "v3", "v2")
    assert store.load("code", "v3").state == values.state()


@pytest.mark.parametrize("expected", [None, "v0"], ids=["thought it was the first", "older"])
def test_of_two_publications_the_second_is_told(store: Store, expected: str | None) -> None:
    store.publish({"code": values.config()}, "v1", None)
    with pytest.raises(PublishConflictError, match="v1"):
        store.publish({"code": values.config(version="v2")}, "v2", expected)
    assert store.fleet_pointer() == FleetPointer("v1", ("code",))


def test_publishing_the_same_version_again_changes_nothing(store: Store) -> None:
    for expected in (None, "v1"):
        store.publish({"code": values.config()}, "v1", expected)
    assert store.fleet_pointer() == FleetPointer("v1", ("code",))
    assert store.load("code", "v1").config == values.config()
    assert store.endpoint_of("block-generation") == "code"


def test_pauses_are_apart_and_outlive_publications(store: Store) -> None:
    store.set_paused(True)
    store.set_paused(True, endpoint="code")
    store.set_paused(True, endpoint="images")
    store.set_paused(True, model="block-generation")
    store.set_metrics_vanished(True)
    store.set_metrics_told(AT_S)
    store.publish({"code": values.config()}, "v1", None)
    assert store.fleet_pointer() == FleetPointer(
        "v1", ("code",), True, ("code", "images"), ("block-generation",), True, (), AT_S
    )
    store.set_paused(False)
    store.set_paused(False, endpoint="images")
    store.set_paused(False, endpoint="never-paused")
    store.set_paused(False, model="block-generation")
    store.set_metrics_vanished(False)
    assert store.fleet_pointer() == FleetPointer(
        "v1", ("code",), paused_endpoints=("code",), metrics_told_s=AT_S
    )


def test_the_newest_summary_of_each_endpoint_counts(store: Store) -> None:
    for endpoint in ("code", "images"):
        lease = store.acquire_lease(endpoint, "look-1", AT_S, 60)
        store.finish(lease, Closing({}, values.summary(endpoint, AT_S + 60, copies=5), AT_S))
    late = store.acquire_lease("code", "look-2", AT_S, 60)
    store.finish(late, Closing({}, values.summary("code", AT_S, copies=1), AT_S))
    assert store.fleet(AT_S, summaries=True).summaries == (
        values.summary("code", AT_S + 60, copies=5),
        values.summary("images", AT_S + 60, copies=5),
    )


# ---------------------------------------------------------------- allowance


def test_without_an_allowance_nothing_can_be_drawn(store: Store) -> None:
    assert store.fleet(AT_S).allowance is None
    assert not store.draw_allowance(1, AT_S)
    store.grant_allowance(Allowance(3, 0, AT_S))
    assert store.fleet(AT_S).allowance is None, "it ended just now"
    assert not store.draw_allowance(1, AT_S)


def test_an_allowance_is_used_up(store: Store) -> None:
    store.grant_allowance(Allowance(5, 0, AT_S + 60))
    assert store.draw_allowance(3, AT_S)
    assert not store.draw_allowance(3, AT_S), "all or nothing"
    assert store.draw_allowance(2, AT_S)
    assert not store.draw_allowance(1, AT_S)
    assert store.fleet(AT_S).allowance == Allowance(5, 5, AT_S + 60)


def test_a_repeated_tick_gives_nothing_back(store: Store) -> None:
    store.grant_allowance(Allowance(5, 0, AT_S + 60))
    store.draw_allowance(4, AT_S)
    store.grant_allowance(Allowance(5, 0, AT_S + 60))
    store.grant_allowance(Allowance(5, 0, AT_S + 30))
    assert store.fleet(AT_S).allowance == Allowance(5, 4, AT_S + 60)
    store.grant_allowance(Allowance(7, 0, AT_S + 120))
    assert store.fleet(AT_S).allowance == Allowance(7, 0, AT_S + 120)


def test_sixteen_looks_draw_no_more_than_there_is(store: Store) -> None:
    store.grant_allowance(Allowance(10, 0, AT_S + 60))
    with ThreadPoolExecutor(16) as pool:
        drawn = list(pool.map(lambda _: store.draw_allowance(2, AT_S), range(16)))
    assert drawn.count(True) == 5


# ---------------------------------------------------------------- records


def test_records_of_a_time_and_component(store: Store) -> None:
    first, second = values.record(at_s=AT_S), values.record(at_s=AT_S + 60)
    other = values.record("flow-generation", at_s=AT_S)
    store.record([first, other], None)
    store.record([second, values.record("caption", endpoint="images")], None)
    assert store.records("code", AT_S, AT_S + 61) == (first, other, second)
    assert store.records("code", AT_S, AT_S + 60) == (first, other)
    assert store.records("code", AT_S, AT_S + 61, "flow-generation") == (other,)
    assert store.records("code", AT_S + 61, AT_S + 999) == ()


def test_the_outcome_completes_the_intended_record(store: Store) -> None:
    store.record([replace(values.record(), outcome="Intended")], None)
    store.record([values.record()], None)
    assert store.records("code", 0, AT_S + 1) == (values.record(),)


@pytest.mark.parametrize(
    "payload", [b"{}", bytes(n * n % 251 for n in range(900_000))], ids=["small", "large"]
)
def test_a_snapshot_comes_back_byte_for_byte(store: Store, payload: bytes) -> None:
    store.record([values.record()], LookSnapshot("code", AT_S, payload))
    store.record([], LookSnapshot("code", AT_S + 60, b"[]"))
    assert store.snapshot("code", AT_S) == LookSnapshot("code", AT_S, payload)
    assert store.snapshot("code", AT_S + 1) is None
    assert store.snapshot("images", AT_S) is None


def test_a_snapshot_names_its_plan_and_the_code_that_made_it(store: Store) -> None:
    kept = LookSnapshot("code", AT_S, b"{}", plan_digest="d1", core="c1")
    store.record([], kept)
    assert store.snapshot("code", AT_S) == kept


def test_the_newest_snapshot_before_a_time(store: Store) -> None:
    for at_s in (AT_S, AT_S + 60):
        store.record([], LookSnapshot("code", at_s, b"{}"))
    found = [store.snapshot_before("code", AT_S + after) for after in (0, 1, 60, 61, 9999)]
    assert [one and one.at_s for one in found] == [None, AT_S, AT_S, AT_S + 60, AT_S + 60]
    assert store.snapshot_before("images", AT_S + 61) is None


def test_what_others_changed_is_kept_by_time_and_component(store: Store) -> None:
    first = Sighting("code", "block-generation", AT_S, None, 2, "first seen")
    second = Sighting("code", "block-generation", AT_S + 60, 2, 3, "somebody else")
    store.sighted([first, Sighting("code", "caption", AT_S, None, 0, "first seen")])
    store.sighted([second])
    assert len(store.sightings("code", AT_S, AT_S + 61)) == 3
    assert store.sightings("code", AT_S, AT_S + 61, "block-generation") == (first, second)
    assert store.sightings("code", AT_S, AT_S + 60, "block-generation") == (first,)
    assert store.sightings("images", 0, AT_S + 61) == ()


def test_a_quiet_look_is_stored_and_finished_in_one_write(store: Store) -> None:
    lease = leased(store)
    closing = values.closing(AT_S + 0.5)
    assert store.store(lease, 0, values.state(), {}, (), closing) == 1
    item = store.load("code", "v1")
    assert item.state == values.state()
    assert item.outcomes == {"block-generation": values.outcome()}
    assert item.last_look_received_s == AT_S + 0.5
    assert store.fleet(AT_S, summaries=True).summaries == (values.summary(),)
    assert store.acquire_lease("code", "somebody-else", AT_S, 60) is not None
    with pytest.raises(LeaseLostError):
        store.store(lease, 1, values.state(), {}, (), closing)
