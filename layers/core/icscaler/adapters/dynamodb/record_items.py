"""Decision records and the snapshots that explain them; both expire by themselves."""

from collections.abc import Sequence
from typing import TypeVar

from icscaler.adapters import codec
from icscaler.adapters.dynamodb.endpoint_items import CHUNK_BYTES
from icscaler.adapters.dynamodb.table import Item, TableItems
from icscaler.ports import DecisionRecord, LookSnapshot, PortError, Sighting

DAY_S = 86_400
T = TypeVar("T")


class RecordItems(TableItems):
    """The part of `ports.StateStore` that explains."""

    def record(self, records: Sequence[DecisionRecord], snapshot: LookSnapshot | None) -> None:
        """The snapshot first, so that no record points to one that is missing."""
        if snapshot is not None:
            self._table.write_all(self._snapshot_items(snapshot))
        self._table.write_all([self._record_item(record) for record in records])

    def records(
        self, endpoint: str, from_s: int, until_s: int, component: str | None = None
    ) -> tuple[DecisionRecord, ...]:
        """Records of an endpoint with from_s <= at_s < until_s, oldest first."""
        items = self._table.between(f"record#{endpoint}", time_key(from_s), time_key(until_s))
        found = [_decoded(item, "record", DecisionRecord) for item in items]
        return tuple(r for r in found if component is None or r.component == component)

    def snapshot(self, endpoint: str, at_s: int) -> LookSnapshot | None:
        """The snapshot of the look at `at_s`; None when it was never kept or has expired."""
        items = self._table.query(f"snapshot#{endpoint}", time_key(at_s) + "#")
        if not items or len(items) < items[0]["chunks"]:
            return None
        try:
            payload = codec.decompress(b"".join(item["data"] for item in items))
        except codec.CodecError as error:
            raise PortError(f"state table: snapshot {endpoint} at {at_s}: {error}") from error
        first = items[0]
        return LookSnapshot(
            endpoint, at_s, payload, first.get("plan_digest", ""), first.get("core", "")
        )

    def snapshot_before(self, endpoint: str, until_s: int) -> LookSnapshot | None:
        """The newest snapshot of a look before `until_s` that is kept."""
        key = self._table.last_key(f"snapshot#{endpoint}", time_key(until_s))
        return None if key is None else self.snapshot(endpoint, int(key.partition("#")[0]))

    def sighted(self, sightings: Sequence[Sighting]) -> None:
        self._table.write_all([self._sighting_item(each) for each in sightings])

    def sightings(
        self, endpoint: str, from_s: int, until_s: int, component: str | None = None
    ) -> tuple[Sighting, ...]:
        """What others changed with from_s <= at_s < until_s, oldest first."""
        items = self._table.between(f"sighting#{endpoint}", time_key(from_s), time_key(until_s))
        found = [_decoded(item, "sighting", Sighting) for item in items]
        return tuple(one for one in found if component is None or one.component == component)

    def _sighting_item(self, sighting: Sighting) -> Item:
        return {
            "pk": f"sighting#{sighting.endpoint}",
            "sk": f"{time_key(sighting.at_s)}#{sighting.component}",
            "sighting": codec.encode(sighting),
            "expires_at_s": self._expires_at_s(sighting.at_s),
        }

    def _record_item(self, record: DecisionRecord) -> Item:
        return {
            "pk": f"record#{record.endpoint}",
            "sk": f"{time_key(record.at_s)}#{record.component}",
            "record": codec.encode(record),
            "expires_at_s": self._expires_at_s(record.at_s),
        }

    def _snapshot_items(self, snapshot: LookSnapshot) -> list[Item]:
        data = codec.compress(snapshot.payload)
        count = -(-len(data) // CHUNK_BYTES)
        return [
            {
                "pk": f"snapshot#{snapshot.endpoint}",
                "sk": f"{time_key(snapshot.at_s)}#{number:03d}",
                "data": data[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES],
                "chunks": count,
                "plan_digest": snapshot.plan_digest,
                "core": snapshot.core,
                "expires_at_s": self._expires_at_s(snapshot.at_s),
            }
            for number in range(count)
        ]

    def _expires_at_s(self, at_s: int) -> int:
        return at_s + self._record_retention_days * DAY_S


def time_key(at_s: int) -> str:
    """Epoch seconds so that text order is time order."""
    return f"{at_s:010d}"


def _decoded(item: Item, attribute: str, kind: type[T]) -> T:
    try:
        return codec.decode(item[attribute], kind)
    except codec.CodecError as error:
        raise PortError(f"state table: {item['pk']} / {item['sk']}: {error}") from error
