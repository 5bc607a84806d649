"""Overlays in an endpoint's partition: `overlay#<component>#<holder>`, read with the rest of it.

An overlay that registers a component also owns it (`component#<name>` / `owner`), so that wakes
find its endpoint; publishing the component takes both over (`fleet_items`). One that says what its
endpoint is (`home`) adds it to the fleet's pointer; the last one to go takes it out again.
"""

from icscaler import overlays
from icscaler.adapters import codec
from icscaler.adapters.dynamodb.table import Item, Table, TableItems
from icscaler.ports import Overlay, PortError

OVERLAY = "overlay#"
ADDED = "added_endpoints"
# Expired ones are kept for a while: people who look for the reason of a change find it.
OVERLAY_KEPT_S = 86_400


class OverlayItems(TableItems):
    """`ports.OverlayStore`."""

    def put_overlay(self, endpoint: str, overlay: Overlay) -> bool:
        if overlay.model is not None and not self._own(endpoint, overlay):
            return False
        item: Item = {**_key(endpoint, overlay), "overlay": codec.encode(overlay)}
        if overlay.until_s is not None:
            item["expires_at_s"] = overlay.until_s + OVERLAY_KEPT_S
        self._table.write_all([item])
        if overlay.home is not None:
            point_to(self._table, endpoint, there=True)
        return True

    def _own(self, endpoint: str, overlay: Overlay) -> bool:
        """Whether the component is this endpoint's, by the fleet file or by this overlay."""
        done = self._table.update(
            f"component#{overlay.component}",
            "owner",
            "SET endpoint = :endpoint, holder = :holder",
            {":endpoint": endpoint, ":holder": overlay.holder},
            condition="attribute_not_exists(endpoint) OR (endpoint = :endpoint "
            "AND attribute_exists(holder))",
        )
        return done.done or done.item.get("endpoint") == endpoint

    def remove_overlay(self, endpoint: str, component: str, holder: str) -> bool:
        key = f"endpoint#{endpoint}", f"{OVERLAY}{component}#{holder}"
        item = self._table.get(*key)
        if item is None:
            return False
        (overlay,) = read_overlays(endpoint, [item])
        disown(self._table, endpoint, component, holder)
        if overlay.home is None:
            self._table.write_all(deletes=[key])
            return True
        if overlays.home(one for one in self.overlays(endpoint) if one != overlay) is None:
            point_to(self._table, endpoint, there=False)
        self._table.write_all(deletes=[key])
        # Somebody may have registered another component in between.
        if overlays.home(self.overlays(endpoint)) is not None:
            point_to(self._table, endpoint, there=True)
        return True

    def overlays(self, endpoint: str) -> tuple[Overlay, ...]:
        return read_overlays(endpoint, self._table.query(f"endpoint#{endpoint}", OVERLAY))


def point_to(table: Table, endpoint: str, *, there: bool) -> None:
    """Have an endpoint that is in no fleet file managed, or not any more."""
    verb = "ADD" if there else "DELETE"
    table.update("fleet", "pointer", f"{verb} {ADDED} :name", {":name": {endpoint}})


def disown(table: Table, endpoint: str, component: str, holder: str) -> None:
    """Give up what `holder`'s overlay owns; the owner written by a publication stays."""
    table.delete(
        f"component#{component}",
        "owner",
        "endpoint = :endpoint AND holder = :holder",
        {":endpoint": endpoint, ":holder": holder},
    )


def read_overlays(endpoint: str, items: list[Item]) -> tuple[Overlay, ...]:
    """The overlays among the items of a partition, in the order of their keys."""
    found = [item for item in items if item["sk"].startswith(OVERLAY)]
    try:
        return tuple(codec.decode(item["overlay"], Overlay) for item in found)
    except codec.CodecError as error:
        raise PortError(f"state table: overlays of {endpoint}: {error}") from error


def _key(endpoint: str, overlay: Overlay) -> Item:
    return {"pk": f"endpoint#{endpoint}", "sk": f"{OVERLAY}{overlay.component}#{overlay.holder}"}
