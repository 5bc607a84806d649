"""What a plan needs to see: the fleet, the components, holds, alarms, and how busy it may get."""

import math
from collections.abc import Mapping

from icscaler import overlays, switches
from icscaler.entities import EndpointConfig
from icscaler.learned import TournamentMemory
from icscaler.policies.startup import PRIOR_TOTAL_S, late
from icscaler.ports import EndpointItem, PortError
from icscaler.rollout import peaks
from icscaler.rollout.entities import Deployed, Request
from icscaler.rollout.plan import Sight, select
from icscaler.rollout.specification import base_of
from icscaler.rollout_steps.deps import Deps

DAY_S = peaks.DAY_S
Learned = dict[str, tuple[TournamentMemory, int]]
# A component without a request for so long counts as idle: its copies may leave soon.
IDLE_S = 600
# Now and before are compared by the busiest minute of this long.
RECENT_S = 1800
# Of the window of the update, at least this much is looked at on earlier days.
WINDOW_S = 3600


def see(deps: Deps, request: Request, at_s: int, prices: Mapping[str, float] = {}) -> Sight:
    """Everything about the endpoints that the selected components are on.

    Raises `PortError` when nothing is published or SageMaker can't be read.
    """
    pointer = deps.store.fleet_pointer()
    if pointer is None:
        raise PortError("no fleet is published: rollouts update components of the fleet file")
    items = {name: deps.store.load(name, pointer.version) for name in pointer.endpoints}
    configs = {
        name: overlays.merge(item.config, item.overlays, at_s)
        for name, item in items.items()
        if item.config is not None
    }
    chosen = select(request.components, configs)
    touched = {name: config for name, config in configs.items() if set(chosen) & set(config.models)}
    views = {name: deps.components.describe_endpoint(name) for name in touched}
    names = sorted({model for config in touched.values() for model in config.models})
    components = deps.components.deployed(names)
    loaded, learned = _loaded(request, chosen, components), _learned(touched, items)
    return Sight(
        at_s=at_s,
        endpoints=configs,
        views={name: view for name, view in views.items() if view is not None},
        components=components,
        holds={name: items[name].holds for name in touched},
        startup_s={
            model: late(state.starts.total_s, PRIOR_TOTAL_S)
            for name in touched
            for model, state in items[name].state.models.items()
        },
        peak_copies=_peaks(deps, request, loaded, learned, at_s),
        hours=_hours(deps, loaded, learned, at_s),
        idle=_idle(touched, items, at_s),
        alarms=deps.alarms.states(request.gate.alarms) if request.gate.alarms else {},
        paused=frozenset(
            name
            for config in touched.values()
            for name, model in config.models.items()
            if switches.paused(pointer, config, model, at_s)
        ),
        prices_per_hour=prices,
    )


def _idle(
    touched: Mapping[str, EndpointConfig], items: Mapping[str, EndpointItem], at_s: int
) -> frozenset[str]:
    return frozenset(
        model
        for name in touched
        for model, state in items[name].state.models.items()
        if at_s - state.last_active_s >= IDLE_S
    )


def _window_s(request: Request) -> int:
    """How much of earlier days is looked at."""
    return max(WINDOW_S, min(request.component_time_limit_s, 4 * WINDOW_S))


def _peaks(
    deps: Deps, request: Request, loaded: Mapping[str, int], learned: Learned, at_s: int
) -> dict[str, int]:
    """Copies that the busiest time of the same hours needed a day and a week ago.

    A model with an objective knows its load of yesterday. For others copies now serve the busiest
    minute of the last half hour: so many more requests need so many more copies.
    """
    window_s, found = _window_s(request), {}
    for name in loaded:
        if name in learned:
            memory, slots = learned[name]
            start_s = at_s - DAY_S
            copies = peaks.copies_needed(memory, slots, start_s, start_s + window_s)
            if copies is not None:
                found[name] = copies
    names = sorted(set(loaded) - set(found))
    if not names:
        return found
    recent = deps.signals.peak_rates(names, at_s - RECENT_S, at_s)
    before: dict[str, float] = {}
    for days in (1, 7):
        start_s = at_s - days * DAY_S
        for name, rate in deps.signals.peak_rates(names, start_s, start_s + window_s).items():
            before[name] = max(rate, before.get(name, 0.0))
    return found | {
        name: math.ceil(loaded[name] * rate / recent[name])
        for name, rate in before.items()
        if recent.get(name)
    }


def _hours(
    deps: Deps, loaded: Mapping[str, int], learned: Learned, at_s: int
) -> dict[str, peaks.Hours]:
    """Yesterday's demand by hour, learned or recorded; without a whole day nothing is said."""
    known = {name: peaks.hours_of(learned[name][0], at_s) for name in loaded if name in learned}
    found = {name: hours for name, hours in known.items() if hours is not None}
    names = sorted(set(loaded) - set(found))
    from_s = (at_s - DAY_S) // peaks.HOUR_S * peaks.HOUR_S
    recorded = deps.signals.hourly(names, from_s, peaks.DAY_HOURS) if names else {}
    return found | {name: tuple(hours) for name, hours in recorded.items()}


def _loaded(
    request: Request, chosen: tuple[str, ...], components: Mapping[str, Deployed | None]
) -> dict[str, int]:
    """Copies by component. An adapter has none of its own, and zero are woken, not scaled."""
    if request.on_peak == "ignore" and not request.start_quieter:
        return {}
    return {
        name: found.desired_copies
        for name in chosen
        if (found := components.get(name)) is not None
        and found.desired_copies
        and base_of(found.specification) is None
    }


def _learned(touched: Mapping[str, EndpointConfig], items: Mapping[str, EndpointItem]) -> Learned:
    """Memory and slots of the models whose objective has learned something."""
    found: Learned = {}
    for endpoint, config in touched.items():
        for name, model in config.models.items():
            state = items[endpoint].state.models.get(name)
            slots = model.concurrent_requests_per_copy
            if state is None or state.tournament is None or slots is None:
                continue
            if model.objective is not None:
                found[name] = (state.tournament, slots)
    return found
