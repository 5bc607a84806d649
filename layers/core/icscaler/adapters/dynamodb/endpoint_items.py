"""The partition of one endpoint: lease, learned state, configurations, wakes, holds.

One consistent query of the partition is the start of a look. Learned state is written in chunks to
the slot that is not in force, then the header is flipped to it; so a crash in between leaves the
old state, and nothing ever needs deleting. Each chunk and the header refuse a fencing number lower
than the newest they have seen, so a holder that lost its lease can't touch its successor's state.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from icscaler import overlays
from icscaler.adapters import codec
from icscaler.adapters.dynamodb.overlay_items import OVERLAY, read_overlays
from icscaler.adapters.dynamodb.table import Item, TableItems
from icscaler.entities import (
    ComponentView,
    CopyResources,
    EndpointConfig,
    EndpointState,
    Hold,
    Outcome,
)
from icscaler.ports import (
    Closing,
    EndpointItem,
    EndpointSummary,
    Lease,
    LeaseLostError,
    PortError,
    Wake,
)

CHUNK_BYTES = 300_000
MAX_CHUNKS = 64
WAKE_KEPT_S = 86_400
SUMMARY_KEPT_S = 86_400
READ_ATTEMPTS = 3


@dataclass(slots=True)
class Learned:
    """What is kept in chunks."""

    state: EndpointState
    views: dict[str, ComponentView] = field(default_factory=dict)


class EndpointItems(TableItems):
    """The part of `ports.StateStore` that concerns one endpoint."""

    def acquire_lease(self, endpoint: str, owner: str, at_s: int, ttl_s: int) -> Lease | None:
        """Free, expired or already ours: ours, with the next fencing number."""
        update = self._table.update(
            endpoint_key(endpoint),
            "header",
            "SET lease_owner = :owner, lease_expires_s = :until, "
            "holds = if_not_exists(holds, :none) ADD lease_fencing :one",
            {":owner": owner, ":until": at_s + ttl_s, ":at": at_s, ":none": {}, ":one": 1},
            condition="attribute_not_exists(lease_owner) OR lease_owner = :owner "
            "OR lease_expires_s <= :at",
        )
        if not update.done:
            return None
        return Lease(endpoint, owner, int(update.item["lease_fencing"]), at_s + ttl_s)

    def load(self, endpoint: str, version: str) -> EndpointItem:
        for _ in range(READ_ATTEMPTS):
            items = {item["sk"]: item for item in self._table.query(endpoint_key(endpoint))}
            header = items.get("header", {})
            chunks = _chunks_in_force(header, items)
            # A reader without the lease may catch a writer between two pages: read again.
            if chunks is not None:
                try:
                    config = items.get(f"config#{version}")
                    return _endpoint_item(endpoint, header, config, chunks, items)
                except codec.CodecError as error:
                    raise PortError(f"state table: endpoint {endpoint}: {error}") from error
        raise PortError(f"state table: endpoint {endpoint}: state changes while it is read")

    def store(
        self,
        lease: Lease,
        state_version: int,
        state: EndpointState,
        views: Mapping[str, ComponentView],
        acknowledged: Sequence[str],
        closing: Closing | None = None,
    ) -> int:
        data = codec.pack(Learned(state, dict(views)))
        count = self._write_chunks(lease, state_version + 1, data)
        flip = _Flip(lease, state_version, count, state.last_look_s or 0, closing)
        self._flip(flip, acknowledged)
        if closing is not None:
            self._summarize(closing.summary)
        return state_version + 1

    def _write_chunks(self, lease: Lease, version: int, data: bytes) -> int:
        count = -(-len(data) // CHUNK_BYTES)
        if count > MAX_CHUNKS:
            raise PortError(
                f"state table: state of {lease.endpoint} has {len(data)} bytes, "
                f"more than the {MAX_CHUNKS * CHUNK_BYTES} that fit"
            )
        for number in range(count):
            item = {
                "pk": endpoint_key(lease.endpoint),
                "sk": chunk_key(version, number),
                "data": data[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES],
                "fencing": lease.fencing,
                "version": version,
            }
            # The version too: a holder with an old version must not overwrite chunks in force.
            condition = (
                "attribute_not_exists(fencing) OR (fencing <= :fencing AND version <= :version)"
            )
            values = {":fencing": lease.fencing, ":version": version}
            if not self._table.put(item, condition, values):
                header = self._table.get(endpoint_key(lease.endpoint), "header") or {}
                raise _refused(lease, version - 1, header)
        return count

    def _flip(self, flip: "_Flip", acknowledged: Sequence[str]) -> None:
        """Put the chunks just written in force, and with them the holds the look respected."""
        lease, state_version = flip.lease, flip.state_version
        sets = ["chunks = :chunks", "state_version = :next"]
        conditions = ["lease_fencing = :fencing"]
        values: dict[str, Any] = {
            ":chunks": flip.chunks,
            ":next": state_version + 1,
            ":fencing": lease.fencing,
        }
        if flip.closing is not None:
            sets.extend(_CLOSING_SETS)
            values |= _closing_values(lease, flip.closing)
        if state_version:
            conditions.append("state_version = :now")
            values[":now"] = state_version
        else:
            conditions.append("attribute_not_exists(state_version)")
        names = {}
        for number, component in enumerate(acknowledged):
            names[f"#h{number}"] = component
            sets.append(f"holds.#h{number}.acknowledged_s = :acknowledged")
            conditions.append(f"attribute_exists(holds.#h{number})")
            values[":acknowledged"] = flip.at_s
        update = self._table.update(
            endpoint_key(lease.endpoint),
            "header",
            "SET " + ", ".join(sets) + (_GIVE_BACK if flip.closing is not None else ""),
            values,
            names=names,
            condition=" AND ".join(conditions),
        )
        if update.done:
            return
        found = update.item
        ours = found.get("lease_fencing") == lease.fencing
        if ours and found.get("state_version") == state_version + 1:
            return  # done before; only the reply was lost
        if not ours or found.get("state_version", 0) != state_version:
            raise _refused(lease, state_version, found)
        # A hold was given up since the header was read; the rest still stands.
        left = [name for name in acknowledged if name in found.get("holds", {})]
        if len(left) == len(acknowledged):
            raise PortError(f"state table: header of {lease.endpoint} refuses the new state")
        self._flip(flip, left)

    def finish(self, lease: Lease, closing: Closing) -> None:
        update = self._table.update(
            endpoint_key(lease.endpoint),
            "header",
            "SET " + ", ".join(_CLOSING_SETS) + _GIVE_BACK,
            _closing_values(lease, closing),
            condition="lease_fencing = :fencing",
        )
        # When only the reply was lost, the next holder may have come already.
        if not update.done and update.item.get("finished_fencing") != lease.fencing:
            raise _lost(lease)
        self._summarize(closing.summary)

    def _summarize(self, summary: EndpointSummary) -> None:
        self._table.put(
            {
                "pk": "fleet",
                "sk": f"summary#{summary.endpoint}",
                "at_s": summary.at_s,
                "summary": codec.encode(summary),
                "expires_at_s": summary.at_s + SUMMARY_KEPT_S,
            },
            "attribute_not_exists(at_s) OR at_s <= :at",
            {":at": summary.at_s},
        )

    def release(self, lease: Lease) -> None:
        self._table.update(
            endpoint_key(lease.endpoint),
            "header",
            "REMOVE lease_owner, lease_expires_s",
            {":fencing": lease.fencing},
            condition="lease_fencing = :fencing",
        )

    def request_wake(self, wake: Wake, every_s: int = 1) -> bool:
        """Read before it is written: DynamoDB charges a refused write like one that is done."""
        pk, sk = endpoint_key(wake.endpoint), f"wake#{wake.component}"
        item = {"at_s": wake.at_s, "token": wake.token, "expires_at_s": wake.at_s + WAKE_KEPT_S}
        latest_s = wake.at_s - every_s
        noted = self._table.get(pk, sk)
        if noted is None or noted["at_s"] <= latest_s:
            condition = "attribute_not_exists(at_s) OR at_s <= :latest"
            if self._table.put({"pk": pk, "sk": sk, **item}, condition, {":latest": latest_s}):
                return True
            # Somebody was faster; or it was this very call, and only the reply was lost.
            noted = self._table.get(pk, sk) or {}
        return {"pk": pk, "sk": sk, **item} == noted

    def configuration(self, endpoint: str, version: str) -> EndpointConfig | None:
        item = self._table.get(endpoint_key(endpoint), f"config#{version}")
        if item is None:
            laid = self._table.query(endpoint_key(endpoint), OVERLAY)
            return overlays.home(read_overlays(endpoint, laid))
        try:
            return codec.unpack(item["config"], EndpointConfig)
        except codec.CodecError as error:
            raise PortError(f"state table: endpoint {endpoint}: {error}") from error

    def hold(self, lease: Lease, component: str, hold: Hold, at_s: int) -> bool:
        """Claim a component as the lease's holder: in force at once.

        No look is under way, and the next one reads the hold. False while another holder has it;
        raises `LeaseLostError`.
        """
        update = self._table.update(
            endpoint_key(lease.endpoint),
            "header",
            "SET holds.#component = :hold",
            {
                ":hold": _hold_map(replace(hold, acknowledged_s=at_s)),
                ":holder": hold.holder,
                ":at": at_s,
                ":fencing": lease.fencing,
            },
            names={"#component": component},
            condition="lease_fencing = :fencing AND (attribute_not_exists(holds.#component) "
            "OR holds.#component.holder = :holder OR holds.#component.until_s <= :at)",
        )
        if not update.done and update.item.get("lease_fencing") != lease.fencing:
            raise _lost(lease)
        return update.done

    def place_hold(self, endpoint: str, component: str, hold: Hold) -> bool:
        """Claim a component for a workflow; False while another holder has it.

        In force only once the next look has acknowledged it (`acknowledged_s`).
        """
        pk = endpoint_key(endpoint)
        self._table.update(pk, "header", "SET holds = if_not_exists(holds, :none)", {":none": {}})
        return self._table.update(
            pk,
            "header",
            "SET holds.#component = :hold",
            {":hold": _hold_map(hold), ":holder": hold.holder},
            names={"#component": component},
            condition="attribute_not_exists(holds.#component) OR holds.#component.holder = :holder",
        ).done

    def remove_hold(self, endpoint: str, component: str, holder: str) -> bool:
        """Give a hold back; False when `holder` does not have it."""
        return self._table.update(
            endpoint_key(endpoint),
            "header",
            "REMOVE holds.#component",
            {":holder": holder},
            names={"#component": component},
            condition="holds.#component.holder = :holder",
        ).done


@dataclass(frozen=True, slots=True)
class _Flip:
    """What the header is flipped to, and whether the look is finished with it."""

    lease: Lease
    state_version: int
    chunks: int
    at_s: int
    closing: Closing | None


_CLOSING_SETS = (
    "outcomes = :outcomes",
    "last_look_received_s = :received",
    "finished_fencing = :fencing",
)
_GIVE_BACK = " REMOVE lease_owner, lease_expires_s"


def _closing_values(lease: Lease, closing: Closing) -> dict[str, Any]:
    return {
        ":outcomes": codec.pack(dict(closing.outcomes)),
        ":received": closing.received_s,
        ":fencing": lease.fencing,
    }


def endpoint_key(endpoint: str) -> str:
    """Partition key of an endpoint."""
    return f"endpoint#{endpoint}"


def chunk_key(version: int, number: int) -> str:
    """Sort key of a chunk; even and odd versions take turns in two slots."""
    return f"state#{version % 2}#{number}"


def _lost(lease: Lease) -> LeaseLostError:
    return LeaseLostError(f"state table: the lease on {lease.endpoint} was taken over")


def _refused(lease: Lease, state_version: int, header: Item) -> PortError:
    """Why the state of `lease.endpoint` can't be replaced, told by its header."""
    if header.get("lease_fencing") != lease.fencing:
        return _lost(lease)
    found = header.get("state_version", 0)
    return PortError(f"state table: {lease.endpoint} is at version {found}, not {state_version}")


def _chunks_in_force(header: Item, items: Mapping[str, Item]) -> list[Item] | None:
    """None when the chunks are not those the header speaks of."""
    found = []
    for number in range(int(header.get("chunks", 0))):
        chunk = items.get(chunk_key(header["state_version"], number))
        if chunk is None or chunk["version"] != header["state_version"]:
            return None
        found.append(chunk)
    return found


def _endpoint_item(
    endpoint: str,
    header: Item,
    config: Item | None,
    chunks: Sequence[Item],
    items: Mapping[str, Item],
) -> EndpointItem:
    data = b"".join(chunk["data"] for chunk in chunks)
    learned = codec.unpack(data, Learned) if data else Learned(EndpointState())
    outcomes = header.get("outcomes")
    laid = read_overlays(endpoint, list(items.values()))
    return EndpointItem(
        config=codec.unpack(config["config"], EndpointConfig) if config else overlays.home(laid),
        state=learned.state,
        state_version=int(header.get("state_version", 0)),
        views=learned.views,
        wakes={
            sk.removeprefix("wake#"): int(item["at_s"])
            for sk, item in items.items()
            if sk.startswith("wake#")
        },
        holds={name: _hold(values) for name, values in sorted(header.get("holds", {}).items())},
        outcomes=codec.unpack(outcomes, dict[str, Outcome]) if outcomes else {},
        last_look_received_s=float(header.get("last_look_received_s", 0)),
        overlays=laid,
    )


def _hold_map(hold: Hold) -> Item:
    values: Item = {
        "holder": hold.holder,
        "until_s": hold.until_s,
        "reserved_copies": hold.reserved_copies,
    }
    if hold.acknowledged_s is not None:
        values["acknowledged_s"] = hold.acknowledged_s
    if hold.reserved_resources is not None:
        values["reserved_resources"] = codec.encode(hold.reserved_resources)
    if hold.scalable:
        values["scalable"] = True
    return values


def _hold(values: Mapping[str, Any]) -> Hold:
    resources = values.get("reserved_resources")
    return Hold(
        holder=values["holder"],
        until_s=int(values["until_s"]),
        acknowledged_s=values.get("acknowledged_s"),
        reserved_copies=int(values.get("reserved_copies", 0)),
        reserved_resources=codec.decode(resources, CopyResources) if resources else None,
        scalable=bool(values.get("scalable", False)),
    )
