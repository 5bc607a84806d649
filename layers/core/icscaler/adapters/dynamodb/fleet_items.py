"""What concerns the whole fleet: which configuration is in force, switches, limits, summaries.

Publishing writes every configuration under its new version first and flips the pointer last, so a
look sees the old fleet or the new one, never a mixture. The version before stays for looks that
read the pointer just before the flip.
"""

from collections.abc import Iterable, Mapping

from icscaler import overlays
from icscaler.adapters import codec
from icscaler.adapters.dynamodb.endpoint_items import endpoint_key
from icscaler.adapters.dynamodb.overlay_items import ADDED, OVERLAY, point_to, read_overlays
from icscaler.adapters.dynamodb.table import Item
from icscaler.adapters.dynamodb.version_items import VersionItems
from icscaler.adapters.publishing import PublishConflictError
from icscaler.entities import EndpointConfig
from icscaler.ports import Allowance, EndpointSummary, FleetPointer, FleetView, PortError


class FleetItems(VersionItems):
    """The part of `ports.StateStore` that concerns the fleet, and publishing."""

    def fleet_pointer(self) -> FleetPointer | None:
        return _pointer(self._table.get("fleet", "pointer"))

    def fleet(self, at_s: int, *, summaries: bool = False) -> FleetView:
        last = "summary$" if summaries else "pointer"  # "$" follows "#"
        items = {item["sk"]: item for item in self._table.between("fleet", "allowance", last)}
        found = [item for sk, item in items.items() if sk.startswith("summary#")]
        try:
            decoded = tuple(codec.decode(item["summary"], EndpointSummary) for item in found)
        except codec.CodecError as error:
            raise PortError(f"state table: summaries: {error}") from error
        return FleetView(
            _pointer(items.get("pointer")), _allowance(items.get("allowance"), at_s), decoded
        )

    def publish(
        self,
        configs: Mapping[str, EndpointConfig],
        version: str,
        expected_version: str | None,
        at_s: int = 0,
    ) -> None:
        before = self._table.get("fleet", "pointer") or {}
        if before.get("version", "") != (expected_version or ""):
            raise _conflict(expected_version, before)
        self._table.write_all(
            [_config_item(name, version, config) for name, config in sorted(configs.items())]
        )
        self._archive(configs, version)
        self._table.write_all(_owner_items(configs.values()))
        self._point(sorted(configs), version, expected_version)
        self._tidy(configs, version, before)
        self._note_version(configs, version, at_s)

    def _point(self, endpoints: list[str], version: str, expected_version: str | None) -> None:
        values: Item = {":version": version, ":endpoints": endpoints}
        condition = "attribute_not_exists(version)"
        if expected_version:
            condition = "version = :expected"
            values[":expected"] = expected_version
        update = self._table.update(
            "fleet",
            "pointer",
            "SET version = :version, endpoints = :endpoints",
            values,
            condition=condition,
        )
        # When only the reply was lost, the new version stands there already.
        if not update.done and update.item.get("version") != version:
            raise _conflict(expected_version, update.item)

    def _tidy(self, configs: Mapping[str, EndpointConfig], version: str, before: Item) -> None:
        """Remove configurations older than the one before, owners of components that left, and
        overlays that registered what is published now."""
        kept = {version, before.get("version", version)}
        old: list[tuple[str, str]] = []
        left: set[str] = set()
        registered: set[str] = set()
        present = {model for config in configs.values() for model in config.models}
        added = before.get(ADDED, frozenset())
        for endpoint in sorted({*configs, *before.get("endpoints", ()), *added}):
            for item in self._table.query(endpoint_key(endpoint), "config#"):
                left |= set(item["components"]) - present
                if item["sk"].removeprefix("config#") not in kept:
                    old.append((item["pk"], item["sk"]))
            items = self._table.query(endpoint_key(endpoint), OVERLAY)
            laid = list(zip(items, read_overlays(endpoint, items), strict=True))
            taken = [(key, one) for key, one in laid if one.model and one.component in present]
            old.extend((key["pk"], key["sk"]) for key, _ in taken)
            left_laid = [one for key, one in laid if (key, one) not in taken]
            registered.update(one.component for one in left_laid if one.model is not None)
            if endpoint in added and overlays.home(left_laid) is None:
                point_to(self._table, endpoint, there=False)
        owners = [(f"component#{name}", "owner") for name in left - registered]
        self._table.write_all(deletes=old + owners)

    def set_paused(
        self, paused: bool, *, endpoint: str | None = None, model: str | None = None
    ) -> None:
        names = {"paused_endpoints": endpoint, "paused_models": model}
        named = {attribute: name for attribute, name in names.items() if name is not None}
        if not named:
            self._table.update("fleet", "pointer", "SET paused = :paused", {":paused": paused})
        for attribute, name in named.items():
            verb = "ADD" if paused else "DELETE"
            self._table.update("fleet", "pointer", f"{verb} {attribute} :name", {":name": {name}})

    def set_metrics_vanished(self, vanished: bool) -> None:
        self._table.update(
            "fleet", "pointer", "SET metrics_vanished = :vanished", {":vanished": vanished}
        )

    def set_metrics_told(self, at_s: int) -> None:
        self._table.update("fleet", "pointer", "SET metrics_told_s = :at", {":at": at_s})

    def endpoint_of(self, component: str) -> str | None:
        item = self._table.get(f"component#{component}", "owner")
        return str(item["endpoint"]) if item else None

    def grant_allowance(self, allowance: Allowance) -> None:
        self._table.put(
            {
                "pk": "fleet",
                "sk": "allowance",
                "limit": allowance.limit,
                "left": allowance.limit - allowance.used,
                "until_s": allowance.until_s,
                "expires_at_s": allowance.until_s,
            },
            "attribute_not_exists(until_s) OR until_s < :until",
            {":until": allowance.until_s},
        )

    def draw_allowance(self, copies: int, at_s: int) -> bool:
        return self._table.update(
            "fleet",
            "allowance",
            "ADD #left :minus",
            {":minus": -copies, ":copies": copies, ":at": at_s},
            names={"#left": "left"},
            condition="until_s > :at AND #left >= :copies",
        ).done


def _pointer(item: Item | None) -> FleetPointer | None:
    if item is None or not ("version" in item or item.get(ADDED)):
        return None
    published = set(item.get("endpoints", ()))
    added = set(item.get(ADDED, ())) - published
    return FleetPointer(
        version=item.get("version", ""),
        endpoints=tuple(sorted(published | added)),
        paused=item.get("paused", False),
        paused_endpoints=tuple(sorted(item.get("paused_endpoints", ()))),
        paused_models=tuple(sorted(item.get("paused_models", ()))),
        metrics_vanished=item.get("metrics_vanished", False),
        metrics_told_s=int(item.get("metrics_told_s", 0)),
        added=tuple(sorted(added)),
    )


def _allowance(item: Item | None, at_s: int) -> Allowance | None:
    if item is None or item["until_s"] <= at_s:
        return None
    limit = int(item["limit"])
    return Allowance(limit, limit - int(item["left"]), int(item["until_s"]))


def _config_item(endpoint: str, version: str, config: EndpointConfig) -> Item:
    return {
        "pk": endpoint_key(endpoint),
        "sk": f"config#{version}",
        "config": codec.pack(config),
        "components": sorted(config.models),
    }


def _owner_items(configs: Iterable[EndpointConfig]) -> list[Item]:
    owners = {name: config.name for config in configs for name in config.models}
    return [
        {"pk": f"component#{name}", "sk": "owner", "endpoint": endpoint}
        for name, endpoint in sorted(owners.items())
    ]


def _conflict(expected: str | None, found: Item) -> PublishConflictError:
    return PublishConflictError(
        f"state table: version {found.get('version')} is in force, not {expected}; "
        "somebody published in between"
    )
