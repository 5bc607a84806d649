"""What only the state table on DynamoDB has to get right: chunks, expiry, lost replies, crashes."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from icscaler.adapters.dynamodb import DynamoStateStore
from icscaler.adapters.dynamodb.table import Table
from icscaler.entities import EndpointState, Hold
from icscaler.ports import (
    Allowance,
    Closing,
    FleetPointer,
    Lease,
    LeaseLostError,
    LookSnapshot,
    PortError,
    Wake,
)
from tests.contract.adapters import values
from tests.contract.adapters.conftest import TABLE
from tests.contract.adapters.values import AT_S

DAY_S = 86_400


class Interposed:
    """A client whose write calls go through `around(call, method, arguments)`."""

    WRITES = ("put_item", "update_item", "batch_write_item")

    def __init__(self, client: Any, around: Callable[[str, Any, dict[str, Any]], Any]) -> None:
        self._client, self._around = client, around

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name not in self.WRITES:
            return method
        return lambda **arguments: self._around(name, method, arguments)


def interposed(client: Any, around: Callable[[str, Any, dict[str, Any]], Any]) -> DynamoStateStore:
    return DynamoStateStore(Table(Interposed(client, around), TABLE, pause=lambda seconds: None))


def noisy_state(models: int) -> EndpointState:
    """State that hardly compresses: about 2.4 KB a model."""
    state = values.state(models=models)
    for index, model in enumerate(state.models.values()):
        model.noticed = tuple(str(hash((index, n)) % 10**18) for n in range(300))
    return state


def items(client: Any) -> dict[tuple[str, str], Any]:
    found = client.scan(TableName=TABLE, ConsistentRead=True)["Items"]
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in found}


def lease(store: DynamoStateStore, owner: str = "look-1", at_s: int = AT_S) -> Lease:
    taken = store.acquire_lease("code", owner, at_s, 60)
    assert taken is not None
    return taken


@pytest.fixture
def store(table: Table) -> DynamoStateStore:
    return DynamoStateStore(table, record_retention_days=7)


# ---------------------------------------------------------------- lost replies


def test_every_write_may_be_sent_twice(table_client: Any) -> None:
    """A reply is lost and botocore sends again: the second answer must not read as a refusal."""

    def twice(call: str, method: Any, arguments: dict[str, Any]) -> Any:
        method(**arguments)
        return method(**arguments)

    store = interposed(table_client, twice)
    store.publish({"code": values.config()}, "v1", None)
    store.publish({"code": values.config(version="v2")}, "v2", "v1")
    store.place_hold("code", "block-generation", Hold("rollout-1", AT_S + 900))
    assert store.request_wake(Wake("code", "block-generation", AT_S, "event-1"), 60)
    taken = lease(store)
    assert store.store(taken, 0, values.state(), {}, ["block-generation"]) == 1
    store.finish(taken, values.closing(AT_S + 1.5))
    store.record([values.record()], LookSnapshot("code", AT_S, b"{}"))

    item = store.load("code", "v2")
    assert (item.config, item.state) == (values.config(version="v2"), values.state())
    assert item.outcomes == {"block-generation": values.outcome()}
    assert item.holds["block-generation"].acknowledged_s == AT_S
    assert item.wakes == {"block-generation": AT_S}
    assert store.fleet_pointer() == FleetPointer("v2", ("code",))
    assert store.records("code", AT_S, AT_S + 1) == (values.record(),)
    assert store.acquire_lease("code", "look-2", AT_S, 60) is not None, "it was given back"


def test_finishing_twice_around_a_new_holder_is_no_loss(store: DynamoStateStore) -> None:
    first = lease(store, "look-1")
    store.finish(first, Closing({}, values.summary(), AT_S + 1.0))
    lease(store, "look-2")
    store.finish(first, Closing({}, values.summary(), AT_S + 1.0))
    assert store.acquire_lease("code", "look-3", AT_S, 60) is None, "look-2 still has it"


def test_an_allowance_drawn_twice_errs_on_the_safe_side(table_client: Any) -> None:
    def twice(call: str, method: Any, arguments: dict[str, Any]) -> Any:
        method(**arguments)
        return method(**arguments)

    interposed(table_client, lambda call, method, given: method(**given)).grant_allowance(
        Allowance(2, 0, AT_S + 60)
    )
    store = interposed(table_client, twice)
    assert not store.draw_allowance(2, AT_S)
    assert store.fleet(AT_S).allowance == Allowance(2, 2, AT_S + 60)


# ---------------------------------------------------------------- crashes and stale holders


@pytest.mark.parametrize("writes_before", [0, 1, 2, 3], ids=lambda n: f"after {n} chunks")
def test_a_crash_while_storing_leaves_the_state_before(
    table_client: Any, writes_before: int
) -> None:
    sound = DynamoStateStore(Table(table_client, TABLE))
    first = lease(sound)
    before = noisy_state(200)
    sound.store(first, 0, before, {}, ())
    sound.store(first, 1, before, {}, ())
    done = 0

    def crash(call: str, method: Any, arguments: dict[str, Any]) -> Any:
        nonlocal done
        if done == writes_before:
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        done += 1
        return method(**arguments)

    with pytest.raises(PortError, match="ReadTimeoutError"):
        interposed(table_client, crash).store(first, 2, noisy_state(450), {}, ())
    assert sound.load("code", "v1").state == before

    second = lease(sound, "look-2", AT_S + 61)
    assert sound.store(second, 2, values.state(), {}, ()) == 3
    assert sound.load("code", "v1").state == values.state()


def test_a_stale_holder_cannot_overwrite_chunks_in_force(store: DynamoStateStore) -> None:
    """It stopped between loading and storing, and went on when its successor had stored."""
    stale = lease(store, "look-1")
    fresh = lease(store, "look-2", AT_S + 61)
    store.store(fresh, 0, values.state(AT_S + 61), {}, ())
    with pytest.raises(LeaseLostError):
        store.store(stale, 0, values.state(AT_S), {}, ())
    assert store.load("code", "v1").state == values.state(AT_S + 61)


def test_the_holder_itself_cannot_go_back(store: DynamoStateStore) -> None:
    taken = lease(store)
    for version in range(3):
        store.store(taken, version, values.state(AT_S + version), {}, ())
    with pytest.raises(PortError, match="version 3, not 0"):
        store.store(taken, 0, values.state(), {}, ())
    assert store.load("code", "v1").state == values.state(AT_S + 2)


def test_a_reader_without_the_lease_never_mixes_two_states(table_client: Any) -> None:
    """The state moves on two versions between the pages of the query."""
    store = DynamoStateStore(Table(table_client, TABLE))
    taken = lease(store)
    states = [noisy_state(600), noisy_state(601), noisy_state(602)]
    store.store(taken, 0, states[0], {}, ())
    pages = 0

    class Meddled:
        def __getattr__(self, name: str) -> Any:
            return getattr(table_client, name)

        def query(self, **arguments: Any) -> Any:
            nonlocal pages
            page = table_client.query(**arguments)
            pages += 1
            if pages == 1:
                assert page.get("LastEvaluatedKey"), "the state must need more than a page"
                store.store(taken, 1, states[1], {}, ())
                store.store(taken, 2, states[2], {}, ())
            return page

    item = DynamoStateStore(Table(Meddled(), TABLE)).load("code", "v1")
    assert (item.state, item.state_version) == (states[2], 3)
    assert pages > 2


# ---------------------------------------------------------------- sizes


def test_chunks_stay_far_below_the_item_limit(store: DynamoStateStore, table_client: Any) -> None:
    store.store(lease(store), 0, noisy_state(700), {}, ())
    sizes = {
        sk: len(item["data"]["B"])
        for (pk, sk), item in items(table_client).items()
        if sk.startswith("state#")
    }
    assert len(sizes) >= 3
    assert max(sizes.values()) <= 300_000
    assert set(sizes) == {f"state#1#{number}" for number in range(len(sizes))}


def test_state_beyond_all_chunks_is_refused_by_name(
    store: DynamoStateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("icscaler.adapters.dynamodb.endpoint_items.MAX_CHUNKS", 2)
    taken = lease(store)
    with pytest.raises(PortError, match=r"state of code has \d+ bytes, more than the 600000"):
        store.store(taken, 0, noisy_state(700), {}, ())
    assert store.load("code", "v1").state == EndpointState()


def test_a_configuration_that_fits_no_item_is_refused_before_anything_is_in_force(
    store: DynamoStateStore,
) -> None:
    config = values.config("code", *(f"model-{n}" for n in range(1000)))
    noise = Random(1)
    models = {
        name: replace(model, owner=noise.randbytes(500).hex())
        for name, model in config.models.items()
    }
    with pytest.raises(PortError, match=r"endpoint#code / config#v1 has \d+ bytes"):
        store.publish({"code": replace(config, models=models)}, "v1", None)
    assert store.fleet_pointer() is None


def test_what_dynamodb_leaves_unprocessed_is_sent_again(table_client: Any) -> None:
    calls = 0

    def half(call: str, method: Any, arguments: dict[str, Any]) -> Any:
        nonlocal calls
        if call != "batch_write_item":
            return method(**arguments)
        calls += 1
        requests = arguments["RequestItems"][TABLE]
        taken = requests[: max(1, len(requests) // 2)]
        method(RequestItems={TABLE: taken})
        return {"UnprocessedItems": {TABLE: requests[len(taken) :]}}

    store = interposed(table_client, half)
    records = tuple(values.record(f"model-{n:02d}") for n in range(30))
    store.record(records, None)
    assert store.records("code", AT_S, AT_S + 1) == records
    assert calls > 2


def test_what_is_never_processed_is_an_error(table_client: Any) -> None:
    store = interposed(
        table_client, lambda call, method, given: {"UnprocessedItems": given["RequestItems"]}
    )
    with pytest.raises(PortError, match="1 items were never accepted"):
        store.record([values.record()], None)


def test_a_flood_of_wakes_is_one_write(table_client: Any) -> None:
    writes: list[str] = []

    def count(call: str, method: Any, arguments: dict[str, Any]) -> Any:
        writes.append(call)
        return method(**arguments)

    store = interposed(table_client, count)
    wakes = [Wake("code", "block-generation", AT_S + n % 60, f"event-{n}") for n in range(200)]
    assert [store.request_wake(wake, 60) for wake in wakes].count(True) == 1
    assert writes == ["put_item"]


# ---------------------------------------------------------------- expiry and errors


def test_what_is_for_a_while_says_when_it_expires(
    store: DynamoStateStore, table_client: Any
) -> None:
    store.publish({"code": values.config()}, "v1", None)
    taken = lease(store)
    store.store(taken, 0, values.state(), {}, ())
    store.finish(taken, Closing({}, values.summary(), AT_S))
    store.request_wake(Wake("code", "block-generation", AT_S))
    store.grant_allowance(Allowance(1, 0, AT_S + 60))
    store.record([values.record()], LookSnapshot("code", AT_S, b"{}"))
    expiring = {
        key: int(item["expires_at_s"]["N"]) - AT_S
        for key, item in items(table_client).items()
        if "expires_at_s" in item
    }
    assert expiring == {
        ("fleet", "allowance"): 60,
        ("fleet", "summary#code"): DAY_S,
        ("endpoint#code", "wake#block-generation"): DAY_S,
        ("record#code", f"{AT_S}#block-generation"): 7 * DAY_S,
        ("snapshot#code", f"{AT_S}#000"): 7 * DAY_S,
    }


def test_a_missing_table_is_a_port_error_with_the_call_and_code(table_client: Any) -> None:
    store = DynamoStateStore(Table(table_client, "elsewhere"))
    with pytest.raises(PortError, match="dynamodb GetItem: ResourceNotFoundException"):
        store.fleet_pointer()


def test_a_throttled_write_is_a_port_error(table_client: Any) -> None:
    def throttle(call: str, method: Any, arguments: dict[str, Any]) -> Any:
        error = {"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}
        raise ClientError(error, "UpdateItem")

    with pytest.raises(PortError, match="dynamodb UpdateItem: ThrottlingException: Rate exceeded"):
        interposed(table_client, throttle).acquire_lease("code", "look-1", AT_S, 60)


def test_damaged_state_is_a_port_error_that_names_the_endpoint(
    store: DynamoStateStore, table_client: Any
) -> None:
    store.store(lease(store), 0, values.state(), {}, ())
    table_client.update_item(
        TableName=TABLE,
        Key={"pk": {"S": "endpoint#code"}, "sk": {"S": "state#1#0"}},
        UpdateExpression="SET #data = :data",
        ExpressionAttributeNames={"#data": "data"},
        ExpressionAttributeValues={":data": {"B": b"not compressed"}},
    )
    with pytest.raises(PortError, match="endpoint code: damaged compressed data"):
        store.load("code", "v1")
