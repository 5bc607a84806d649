"""`ports.StateStore` in memory: for tests, simulations and trying things out.

Values are kept as the bytes the state table would keep, so nothing is shared with the caller and
whatever does not survive storage shows here too. One lock makes every method atomic.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import RLock

from icscaler import overlays
from icscaler.adapters import codec
from icscaler.adapters.publishing import (
    VERSIONS_KEPT,
    PublishConflictError,
    PublishedVersion,
)
from icscaler.entities import (
    ComponentView,
    EndpointConfig,
    EndpointState,
    Hold,
    Outcome,
)
from icscaler.ports import (
    Allowance,
    Closing,
    DecisionRecord,
    EndpointItem,
    EndpointSummary,
    FleetPointer,
    FleetView,
    Lease,
    LeaseLostError,
    LookSnapshot,
    Overlay,
    PortError,
    Sighting,
    Wake,
)


@dataclass(slots=True)
class _Endpoint:
    owner: str | None = None
    expires_at_s: int = 0
    fencing: int = 0
    version: int = 0
    state: bytes = b""
    views: bytes = b""
    outcomes: bytes = b""
    received_s: float = 0.0
    holds: dict[str, Hold] = field(default_factory=dict)
    wakes: dict[str, Wake] = field(default_factory=dict)
    configs: dict[str, bytes] = field(default_factory=dict)
    overlays: dict[tuple[str, str], bytes] = field(default_factory=dict)


class MemoryStateStore:
    """The same promises as the state table; nothing expires."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._endpoints: dict[str, _Endpoint] = {}
        self._versions: dict[str, tuple[PublishedVersion, dict[str, bytes]]] = {}
        self._owners: dict[str, str] = {}
        self._registered: dict[str, tuple[str, str]] = {}
        self._version: str | None = None
        self._names: tuple[str, ...] = ()
        self._paused = False
        self._paused_endpoints: set[str] = set()
        self._paused_models: set[str] = set()
        self._metrics_vanished = False
        self._metrics_told_s = 0
        self._allowance: Allowance | None = None
        self._summaries: dict[str, EndpointSummary] = {}
        self._records: dict[tuple[str, int, str], bytes] = {}
        self._snapshots: dict[tuple[str, int], LookSnapshot] = {}
        self._sightings: dict[tuple[str, int, str], Sighting] = {}

    # ------------------------------------------------------------ fleet

    def fleet_pointer(self) -> FleetPointer | None:
        with self._lock:
            laid = (name for name, kept in self._endpoints.items() if kept.overlays)
            homes = {name for name in laid if overlays.home(self.overlays(name)) is not None}
            added = tuple(sorted(homes - set(self._names)))
            if self._version is None and not added:
                return None
            return FleetPointer(
                self._version or "",
                tuple(sorted({*self._names, *added})),
                self._paused,
                tuple(sorted(self._paused_endpoints)),
                tuple(sorted(self._paused_models)),
                self._metrics_vanished,
                added,
                self._metrics_told_s,
            )

    def publish(
        self,
        configs: Mapping[str, EndpointConfig],
        version: str,
        expected_version: str | None,
        at_s: int = 0,
    ) -> None:
        packed = {name: codec.encode(config) for name, config in configs.items()}
        with self._lock:
            if (self._version or "") != (expected_version or ""):
                raise PublishConflictError(
                    f"version {self._version} is in force, not {expected_version}"
                )
            kept = {version, expected_version}
            for name in {*self._names, *configs}:
                stored = self._endpoint(name).configs
                if name in packed:
                    stored[version] = packed[name]
                for old in set(stored) - kept:
                    del stored[old]
            self._owners = {
                model: config.name for config in configs.values() for model in config.models
            }
            for name in self._endpoints:
                for overlay in self.overlays(name):
                    if overlay.model is not None and overlay.component in self._owners:
                        del self._endpoint(name).overlays[overlay.component, overlay.holder]
            self._version, self._names = version, tuple(sorted(configs))
            models = sum(len(config.models) for config in configs.values())
            self._versions[version] = PublishedVersion(version, at_s, len(configs), models), packed
            others = [one.version for one in self.versions() if one.version != version]
            for old in others[VERSIONS_KEPT - 1 :]:
                del self._versions[old]

    def versions(self) -> tuple[PublishedVersion, ...]:
        with self._lock:
            found = [listed for listed, _ in self._versions.values()]
            return tuple(sorted(found, key=lambda one: (one.at_s, one.version), reverse=True))

    def archived(self, version: str) -> dict[str, EndpointConfig]:
        with self._lock:
            _, packed = self._versions.get(version, (None, {}))
            return {name: codec.decode(packed[name], EndpointConfig) for name in sorted(packed)}

    def set_paused(
        self, paused: bool, *, endpoint: str | None = None, model: str | None = None
    ) -> None:
        with self._lock:
            if endpoint is None and model is None:
                self._paused = paused
            for name, names in ((endpoint, self._paused_endpoints), (model, self._paused_models)):
                if name is not None:
                    (names.add if paused else names.discard)(name)

    def set_metrics_vanished(self, vanished: bool) -> None:
        with self._lock:
            self._metrics_vanished = vanished

    def set_metrics_told(self, at_s: int) -> None:
        with self._lock:
            self._metrics_told_s = at_s

    def endpoint_of(self, component: str) -> str | None:
        with self._lock:
            return self._owners.get(component, self._registered.get(component, (None,))[0])

    def configuration(self, endpoint: str, version: str) -> EndpointConfig | None:
        with self._lock:
            kept = self._endpoints.get(endpoint)
            packed = kept.configs.get(version) if kept else None
            if packed is None:
                return overlays.home(self.overlays(endpoint)) if kept else None
            return codec.decode(packed, EndpointConfig)

    def fleet(self, at_s: int, *, summaries: bool = False) -> FleetView:
        with self._lock:
            allowance = self._allowance
            in_force = allowance is not None and at_s < allowance.until_s
            found = [self._summaries[name] for name in sorted(self._summaries)]
            return FleetView(
                self.fleet_pointer(),
                allowance if in_force else None,
                tuple(found) if summaries else (),
            )

    def grant_allowance(self, allowance: Allowance) -> None:
        with self._lock:
            if self._allowance is None or self._allowance.until_s < allowance.until_s:
                self._allowance = allowance

    def draw_allowance(self, copies: int, at_s: int) -> bool:
        with self._lock:
            allowance = self.fleet(at_s).allowance
            if allowance is None or allowance.limit - allowance.used < copies:
                return False
            self._allowance = replace(allowance, used=allowance.used + copies)
            return True

    # ------------------------------------------------------------ one endpoint

    def acquire_lease(self, endpoint: str, owner: str, at_s: int, ttl_s: int) -> Lease | None:
        with self._lock:
            kept = self._endpoint(endpoint)
            if kept.owner not in (None, owner) and kept.expires_at_s > at_s:
                return None
            kept.owner, kept.expires_at_s = owner, at_s + ttl_s
            kept.fencing += 1
            return Lease(endpoint, owner, kept.fencing, kept.expires_at_s)

    def load(self, endpoint: str, version: str) -> EndpointItem:
        with self._lock:
            kept = self._endpoint(endpoint)
            views, outcomes = dict[str, ComponentView], dict[str, Outcome]
            return EndpointItem(
                config=self.configuration(endpoint, version),
                state=codec.decode(kept.state, EndpointState) if kept.state else EndpointState(),
                state_version=kept.version,
                views=codec.decode(kept.views, views) if kept.views else {},
                wakes={name: wake.at_s for name, wake in kept.wakes.items()},
                holds={name: replace(kept.holds[name]) for name in sorted(kept.holds)},
                outcomes=codec.decode(kept.outcomes, outcomes) if kept.outcomes else {},
                last_look_received_s=kept.received_s,
                overlays=self.overlays(endpoint),
            )

    def store(
        self,
        lease: Lease,
        state_version: int,
        state: EndpointState,
        views: Mapping[str, ComponentView],
        acknowledged: Sequence[str],
        closing: Closing | None = None,
    ) -> int:
        with self._lock:
            kept = self._held(lease)
            if kept.version != state_version:
                raise PortError(
                    f"{lease.endpoint} is at version {kept.version}, not {state_version}"
                )
            kept.state, kept.views = codec.encode(state), codec.encode(dict(views))
            kept.version += 1
            for name in set(acknowledged) & set(kept.holds):
                kept.holds[name].acknowledged_s = state.last_look_s or 0
            if closing is not None:
                self.finish(lease, closing)
            return kept.version

    def finish(self, lease: Lease, closing: Closing) -> None:
        with self._lock:
            kept = self._held(lease)
            kept.outcomes = codec.encode(dict(closing.outcomes))
            kept.received_s = closing.received_s
            kept.owner = None
            before = self._summaries.get(lease.endpoint)
            if before is None or before.at_s <= closing.summary.at_s:
                self._summaries[lease.endpoint] = closing.summary

    def release(self, lease: Lease) -> None:
        with self._lock:
            kept = self._endpoint(lease.endpoint)
            if kept.fencing == lease.fencing:
                kept.owner = None

    def request_wake(self, wake: Wake, every_s: int = 1) -> bool:
        with self._lock:
            wakes = self._endpoint(wake.endpoint).wakes
            noted = wakes.get(wake.component)
            if noted is not None and wake.at_s < noted.at_s + every_s:
                return noted == wake
            wakes[wake.component] = wake
            return True

    def hold(self, lease: Lease, component: str, hold: Hold, at_s: int) -> bool:
        """Claim a component as the lease's holder: in force at once."""
        with self._lock:
            holds = self._held(lease).holds
            other = holds.get(component)
            if other is not None and other.holder != hold.holder and other.until_s > at_s:
                return False
            holds[component] = replace(hold, acknowledged_s=at_s)
            return True

    def place_hold(self, endpoint: str, component: str, hold: Hold) -> bool:
        """Claim a component for a workflow; False while another holder has it."""
        with self._lock:
            holds = self._endpoint(endpoint).holds
            if component in holds and holds[component].holder != hold.holder:
                return False
            holds[component] = replace(hold)
            return True

    def remove_hold(self, endpoint: str, component: str, holder: str) -> bool:
        """Give a hold back; False when `holder` does not have it."""
        with self._lock:
            holds = self._endpoint(endpoint).holds
            if component not in holds or holds[component].holder != holder:
                return False
            del holds[component]
            return True

    # ------------------------------------------------------------ overlays

    def put_overlay(self, endpoint: str, overlay: Overlay) -> bool:
        with self._lock:
            if overlay.model is not None:
                if self.endpoint_of(overlay.component) not in (None, endpoint):
                    return False
                self._registered[overlay.component] = endpoint, overlay.holder
            key = overlay.component, overlay.holder
            self._endpoint(endpoint).overlays[key] = codec.encode(overlay)
            return True

    def remove_overlay(self, endpoint: str, component: str, holder: str) -> bool:
        with self._lock:
            if self._registered.get(component) == (endpoint, holder):
                del self._registered[component]
            found = self._endpoint(endpoint).overlays.pop((component, holder), None)
            return found is not None

    def overlays(self, endpoint: str) -> tuple[Overlay, ...]:
        with self._lock:
            kept = self._endpoint(endpoint).overlays
            return tuple(codec.decode(kept[key], Overlay) for key in sorted(kept))

    # ------------------------------------------------------------ records

    def record(self, records: Sequence[DecisionRecord], snapshot: LookSnapshot | None) -> None:
        with self._lock:
            if snapshot is not None:
                self._snapshots[snapshot.endpoint, snapshot.at_s] = replace(snapshot)
            for each in records:
                self._records[each.endpoint, each.at_s, each.component] = codec.encode(each)

    def records(
        self, endpoint: str, from_s: int, until_s: int, component: str | None = None
    ) -> tuple[DecisionRecord, ...]:
        """Records of an endpoint with from_s <= at_s < until_s, oldest first."""
        with self._lock:
            return tuple(
                codec.decode(self._records[key], DecisionRecord)
                for key in sorted(self._records)
                if key[0] == endpoint and from_s <= key[1] < until_s and component in (None, key[2])
            )

    def snapshot(self, endpoint: str, at_s: int) -> LookSnapshot | None:
        """The snapshot of the look at `at_s`; None when it was never kept."""
        with self._lock:
            found = self._snapshots.get((endpoint, at_s))
            return None if found is None else replace(found)

    def snapshot_before(self, endpoint: str, until_s: int) -> LookSnapshot | None:
        """The newest snapshot of a look before `until_s`."""
        with self._lock:
            times = [at_s for name, at_s in self._snapshots if name == endpoint and at_s < until_s]
            return self.snapshot(endpoint, max(times)) if times else None

    def sighted(self, sightings: Sequence[Sighting]) -> None:
        with self._lock:
            for each in sightings:
                self._sightings[each.endpoint, each.at_s, each.component] = each

    def sightings(
        self, endpoint: str, from_s: int, until_s: int, component: str | None = None
    ) -> tuple[Sighting, ...]:
        """What others changed with from_s <= at_s < until_s, oldest first."""
        with self._lock:
            return tuple(
                self._sightings[key]
                for key in sorted(self._sightings)
                if key[0] == endpoint and from_s <= key[1] < until_s and component in (None, key[2])
            )

    # ------------------------------------------------------------

    def _endpoint(self, endpoint: str) -> _Endpoint:
        return self._endpoints.setdefault(endpoint, _Endpoint())

    def _held(self, lease: Lease) -> _Endpoint:
        kept = self._endpoint(lease.endpoint)
        if kept.fencing != lease.fencing:
            raise LeaseLostError(f"lease on {lease.endpoint} was taken over")
        return kept
