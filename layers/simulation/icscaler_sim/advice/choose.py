"""Which models to move off shared endpoints: those that free more than a place of their own costs.

Moving a model saves instances only where those that stay then need fewer of them, so what it frees
is not its share of the bill: the copies held over time are packed with and without it. What a
chosen set really costs and loses is measured, and where that does not pay, fewer are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

from icscaler_sim.advice.weigh import MARGIN, more_lost
from icscaler_sim.pricing import HeldCopies, InstanceType, instances_over_time
from icscaler_sim.traces import CopyShape

TRIES = 3
"""Chosen sets that are played at most."""
NOBODY: frozenset[str] = frozenset()
_NOTHING = 1e-9


@dataclass(frozen=True, slots=True)
class Trial:
    """A fleet in which the models `moved` have endpoints of their own, as it was played.

    `pools`: dollars of each endpoint that is shared, `own`: of each moved model's. `worse`: moved
    models that lose more than they did shared.
    """

    moved: frozenset[str]
    dollars: float
    lost_fraction: float
    pools: Mapping[str, float] = field(default_factory=dict)
    own: Mapping[str, float] = field(default_factory=dict)
    worse: frozenset[str] = NOBODY


@dataclass(frozen=True, slots=True)
class Group:
    """The copies on instances of one type over time; `least` instances always run."""

    kind: InstanceType
    held: HeldCopies
    least: int = 0


@dataclass(frozen=True)
class Pool:
    """A shared endpoint, measured twice: it cost `dollars` with all its models, and
    `dollars_without` those that are `gone`.
    """

    groups: Sequence[Group]
    shapes: Mapping[str, CopyShape]
    dollars: float
    gone: frozenset[str] = NOBODY
    dollars_without: float = 0.0

    @cached_property
    def models(self) -> frozenset[str]:
        """Who lives on it."""
        return frozenset(name for group in self.groups for name in group.held.copies)

    def packed(self, moved: frozenset[str] = NOBODY) -> float:
        """Dollars of the instances that hold everybody else, if packed at every moment."""
        return sum(self._group(group, moved) for group in self.groups)

    def cost(self, moved: frozenset[str]) -> float:
        """Dollars without `moved`, estimated; what was measured where that was measured.

        What the packing does not explain (placement, launches, instances not yet released) is
        taken between the two measurements, by the GPU-hours that are gone.
        """
        rest = self.dollars - self._packed_all
        share = self._held(moved) / self._held_gone if self._held_gone else 0.0
        return self.packed(moved) + rest + share * (self._rest_without - rest)

    @cached_property
    def _packed_all(self) -> float:
        return self.packed()

    @cached_property
    def _held_gone(self) -> float:
        return self._held(self.gone)

    @cached_property
    def _rest_without(self) -> float:
        return self.dollars_without - self.packed(self.gone)

    def _group(self, group: Group, moved: frozenset[str]) -> float:
        stay = {name: line for name, line in group.held.copies.items() if name not in moved}
        held = HeldCopies(group.held.step_s, stay)
        steps = instances_over_time(held, self.shapes, group.kind)
        instances = sum(max(count, group.least) for count in steps)
        return instances * held.step_s / 3600 * group.kind.usd_per_hour

    def _held(self, moved: frozenset[str]) -> float:
        """In GPU-steps."""
        return sum(
            self.shapes[name].gpus * sum(line)
            for group in self.groups
            for name, line in group.held.copies.items()
            if name in moved
        )


@dataclass(frozen=True, slots=True)
class Choice:
    """`best`: what was played and pays best, None where nothing does. `tried`: in their order.

    `frees`: of each candidate, the dollars by which its shared endpoint is cheaper without it,
    beside those that moved.
    """

    best: Trial | None
    tried: Sequence[Trial]
    frees: Mapping[str, float]

    @property
    def moved(self) -> frozenset[str]:
        """Who gets an endpoint of its own."""
        return self.best.moved if self.best is not None else NOBODY


def choose(
    pools: Mapping[str, Pool],
    shared: Trial,
    alone: Trial,
    play: Callable[[frozenset[str]], Trial],
    tries: int = TRIES,
) -> Choice:
    """The candidates, those that moved in `alone`, for which moving pays, as measured.

    `pools` by name as `shared` played them, nobody moved. `play` plays a set; at most `tries`
    sets are tried. One that does not pay loses the models that lose requests and the least useful
    one, and is chosen from anew, its measurement known.
    """
    own = {name: alone.own[name] for name in alone.moved - alone.worse}
    wanted = best_set(_measured(pools, alone), own)
    tried: list[Trial] = []
    while wanted and len(tried) < tries:
        tried.append(alone if wanted == alone.moved else play(wanted))
        if pays(shared, tried[-1]):
            break
        wanted = _fewer(pools, tried[-1])
    good = [one for one in (alone, *tried) if one.moved and pays(shared, one)]
    best = min(good, key=lambda one: (one.dollars, len(one.moved)), default=None)
    return Choice(best, tried, _frees(pools, alone, best))


def pays(shared: Trial, one: Trial) -> bool:
    """Whether what is moved frees more than it costs, by the margin, and nobody of it loses more,
    nor all models together.
    """
    own = sum(one.own.values())
    freed = shared.dollars - (one.dollars - own)
    cheaper = own <= (1.0 - MARGIN) * freed + _NOTHING
    return cheaper and not one.worse and not more_lost(shared.lost_fraction, one.lost_fraction)


def best_set(pools: Mapping[str, Pool], own: Mapping[str, float]) -> frozenset[str]:
    """Of the models `own` names, with the dollars each costs alone, those to move: by estimate."""
    return NOBODY.union(*(_best_of(pool, own) for pool in pools.values()))


def _best_of(pool: Pool, own: Mapping[str, float]) -> frozenset[str]:
    """From nobody and from everybody, change one model at a time while that saves: two models
    that fill an instance together are found from one side only.
    """
    names = sorted(pool.models & own.keys())

    @cache
    def cost(moved: frozenset[str]) -> float:
        alone = sum(own[name] for name in sorted(moved)) / (1.0 - MARGIN)
        return pool.cost(moved) + alone

    def descend(moved: frozenset[str]) -> frozenset[str]:
        while names:
            near = min((moved ^ {name} for name in names), key=lambda one: (cost(one), sorted(one)))
            if cost(near) >= cost(moved) - _NOTHING:
                break
            moved = near
        return moved

    few, many = descend(NOBODY), descend(frozenset(names))
    return many if cost(many) < cost(few) - _NOTHING else few


def _measured(pools: Mapping[str, Pool], trial: Trial) -> dict[str, Pool]:
    """What a trial tells of each endpoint."""
    return {
        name: replace(
            pool, gone=trial.moved & pool.models, dollars_without=trial.pools.get(name, 0.0)
        )
        for name, pool in pools.items()
    }


def _fewer(pools: Mapping[str, Pool], failed: Trial) -> frozenset[str]:
    """Of a set that did not pay, what to try next. Where by its measurement nothing would, the
    more useful half: that spreads what went wrong over all of them, and some may do well.
    """
    known = _measured(pools, failed)
    gains = {name: _freed(known, name, failed.moved) - failed.own[name] for name in failed.moved}
    useful = sorted(failed.moved - failed.worse, key=lambda name: (-gains[name], name))
    left = useful[: len(failed.moved) - 1]
    wanted = best_set(known, {name: failed.own[name] for name in left})
    return wanted or frozenset(useful[: len(failed.moved) // 2])


def _freed(pools: Mapping[str, Pool], name: str, moved: frozenset[str]) -> float:
    pool = next(one for one in pools.values() if name in one.models)
    mine = moved & pool.models
    return pool.cost(mine - {name}) - pool.cost(mine | {name})


def _frees(pools: Mapping[str, Pool], alone: Trial, best: Trial | None) -> dict[str, float]:
    """Of those that moved by the run in which they did, of the others by that of all."""
    moved = best.moved if best is not None else NOBODY
    by_all, by_best = _measured(pools, alone), _measured(pools, best or alone)
    return {
        name: _freed(by_best if name in moved else by_all, name, moved)
        for name in sorted(alone.moved)
    }
