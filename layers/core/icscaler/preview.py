"""Preview: what another configuration would make of what the last look at an endpoint saw.

The same `decide`, on the stored state and views, at the time of the last look and without metrics
newer than it: the difference to the configuration in force is the configuration's alone. Guards
and rates apply, so what is shown is the first step, not where it may lead in the end.
"""

from dataclasses import dataclass, field

from icscaler import overlays
from icscaler.decide import decide
from icscaler.entities import (
    Decision,
    EndpointConfig,
    EndpointView,
    Plan,
    Snapshot,
    VariantView,
)
from icscaler.ports import EndpointItem, FleetPointer

# As far as a preview is concerned the fleet-wide limit of removals allows everything.
_ALL_REMOVALS = 1_000_000
# Where neither file nor endpoint says how many instances there may be: room is not judged.
_ANY_INSTANCES = 1_000


@dataclass(frozen=True, slots=True)
class Effect:
    """One component's decision as it is and as it would be; None: not managed."""

    component: str
    copies: int
    before: Decision | None
    after: Decision | None

    @property
    def copies_before(self) -> int:
        """Copies to come by the configuration in force."""
        return _aim(self.before, self.copies)

    @property
    def copies_after(self) -> int:
        """Copies to come by the proposed one."""
        return _aim(self.after, self.copies)

    @property
    def differs(self) -> bool:
        """Whether the number of copies to come would be another."""
        return self.copies_before != self.copies_after


@dataclass(frozen=True, slots=True)
class Preview:
    """What a configuration would change on one endpoint. `looked_at_s` None: nobody looked yet.

    `unmanaged` are on the endpoint but in no file, `missing` in the file but not on the endpoint.
    """

    looked_at_s: int | None = None
    effects: dict[str, Effect] = field(default_factory=dict)
    unmanaged: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def preview(
    in_force: EndpointConfig | None,
    proposed: EndpointConfig | None,
    item: EndpointItem,
    pointer: FleetPointer | None,
    endpoint: EndpointView | None,
) -> Preview:
    """`endpoint` None: how many instances there are is not known; the file's maximum counts."""
    at_s = item.state.last_look_s
    if at_s is None:
        return Preview()
    before = _plan(in_force, item, pointer, endpoint, at_s)
    after = _plan(proposed, item, pointer, endpoint, at_s)
    decided = {**before.decisions, **after.decisions}
    effects = {
        name: Effect(
            name,
            item.views[name].desired_copies,
            before.decisions.get(name),
            after.decisions.get(name),
        )
        for name in sorted(decided)
    }
    wanted = proposed.models.keys() if proposed is not None else frozenset[str]()
    missing = tuple(sorted(set(wanted) - set(item.views)))
    return Preview(at_s, effects, after.unmanaged, missing)


def _plan(
    config: EndpointConfig | None,
    item: EndpointItem,
    pointer: FleetPointer | None,
    endpoint: EndpointView | None,
    at_s: int,
) -> Plan:
    if config is None:
        return Plan(at_s, (), {}, unmanaged=tuple(sorted(item.views)))
    merged = overlays.merge(config, item.overlays, at_s)
    return decide(merged, item.state, _seen(merged, item, pointer, endpoint, at_s), at_s)[1]


def _seen(
    config: EndpointConfig,
    item: EndpointItem,
    pointer: FleetPointer | None,
    endpoint: EndpointView | None,
    at_s: int,
) -> Snapshot:
    return Snapshot(
        at_s=at_s,
        config_version=config.version,
        endpoint=endpoint or _roomy(config),
        components=item.views,
        metrics=dict.fromkeys(item.views, ()),
        wakes={name: wake_s for name, wake_s in item.wakes.items() if name in config.models},
        holds=item.holds,
        paused_models=pointer.paused_models if pointer else (),
        endpoint_paused=config.name in pointer.paused_endpoints if pointer else False,
        fleet_paused=pointer.paused if pointer else False,
        removal_allowance=_ALL_REMOVALS,
        metrics_vanished=pointer.metrics_vanished if pointer else False,
    )


def _roomy(config: EndpointConfig) -> EndpointView:
    """An endpoint that has all the instances the file plans for."""
    variants = {
        name: VariantView(
            name,
            variant.instance_type,
            variant.max_instances or _ANY_INSTANCES,
            variant.max_instances or _ANY_INSTANCES,
        )
        for name, variant in config.variants.items()
    }
    return EndpointView(config.name, "InService", variants)


def _aim(decision: Decision | None, copies: int) -> int:
    """Copies to come: as they are where nothing may be written."""
    return copies if decision is None or decision.blocked else decision.desired_copies
