"""Keep alarms: bring the spike alarms in step with what is managed.

That is the published fleet, and what workflows have laid over it: models that were onboarded and
are in no file yet, and their endpoints. Runs every few minutes and when a fleet is published. What
there is is compared with what there should be, so it makes no difference how often it runs or where
the last run ended.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from icscaler import alarm_plan, overlays
from icscaler.entities import EndpointConfig
from icscaler.ports import Alarms, FleetPointer, OverlayStore, PortError, StateStore


@dataclass(slots=True)
class AlarmsOutcome:
    """What was done. `alarms` exist afterwards; `left` changes wait for the next run."""

    version: str | None
    at_s: int
    created: int = 0
    updated: int = 0
    deleted: int = 0
    left: int = 0
    alarms: int = 0
    usd_per_month: float = 0.0


class Store(StateStore, OverlayStore, Protocol):
    """The state table with what workflows have laid over the fleet."""


@dataclass(slots=True)
class Deps:
    """What keeping alarms needs; the names of all our alarms begin with `prefix`."""

    store: Store
    alarms: Alarms
    prefix: str


def keep_alarms(deps: Deps, at_s: int, time_left_s: Callable[[], float]) -> AlarmsOutcome:
    """Make the changes that there is time for.

    Raises `PortError` when the table or CloudWatch can't be used. Nothing is deleted for a fleet
    that could not be read whole.
    """
    pointer, configs = _published(deps.store, at_s)
    ours = deps.alarms.find(deps.prefix)
    has_wake_alarm = f"{deps.prefix}{alarm_plan.REFUSED_REQUESTS}" in ours
    spikes = {n: a for n, a in ours.items() if n.startswith(deps.prefix + alarm_plan.SPIKE)}
    plan = alarm_plan.plan(alarm_plan.wanted(_unpaused(configs, pointer), deps.prefix), spikes)
    outcome = AlarmsOutcome(pointer.version if pointer else None, at_s)
    if plan.delete:
        deps.alarms.delete(plan.delete)
        outcome.deleted = len(plan.delete)
    done = 0
    for alarm in plan.put:
        if time_left_s() <= 0:
            break
        deps.alarms.put(alarm)
        done += 1
    outcome.created = min(done, len(plan.create))
    outcome.updated = done - outcome.created
    outcome.left = len(plan.put) - done
    outcome.alarms = len(spikes) - outcome.deleted + outcome.created
    models = sum(len(config.models) for config in configs)
    outcome.usd_per_month = alarm_plan.usd_per_month(
        outcome.alarms, models if has_wake_alarm else 0
    )
    return outcome


def _published(store: Store, at_s: int) -> tuple[FleetPointer | None, list[EndpointConfig]]:
    pointer = store.fleet_pointer()
    if pointer is None:
        return None, []
    configs = []
    for endpoint in pointer.endpoints:
        config = overlays.published(store, pointer, endpoint, at_s)
        if config is None and endpoint in pointer.added:
            continue  # its last onboarded model has just gone, and with it the endpoint
        if config is None:
            raise PortError(f"version {pointer.version} of {endpoint} was replaced meanwhile")
        configs.append(config)
    return pointer, configs


def _unpaused(
    configs: Sequence[EndpointConfig], pointer: FleetPointer | None
) -> Iterator[EndpointConfig]:
    """What no switch has paused: a look could do nothing, so nobody need ask for one.

    A release before the stack is deleted counts on it: alarms it removes do not come back.
    """
    if pointer is None or pointer.paused:
        return
    for config in configs:
        if config.name not in pointer.paused_endpoints:
            left = {n: m for n, m in config.models.items() if n not in pointer.paused_models}
            yield replace(config, models=left)
