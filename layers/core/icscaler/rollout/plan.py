"""The plan of a rolling update: what is done where, whether it fits, what it costs, or why not.

Pure: the same sight gives the same plan. `icscaler rollout plan` shows it, and an execution begins
with it.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase

from icscaler.bounds import bounds_at
from icscaler.entities import CopyResources, EndpointConfig, EndpointView, Hold, ModelConfig
from icscaler.rollout import batches, waves
from icscaler.rollout.entities import (
    BatchWish,
    Deployed,
    Plan,
    Problem,
    Refusal,
    Request,
    Room,
    Selector,
    Specification,
    Step,
    Wave,
)
from icscaler.rollout.peaks import HOUR_S, Hours, quieter
from icscaler.rollout.room import NEVER, NOTHING_NEEDED, Site, room_for, site_of, worst
from icscaler.rollout.specification import base_of, differences, larger, resources, wanted

HOLDER = "rollout/"
# Refusals that may no longer hold when a later start has come; it is planned again then.
PASSING = frozenset(
    {
        Refusal.PEAK_AHEAD,
        Refusal.OTHER_ROLLOUT,
        Refusal.PAUSED,
        Refusal.ALARM_FIRING,
        Refusal.NOT_IN_SERVICE,
        Refusal.NO_ROOM,
    }
)
# What removing a batch of old copies takes, and reading that an update has ended.
DRAIN_S = 120
SETTLE_S = 30
# An instance that was added stays this long after the last extra copy left.
IDLE_RELEASE_S = 600


@dataclass(slots=True)
class Sight:
    """All that a plan depends on besides the request.

    `components` maps to None what does not exist. `startup_s` is how long a copy takes to start, by
    component, learned or assumed. `peak_copies`: copies that the busiest time of the update's
    window needed on earlier days. `hours`: demand in the 24 hours ahead, as it was yesterday.
    `idle`: components with no request for a while. `prices_per_hour` by instance type.
    """

    at_s: int
    endpoints: dict[str, EndpointConfig]
    views: dict[str, EndpointView]
    components: dict[str, Deployed | None]
    holds: dict[str, dict[str, Hold]] = field(default_factory=dict)
    startup_s: dict[str, int] = field(default_factory=dict)
    peak_copies: dict[str, int] = field(default_factory=dict)
    hours: dict[str, Hours] = field(default_factory=dict)
    idle: frozenset[str] = frozenset()
    alarms: dict[str, str] = field(default_factory=dict)
    paused: frozenset[str] = frozenset()
    prices_per_hour: Mapping[str, float] = field(default_factory=dict)

    def startup_of(self, component: str) -> int:
        """Seconds from ordering a copy to its first request."""
        return self.startup_s.get(component, 300)


def starts_s(request: Request, made: Plan, at_s: int) -> int:
    """When it is to start, as it was asked for."""
    at = made.quieter_s if request.start_quieter else request.start_s
    return at_s if at is None else max(at_s, at)


def refused_for(made: Plan, later: bool) -> tuple[Problem, ...]:
    """What it is refused for: if it is to start later, only what will not have passed by then."""
    return tuple(p for p in made.problems if not (later and p.refusal in PASSING))


def holder_of(rollout_id: str) -> str:
    """The name under which a rollout holds components."""
    return f"{HOLDER}{rollout_id}"


def select(selector: Selector, endpoints: Mapping[str, EndpointConfig]) -> tuple[str, ...]:
    """The names of the components that are meant, in alphabetical order; variants are none."""

    def meant(model: ModelConfig) -> bool:
        return model.kind == "component" and (
            model.name in selector.names
            or any(fnmatchcase(model.name, pattern) for pattern in selector.patterns)
            or model.class_name in selector.classes
            or model.group in selector.groups
            or model.owner in selector.owners
            or (bool(selector.labels) and set(selector.labels) <= set(model.labels))
        )

    models = [model for config in endpoints.values() for model in config.models.values()]
    return tuple(sorted(model.name for model in models if meant(model)))


def make_plan(request: Request, sight: Sight) -> Plan:
    """The plan, or its problems; a component that already is as wanted is left out."""
    models = {
        model.name: (config, model)
        for config in sight.endpoints.values()
        for model in config.models.values()
    }
    chosen = select(request.components, sight.endpoints)
    problems = [*_about_the_request(request, chosen, models, sight)]
    steps: dict[str, Step] = {}
    unchanged: list[str] = []
    sites = _sites(sight)
    for name in chosen:
        config, model = models[name]
        deployed = sight.components.get(name)
        problem = _unfit(request, model, config, deployed, sight)
        if problem is not None or deployed is None:
            problems.append(problem or Problem(Refusal.UNKNOWN_COMPONENT, name, "does not exist"))
            continue
        step = _step(request, config, model, deployed, sight, sites)
        if not step.changes:
            unchanged.append(name)
            continue
        problems.extend(_step_problems(request, step, model, sight))
        steps[name] = step
    chosen_waves = _waves(request, steps, problems)
    return _whole(request, sight, steps, chosen_waves, problems, unchanged)


# ---------------------------------------------------------------- refusals


def _about_the_request(
    request: Request,
    chosen: tuple[str, ...],
    models: Mapping[str, tuple[EndpointConfig, ModelConfig]],
    sight: Sight,
) -> Iterator[Problem]:
    for name in request.components.names:
        if name not in models:
            near = get_close_matches(name, models, 1)
            meant = f": did you mean {near[0]}?" if near else ""
            text = f"is not in the published fleet{meant}"
            yield Problem(Refusal.UNKNOWN_COMPONENT, name, text)
        elif models[name][1].kind == "variant":
            text = "has a variant to itself: UpdateEndpoint rolls it out, with its own guardrails"
            yield Problem(Refusal.UNKNOWN_COMPONENT, name, text)
    if not chosen:
        yield Problem(Refusal.NOTHING_SELECTED, "", "no component of the fleet is meant")
    for alarm in request.gate.alarms:
        state = sight.alarms.get(alarm)
        if state is None:
            yield Problem(Refusal.ALARM_MISSING, "", f"there is no alarm {alarm}")
        elif state == "ALARM":
            text = f"alarm {alarm} is in ALARM: the first batch would be rolled back at once"
            yield Problem(Refusal.ALARM_FIRING, "", text)


def _unfit(
    request: Request,
    model: ModelConfig,
    config: EndpointConfig,
    deployed: Deployed | None,
    sight: Sight,
) -> Problem | None:
    name = model.name
    if deployed is None:
        return Problem(Refusal.UNKNOWN_COMPONENT, name, "does not exist on its endpoint")
    if deployed.status != "InService":
        text = f"is {deployed.status}; only a component InService can be updated"
        return Problem(Refusal.NOT_IN_SERVICE, name, text)
    view = sight.views.get(config.name)
    if view is None or view.status not in ("InService", "Updating"):
        status = "gone" if view is None else view.status
        return Problem(Refusal.NOT_IN_SERVICE, name, f"its endpoint {config.name} is {status}")
    if deployed.scalable_target:
        text = "Application Auto Scaling owns its copies: suspend or deregister the target"
        return Problem(Refusal.OTHER_OWNER, name, text)
    hold = sight.holds.get(config.name, {}).get(name)
    if hold and hold.until_s > sight.at_s and hold.holder != holder_of(request.rollout_id):
        return Problem(Refusal.OTHER_ROLLOUT, name, f"is held by {hold.holder}")
    if name in sight.paused:
        return Problem(Refusal.PAUSED, name, "is paused: resume it first")
    return None


def _step_problems(
    request: Request, step: Step, model: ModelConfig, sight: Sight
) -> Iterator[Problem]:
    if step.room.fit == "no":
        what = f"{step.batch_copies} more copies beside the old ones"
        text = f"has no room for {what}, not even with all instances {step.endpoint} may have"
        yield Problem(Refusal.NO_ROOM, step.component, text)
    if not step.adapter and resources(step.wanted) is None:
        text = "the new specification has no ComputeResourceRequirements"
        yield Problem(Refusal.BAD_SPECIFICATION, step.component, text)
    if step.adapter != (base_of(step.wanted) is not None):
        text = "an adapter stays an adapter, a base a base: create a new component instead"
        yield Problem(Refusal.BAD_SPECIFICATION, step.component, text)
    peak = sight.peak_copies.get(step.component, 0)
    if request.on_peak == "refuse" and peak > step.copies:
        text = (
            f"needed {peak} copies in this window before and has {step.copies}; while it is "
            "updated it can't be scaled: choose another time, or let the plan raise it first"
        )
        yield Problem(Refusal.PEAK_AHEAD, step.component, text)
    elif request.on_peak == "raise" and peak > model.max_copies:
        text = f"needed {peak} copies in this window before, and its ceiling is {model.max_copies}"
        yield Problem(Refusal.PEAK_AHEAD, step.component, text)


# ---------------------------------------------------------------- steps


def _sites(sight: Sight) -> dict[tuple[str, str], Site]:
    sites: dict[tuple[str, str], Site] = {}
    for name, config in sight.endpoints.items():
        view = sight.views.get(name)
        for variant in config.variants:
            site = site_of(config, view, variant) if view is not None else None
            if site is not None:
                sites[name, variant] = site
    for deployed in sight.components.values():
        site = sites.get((deployed.endpoint, deployed.variant)) if deployed else None
        copy = resources(deployed.specification) if deployed else None
        if deployed is None or site is None or copy is None:
            continue
        count = max(deployed.desired_copies, deployed.current_copies)
        site.copies[deployed.name] = (copy, count)
        model = sight.endpoints[deployed.endpoint].models.get(deployed.name)
        if deployed.name in sight.idle and model is not None:
            config = sight.endpoints[deployed.endpoint]
            least = bounds_at(config, model, sight.at_s).floor.copies
            site.idle[deployed.name] = max(0, count - least)
        hold = sight.holds.get(deployed.endpoint, {}).get(deployed.name)
        if hold is not None and hold.until_s > sight.at_s:
            site.reserved.extend([hold.reserved_resources or copy] * hold.reserved_copies)
    return sites


def _step(
    request: Request,
    config: EndpointConfig,
    model: ModelConfig,
    deployed: Deployed,
    sight: Sight,
    sites: Mapping[tuple[str, str], Site],
) -> Step:
    new = wanted(deployed.specification, request.specification, request.patch)
    adapter = base_of(deployed.specification) is not None
    copies = 0 if adapter else deployed.desired_copies
    raise_to = _raised(request, copies, sight.peak_copies.get(model.name, 0))
    batch = batches.batch_copies(request.batch, raise_to or copies)
    back = batches.batch_copies(request.rollback_batch or request.batch, raise_to or copies)
    room = _room(model, deployed, new, (raise_to or copies) - copies, batch, sites)
    step = Step(
        component=model.name,
        endpoint=config.name,
        variant=model.variant,
        copies=copies,
        batch_copies=batch,
        rollback_batch_copies=back,
        batches=batches.batches(batch, raise_to or copies),
        wanted=new,
        deployed=deployed.specification,
        changes=differences(deployed.specification, new),
        room=room,
        eta_s=0,
        raise_to=raise_to,
        adapters=_adapters(model.name, sight.components),
        adapter=adapter,
    )
    return replace(step, eta_s=_eta_s(request, step, sight.startup_of(model.name), room))


def _raised(request: Request, copies: int, peak: int) -> int | None:
    """The forecast peak, when it is more than there is: an updating component can't be scaled."""
    return peak if request.on_peak == "raise" and copies and peak > copies else None


def _room(
    model: ModelConfig,
    deployed: Deployed,
    new: Specification,
    raised: int,
    batch: int,
    sites: Mapping[tuple[str, str], Site],
) -> Room:
    """Room for the copies it is raised by and one batch, or for the one copy that proves it."""
    if base_of(deployed.specification) is not None:
        return NOTHING_NEEDED
    site = sites.get((deployed.endpoint, deployed.variant))
    old_copy, new_copy = resources(deployed.specification), resources(new)
    if site is None or old_copy is None or new_copy is None:
        return NEVER
    surge = batch if deployed.desired_copies else 1
    # Its own copies stay while it is updated, idle or not.
    site = replace(site, idle={k: v for k, v in site.idle.items() if k != model.name})
    return room_for(site, [old_copy] * raised + [larger(old_copy, new_copy)] * surge)


def _adapters(base: str, components: Mapping[str, Deployed | None]) -> tuple[str, ...]:
    return tuple(
        sorted(c.name for c in components.values() if c and base_of(c.specification) == base)
    )


def _eta_s(request: Request, step: Step, startup_s: int, room: Room) -> int:
    """From its first call to its proof: by batches, each started, baked and drained."""
    if step.adapter:
        return SETTLE_S
    waiting = startup_s if room.when == "instances" else 0
    raising = startup_s if step.raise_to is not None else 0
    if step.copies == 0:
        return startup_s + waiting + SETTLE_S
    each = startup_s + request.wait_interval_s + DRAIN_S
    return raising + waiting + step.batches * each + SETTLE_S


# ---------------------------------------------------------------- waves


def _waves(
    request: Request, steps: Mapping[str, Step], problems: list[Problem]
) -> tuple[tuple[str, ...], ...]:
    """Adapters of a base that is updated too follow it in its wave."""
    followers = {a for step in steps.values() for a in step.adapters if a in steps}
    leaders = {name: step.endpoint for name, step in steps.items() if name not in followers}
    if not leaders:
        return ()
    try:
        chosen = waves.waves(request.waves, leaders)
    except waves.BadWavesError as error:
        if not problems:  # else a wave may name what was refused
            problems.append(Problem(Refusal.BAD_WAVES, "", str(error)))
        return ()
    return tuple(
        tuple(each for name in wave for each in (name, *_following(name, steps))) for wave in chosen
    )


def _following(base: str, steps: Mapping[str, Step]) -> Iterable[str]:
    return (name for name in steps[base].adapters if name in steps)


def _whole(
    request: Request,
    sight: Sight,
    steps: dict[str, Step],
    chosen: tuple[tuple[str, ...], ...],
    problems: list[Problem],
    unchanged: list[str],
) -> Plan:
    built = tuple(
        _wave(request, sight, [steps[name] for name in names], number)
        for number, names in enumerate(chosen)
    )
    eta_s = sum(wave.eta_s for wave in built)
    calm = quieter([sight.hours[name] for name in steps if name in sight.hours], eta_s)
    return Plan(
        waves=built,
        steps=steps,
        problems=tuple(problems),
        unchanged=tuple(unchanged),
        eta_s=eta_s,
        quieter_s=sight.at_s + calm[0] * HOUR_S if calm else None,
        quieter_share=calm[1] if calm else None,
        extra_instance_minutes=sum(wave.extra_instance_minutes for wave in built),
        extra_dollars=_dollars(sight, steps, built),
    )


def _wave(request: Request, sight: Sight, steps: list[Step], number: int) -> Wave:
    room = worst([step.room for step in steps])
    eta_s = _lanes_s(request, steps) + request.gate.bake_s
    return Wave(
        components=tuple(step.component for step in steps),
        room=room,
        eta_s=eta_s,
        extra_instance_minutes=sum(_extra_minutes(step) for step in steps),
        needs_approval=number + 1 in request.approve_waves,
    )


def _lanes_s(request: Request, steps: list[Step]) -> int:
    """How long the components take: endpoints side by side, so many at a time on each."""
    per_endpoint: dict[str, int] = {}
    for step in steps:
        per_endpoint[step.endpoint] = per_endpoint.get(step.endpoint, 0) + step.eta_s
    lanes = [math.ceil(total / request.parallel_per_endpoint) for total in per_endpoint.values()]
    return max(max(lanes), math.ceil(sum(lanes) / request.parallel)) if lanes else 0


def _extra_minutes(step: Step) -> int:
    """Instances added for the update, until managed scaling releases them again."""
    if not step.room.instances_more:
        return 0
    return math.ceil(step.room.instances_more * (step.eta_s + IDLE_RELEASE_S) / 60)


def _dollars(sight: Sight, steps: Mapping[str, Step], built: tuple[Wave, ...]) -> float | None:
    total = 0.0
    for name in (name for wave in built for name in wave.components):
        step = steps[name]
        minutes = _extra_minutes(step)
        kind = sight.endpoints[step.endpoint].variants[step.variant].instance_type
        price = sight.prices_per_hour.get(kind)
        if minutes and price is None:
            return None
        total += minutes / 60 * (price or 0.0)
    return round(total, 2)


def batch_wish_text(wish: BatchWish) -> str:
    """`2 copies` or `25 %`."""
    return f"{wish.percent} %" if wish.percent is not None else f"{wish.copies or 1} copies"


def surge_resources(step: Step) -> CopyResources | None:
    """What a place kept free for this component must hold: a copy of either version."""
    old, new = resources(step.deployed), resources(step.wanted)
    return larger(old, new) if old and new else None
