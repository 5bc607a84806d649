"""Allocate: which wishes an endpoint's instances can hold, and who gives way to whom.

Floors first, protected models before others, then copy by copy by worth per GPU. When not all
fit, the price of a GPU rises until the rest does: `gpu_price` is the worth per GPU of the dearest
copy that found no place. Copies that are still starting or draining hold their room: a claim that
needs the room of a leaving copy waits for it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from icscaler.entities import CopyResources, VariantConfig
from icscaler.packing import Fit, Packing, fit, fit_anyhow
from icscaler.policies.tournament import PRICE_STEP

# A running copy is worth a little more than an equal one that would have to start: no thrash.
RUNNING_BONUS = 1.25
# Prices come from a grid on which noise moves them a step; that must not move a running copy.
PRICED_BONUS = RUNNING_BONUS * PRICE_STEP


@dataclass(slots=True)
class Claim:
    """What one component asks of its variant's instances.

    `held_copies` occupy room now (desired or current, whichever is more). `firm_copies` may not be
    taken away by other models: the floor, copies too young to be moved again, and what is there of
    a model nothing is known about. `wish_copies`
    is at least `firm_copies`. Of a protected model the first `floor_copies` come before all else.
    `prices` gives, when it is needed, the highest price per GPU at which
    copies 1, 2, ... are still wanted; without it copies are worth `worth` by GPUs and number.
    """

    name: str
    copy: CopyResources
    from_copies: int
    held_copies: int
    firm_copies: int
    wish_copies: int
    worth: float
    protected: bool
    floor_copies: int = 1_000_000
    prices: Callable[[], Sequence[float]] | None = None
    _known: Sequence[float] | None = field(default=None, compare=False)

    def price(self, number: int) -> float | None:
        """The price of copy `number`, asked for once; None: this claim has none."""
        if self.prices is None:
            return None
        if self._known is None:
            self._known = self.prices()
        return self._known[number - 1]


@dataclass(slots=True)
class Grant:
    """What a component gets: `copies` in the end, `copies_now` without waiting for room."""

    copies: int
    copies_now: int
    displaced_by: str | None = None
    waits_for: str | None = None


@dataclass(slots=True)
class Allocation:
    """Grants by component. `short`: firm copies that found no place. See module for the price."""

    grants: dict[str, Grant] = field(default_factory=dict)
    gpu_price: float = 0.0
    short: tuple[str, ...] = ()
    fit: Fit = Fit.SURE


def copy_worth(claim: Claim, number: int) -> float:
    """Worth per GPU of a component's copy `number` (1, 2, ...): the next one is worth less."""
    price, runs = claim.price(number), number <= claim.from_copies
    if price is not None:
        worth = claim.worth * price
        return worth * PRICED_BONUS if runs else worth
    worth = claim.worth / number / max(1, claim.copy.gpus)
    return worth * RUNNING_BONUS if runs else worth


def allocate(
    variant: VariantConfig,
    instances: int,
    fixed: Iterable[CopyResources],
    claims: list[Claim],
) -> Allocation:
    """Share `instances` instances among `claims`, beside the `fixed` copies nobody may touch."""
    occupied = list(fixed)
    targets, refused, short = _share(variant, instances, occupied, claims)
    result = Allocation(short=tuple(short))
    for claim in claims:
        grant = Grant(targets[claim.name], targets[claim.name])
        if grant.copies < claim.wish_copies:
            worth, grant.displaced_by = refused[claim.name]
            result.gpu_price = max(result.gpu_price, worth)
        result.grants[claim.name] = grant
    _wait_for_room(variant, instances, occupied, claims, result)
    return result


def _share(
    variant: VariantConfig, instances: int, fixed: list[CopyResources], claims: list[Claim]
) -> tuple[dict[str, int], dict[str, tuple[float, str | None]], list[str]]:
    """Copies in the end, the dearest refused copy by component with who took its place, shorts."""
    wishes = {claim.name: claim.wish_copies for claim in claims}
    counts = [*((copy, 1) for copy in fixed), *((c.copy, c.wish_copies) for c in claims)]
    if fit_anyhow(variant, instances, counts):
        return wishes, {}, []
    everything = [copy for copy, count in counts for _ in range(count)]
    if Packing.of(variant, instances).add_all(everything):
        return wishes, {}, []
    packing = Packing.of(variant, instances)
    packing.force(fixed)
    targets = {claim.name: 0 for claim in claims}
    refused: dict[str, tuple[float, str | None]] = {}
    short: list[str] = []
    newcomer: str | None = None
    for worth, claim, number, firm in by_right(claims):
        if claim.name in refused:
            continue
        # What is there and firm stays, even on fewer instances than it needs: it only counts.
        stays = firm and number <= claim.from_copies
        if packing.add(claim.copy) or (stays and not packing.force([claim.copy])):
            targets[claim.name] = number
            newcomer = claim.name if number > claim.from_copies else newcomer
        else:
            refused[claim.name] = (worth, newcomer if newcomer != claim.name else None)
            if firm:
                short.append(claim.name)
    return targets, refused, short


def by_right(claims: list[Claim]) -> list[tuple[float, Claim, int, bool]]:
    """Every copy in order of right: protected floors, firm copies, then worth per GPU."""
    copies = []
    for claim in claims:
        for number in range(1, claim.wish_copies + 1):
            firm = number <= claim.firm_copies
            owed = claim.protected and number <= min(claim.firm_copies, claim.floor_copies)
            rank = 0 if owed else 1 if firm else 2
            worth = copy_worth(claim, number)
            copies.append(((rank, -worth, claim.name, number), worth, claim, number, firm))
    return [(worth, claim, number, firm) for _, worth, claim, number, firm in sorted(copies)]


def _wait_for_room(
    variant: VariantConfig,
    instances: int,
    fixed: list[CopyResources],
    claims: list[Claim],
    result: Allocation,
) -> None:
    """Let grow now only what fits beside all that still starts or drains."""
    held = [*fixed, *(c.copy for c in claims for _ in range(c.held_copies))]
    growth = [
        (not claim.protected, -copy_worth(claim, number), claim.name, number, claim)
        for claim in claims
        for number in range(claim.held_copies + 1, result.grants[claim.name].copies + 1)
    ]
    if not growth:
        return
    more = [claim.copy for *_, claim in growth]
    result.fit = fit(variant, instances, held, more)
    if result.fit is not Fit.IMPOSSIBLE:
        return
    leaving = sorted(c.name for c in claims if c.held_copies > result.grants[c.name].copies)
    packing = Packing.of(variant, instances)
    full = not packing.force(held)
    blocked: set[str] = set()
    for _, _, name, number, claim in sorted(growth, key=lambda item: item[:4]):
        if name in blocked or (not full and packing.add(claim.copy)):
            continue
        blocked.add(name)
        grant = result.grants[name]
        grant.copies_now = min(grant.copies_now, number - 1)
        grant.waits_for = leaving[0] if leaving else None
