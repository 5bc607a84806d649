"""Versions of the fleet that can be gone back to: `versions` / `<version>`, `version#<version>`.

They are copies in partitions of their own. A look reads all of its endpoint's partition, which
must not grow with the number of versions that somebody might want back.
"""

from collections.abc import Mapping

from icscaler.adapters import codec
from icscaler.adapters.dynamodb.table import TableItems
from icscaler.adapters.publishing import VERSIONS_KEPT, PublishedVersion
from icscaler.entities import EndpointConfig
from icscaler.ports import PortError

_LIST = "versions"


class VersionItems(TableItems):
    """The part of `publishing.FleetPublisher` that concerns earlier versions."""

    def versions(self) -> tuple[PublishedVersion, ...]:
        found = [
            PublishedVersion(
                item["sk"], int(item["at_s"]), int(item["endpoints"]), int(item["models"])
            )
            for item in self._table.query(_LIST)
        ]
        return tuple(sorted(found, key=lambda one: (one.at_s, one.version), reverse=True))

    def archived(self, version: str) -> dict[str, EndpointConfig]:
        found = self._table.query(_archive_key(version))
        try:
            return {item["sk"]: codec.unpack(item["config"], EndpointConfig) for item in found}
        except codec.CodecError as error:
            raise PortError(f"state table: version {version}: {error}") from error

    def _archive(self, configs: Mapping[str, EndpointConfig], version: str) -> None:
        self._table.write_all(
            [
                {"pk": _archive_key(version), "sk": name, "config": codec.pack(config)}
                for name, config in sorted(configs.items())
            ]
        )

    def _note_version(self, configs: Mapping[str, EndpointConfig], version: str, at_s: int) -> None:
        """List the version that is in force now, and forget the oldest beyond those kept."""
        models = sum(len(config.models) for config in configs.values())
        counts = {"endpoints": len(configs), "models": models}
        self._table.write_all([{"pk": _LIST, "sk": version, "at_s": at_s, **counts}])
        kept = [one for one in self.versions() if one.version != version][VERSIONS_KEPT - 1 :]
        for old in kept:
            items = self._table.query(_archive_key(old.version))
            self._table.write_all(deletes=[(item["pk"], item["sk"]) for item in items])
        self._table.write_all(deletes=[(_LIST, old.version) for old in kept])


def _archive_key(version: str) -> str:
    return f"version#{version}"
