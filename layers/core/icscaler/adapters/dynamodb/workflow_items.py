"""Records of workflows, and what is left of a component that is gone.

`workflow#<name>` / `<key>`: record (compressed JSON), version. They expire like decision records.
"""

from typing import TypeVar

from icscaler.adapters import codec
from icscaler.adapters.dynamodb.endpoint_items import EndpointItems, endpoint_key
from icscaler.adapters.dynamodb.record_items import DAY_S
from icscaler.adapters.dynamodb.table import Item
from icscaler.ports import Lease, PortError

T = TypeVar("T")


class WorkflowItems(EndpointItems):
    """The part of the store that workflows on single models use."""

    def read_workflow(self, workflow: str, key: str, shape: type[T]) -> tuple[T | None, int]:
        """The record and its version; None and 0 before the first."""
        item = self._table.get(f"workflow#{workflow}", key)
        return (None, 0) if item is None else _unpacked(item, shape)

    def list_workflow(self, workflow: str, shape: type[T]) -> list[tuple[T, int]]:
        """All records of a workflow, each with its version."""
        return [_unpacked(item, shape) for item in self._table.query(f"workflow#{workflow}")]

    def write_workflow(
        self, workflow: str, key: str, record: object, version: int, at_s: int
    ) -> int:
        """Replace the record read at `version`; the new version. Raises `PortError`."""
        item: Item = {
            "pk": f"workflow#{workflow}",
            "sk": key,
            "record": codec.pack(record),
            "version": version + 1,
            "expires_at_s": at_s + self._record_retention_days * DAY_S,
        }
        condition, values = "attribute_not_exists(version)", None
        if version:
            condition, values = "version = :version", {":version": version}
        if self._table.put(item, condition, values):
            return version + 1
        # When only the reply was lost, the new record stands there already.
        found = self._table.get(item["pk"], key) or {}
        if found.get("record") == item["record"] and found.get("version") == version + 1:
            return version + 1
        raise PortError(f"state table: {workflow} {key} was written by somebody else meanwhile")

    def forget_component(self, lease: Lease, component: str) -> None:
        """Remove what was learned of a component that is gone. Raises `LeaseLostError`."""
        item = self.load(lease.endpoint, "")
        known = component in item.state.models or component in item.views
        item.state.models.pop(component, None)
        item.views.pop(component, None)
        if known:
            self.store(lease, item.state_version, item.state, item.views, ())
        wake = (endpoint_key(lease.endpoint), f"wake#{component}")
        self._table.write_all(deletes=[wake, ("workflow#start_up", component)])


def _unpacked(item: Item, shape: type[T]) -> tuple[T, int]:
    try:
        return codec.unpack(item["record"], shape), int(item["version"])
    except codec.CodecError as error:
        raise PortError(f"state table: {item['pk']} {item['sk']}: {error}") from error
