"""Room: do the extra copies of a batch fit, now or under which condition?

AWS does not reveal which instance a copy is on, so a fit is sure under any placement, possible, or
impossible (`packing`). Free places kept for others' rollbacks count as taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from icscaler.entities import CopyResources, EndpointConfig, EndpointView, VariantConfig
from icscaler.packing import Fit, Packing, fit
from icscaler.rollout.entities import Room

NEVER = Room("no", "never")
NOTHING_NEEDED = Room("sure", "now")


@dataclass(slots=True)
class Site:
    """One variant of an endpoint as the plan sees it.

    `copies`: what each component has there now (desired or current, whichever is more) and what a
    copy takes. `idle`: of each component, how many copies would leave by themselves soon.
    `reserved`: places kept free for rollbacks that have begun earlier.
    """

    variant: VariantConfig
    instances_now: int
    instances_most: int
    copies: dict[str, tuple[CopyResources, int]] = field(default_factory=dict)
    idle: dict[str, int] = field(default_factory=dict)
    reserved: list[CopyResources] = field(default_factory=list)

    def there(self, *, without_idle: bool = False) -> list[CopyResources]:
        """Every copy that takes room."""
        taken = list(self.reserved)
        for name, (copy, count) in self.copies.items():
            leaving = self.idle.get(name, 0) if without_idle else 0
            taken.extend([copy] * max(0, count - leaving))
        return taken


def site_of(config: EndpointConfig, view: EndpointView, variant: str) -> Site | None:
    """An empty site; None when the endpoint has no such variant."""
    known, seen = config.variants.get(variant), view.variants.get(variant)
    if known is None or seen is None:
        return None
    most = seen.max_instances
    most = max(seen.current_instances, seen.desired_instances) if most is None else most
    if known.max_instances is not None:
        most = min(most, known.max_instances)
    return Site(known, seen.current_instances, max(most, seen.current_instances))


def room_for(site: Site, more: Sequence[CopyResources]) -> Room:
    """Whether `more` copies fit beside what is there, and when."""
    if not more:
        return NOTHING_NEEDED
    attempts: tuple[tuple[Literal["now", "idle", "instances"], int, bool], ...] = (
        ("now", site.instances_now, False),
        ("idle", site.instances_now, True),
        ("instances", site.instances_most, False),
        ("instances", site.instances_most, True),
    )
    for when, instances, without_idle in attempts:
        found = fit(site.variant, instances, site.there(without_idle=without_idle), more)
        if found is not Fit.IMPOSSIBLE:
            needed = _instances_needed(site, more, without_idle) if when == "instances" else 0
            return Room(_word(found), when, needed)
    return NEVER


def _word(found: Fit) -> Literal["sure", "possible", "no"]:
    if found is Fit.SURE:
        return "sure"
    return "possible" if found is Fit.POSSIBLE else "no"


def _instances_needed(site: Site, more: Sequence[CopyResources], without_idle: bool) -> int:
    everything = [*site.there(without_idle=without_idle), *more]
    for extra in range(1, max(1, site.instances_most - site.instances_now) + 1):
        if Packing.of(site.variant, site.instances_now + extra).add_all(everything):
            return extra
    return max(0, site.instances_most - site.instances_now)


def free_places(site: Site, copy: CopyResources, most: int) -> int:
    """How many copies of this size fit beside what is there, at most `most`."""
    packing = Packing.of(site.variant, site.instances_most)
    if not packing.force(site.there()):
        return 0
    count = 0
    while count < most and packing.add(copy):
        count += 1
    return count


def worst(rooms: Sequence[Room]) -> Room:
    """The least hopeful of several."""
    order: Mapping[str, int] = {"now": 0, "idle": 1, "instances": 2, "never": 3}
    fits: Mapping[str, int] = {"sure": 0, "possible": 1, "no": 2}
    if not rooms:
        return NOTHING_NEEDED
    found = max(rooms, key=lambda room: (order[room.when], fits[room.fit]))
    more = max(room.instances_more for room in rooms)
    return Room(max((r.fit for r in rooms), key=lambda f: fits[f]), found.when, more)
