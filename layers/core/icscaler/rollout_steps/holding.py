"""Holds and escrow: nobody else writes to the component, and there is room to bring it back.

A hold is written under the endpoint's lease: no look is under way, and every later one reads it. In
the same breath the places for the next batch are reserved, as many as there are; the batch is made
smaller when they are fewer. After the update the component may be scaled again, but its escrow
stays until the rollout is over: a smaller new version must not lose the room of the old one.
"""

import math
from dataclasses import replace
from typing import Literal

from icscaler.entities import CopyResources, Hold
from icscaler.ports import EndpointItem, Lease
from icscaler.rollout import batches
from icscaler.rollout.entities import Deployed, Job, JobPhase
from icscaler.rollout.plan import holder_of, surge_resources
from icscaler.rollout.room import Site, free_places, site_of
from icscaler.rollout.specification import resources
from icscaler.rollout_steps.deps import Deps, noted
from icscaler.rollout_steps.ports import Kept

LEASE_S = 30
# Holds outlast what they are for by this much; the sweeper and their own end give them back.
MARGIN_S = 3600

Taken = tuple[Job, Literal["held", "later", "refused"], str]


def take(deps: Deps, found: Kept, job: Job, seen: Deployed, at_s: int) -> Taken:
    """Hold the component with escrow for a batch; `later` while lease or room are missing."""
    request = found.rollout.request
    pointer = deps.store.fleet_pointer()
    owner = f"{holder_of(request.rollout_id)}/{job.component}"
    lease = deps.store.acquire_lease(job.endpoint, owner, at_s, LEASE_S)
    if lease is None or pointer is None:
        return job, "later", "the endpoint's lease is taken"
    try:
        item = deps.store.load(job.endpoint, pointer.version)
        batch, text = _batch(deps, found, job, seen, item, at_s)
        if batch is None:
            return job, "later", text
        until_s = at_s + request.component_time_limit_s * 2 + request.hold_time_limit_s + MARGIN_S
        hold = Hold(holder_of(request.rollout_id), until_s)
        if request.escrow and not job.step.adapter:
            hold.reserved_copies = batch or (1 if seen.desired_copies == 0 else 0)
            hold.reserved_resources = surge_resources(job.step)
            if job.direction == "back":
                # Until it is back, what is there counts as the new version's smaller copies.
                hold.reserved_copies += given_up(job, seen.desired_copies)
        if not deps.store.hold(lease, job.component, hold, at_s):
            return job, "refused", "another workflow holds it"
        _trim_others(deps, found, lease, item, job.component, at_s)
    finally:
        deps.store.release(lease)
    held = replace(job, held_s=at_s, batch_copies=batch)
    return noted(held, at_s, "Held", f"escrow for {hold.reserved_copies} copies"), "held", ""


def asked_for(deps: Deps, job: Job) -> bool:
    """Whether a wake of the component was noted since it is held: there is somebody to serve."""
    pointer = deps.store.fleet_pointer()
    if pointer is None or job.held_s is None:
        return False
    return deps.store.load(job.endpoint, pointer.version).wakes.get(job.component, 0) >= job.held_s


def _batch(
    deps: Deps, found: Kept, job: Job, seen: Deployed, item: EndpointItem, at_s: int
) -> tuple[int | None, str]:
    """The batch that fits now; None when not even the smallest does, and the reason."""
    wish = job.step.batch_copies if job.direction == "forward" else job.step.rollback_batch_copies
    copies = max(seen.desired_copies, job.step.raise_to or 0)
    if seen.desired_copies == 0 or job.step.adapter:
        return 0, ""
    wish = min(max(1, wish), max(1, math.floor(copies * batches.MOST_FRACTION)))
    copy = surge_resources(job.step)
    site = _site(deps, found, job, seen, item, at_s)
    if not found.rollout.request.escrow or copy is None or site is None:
        return wish, ""
    raised = max(0, copies - seen.desired_copies)
    places = free_places(site, copy, wish + raised) - raised
    fitting = batches.smaller_batch(wish, copies, places)
    return fitting, "" if fitting else f"no room for a batch beside {copies} copies"


def _site(
    deps: Deps, found: Kept, job: Job, seen: Deployed, item: EndpointItem, at_s: int
) -> Site | None:
    """The variant with all that the last look saw there; None when no look has been."""
    view = deps.components.describe_endpoint(job.endpoint)
    if item.config is None or view is None or not item.views:
        return None
    site = site_of(item.config, view, job.step.variant)
    if site is None:
        return None
    for name, one in item.views.items():
        copy = one.resources
        if one.variant == job.step.variant and copy is not None:
            count = max(one.desired_copies, one.current_copies)
            site.copies[name] = (copy, count)
    own = resources(seen.specification)
    if own is not None:
        site.copies[job.component] = (own, max(seen.desired_copies, seen.current_copies))
    ours = holder_of(found.rollout.request.rollout_id)
    for name, hold in item.holds.items():
        # Places kept for those that are done are kept for one of them at a time: this one now.
        if name == job.component or hold.until_s <= at_s or (hold.holder == ours and hold.scalable):
            continue
        copy = hold.reserved_resources
        if copy is not None:
            site.reserved.extend([copy] * hold.reserved_copies)
    return site


def _trim_others(
    deps: Deps, found: Kept, lease: Lease, item: EndpointItem, component: str, at_s: int
) -> None:
    """Done components of the same rollout keep room only for what they gave up."""
    request = found.rollout.request
    for name, hold in item.holds.items():
        if name == component or hold.holder != holder_of(request.rollout_id) or not hold.scalable:
            continue
        job = deps.records.job(request.rollout_id, name)
        if job is not None and hold.reserved_copies and not given_up(job, hold.reserved_copies):
            deps.store.hold(lease, name, replace(hold, reserved_copies=0), at_s)


def given_up(job: Job, copies: int) -> int:
    """How many places of the old size the new version's smaller copies set free."""
    old, new = resources(job.step.deployed), resources(job.step.wanted)
    if old is None or new is None:
        return 0
    share = max(_share(old.gpus, new.gpus), _share(old.memory_mb, new.memory_mb))
    return math.ceil(copies * share)


def _share(old: float, new: float) -> float:
    return max(0.0, (old - new) / old) if old else 0.0


def let_scale(deps: Deps, found: Kept, job: Job, copies: int, at_s: int) -> bool:
    """After an update: the component may be scaled again, its escrow stays. False: lease taken."""
    request = found.rollout.request
    owner = f"{holder_of(request.rollout_id)}/{job.component}"
    lease = deps.store.acquire_lease(job.endpoint, owner, at_s, LEASE_S)
    if lease is None:
        return False
    try:
        old: CopyResources | None = resources(job.step.deployed)
        batch = job.batch_copies or 0
        until_s = at_s + request.approval_expires_s + request.component_time_limit_s + 86_400
        hold = Hold(holder_of(request.rollout_id), until_s, scalable=True)
        if request.escrow and old is not None and copies:
            hold.reserved_copies = given_up(job, copies) + batch
            hold.reserved_resources = old
        deps.store.hold(lease, job.component, hold, at_s)
    finally:
        deps.store.release(lease)
    return True


def give_back(deps: Deps, rollout_id: str, job: Job) -> None:
    """The component is nobody's; harmless when it is already."""
    deps.store.remove_hold(job.endpoint, job.component, holder_of(rollout_id))


def keeps_escrow(job: Job) -> bool:
    """Whether its old version may still have to come back."""
    return job.direction == "forward" and job.phase in (JobPhase.UPDATED, JobPhase.DIRTY)
