"""Waves: which components are updated before which gate.

Asked for by name, number or share; without a wish it is one component, then a tenth, then half,
then the rest. Within a wave, and from wave to wave, components are spread over endpoints: a fault
of the new version meets every endpoint late.
"""

import math
from collections.abc import Mapping, Sequence

from icscaler.rollout.entities import WaveWish

CANARY = (
    WaveWish(count=1),
    WaveWish(percent=10),
    WaveWish(percent=50),
    WaveWish(percent=100),
)


class BadWavesError(ValueError):
    """The wishes can't be followed; `str` says why."""


def waves(
    wishes: Sequence[WaveWish], endpoint_of: Mapping[str, str]
) -> tuple[tuple[str, ...], ...]:
    """The components of each wave. Shares are of all components, counted from the start.

    Raises `BadWavesError`: a component twice, an unknown one, or one left over.
    """
    chosen = wishes or CANARY
    named = [name for wish in chosen for name in wish.components]
    for name in named:
        if name not in endpoint_of:
            raise BadWavesError(f"wave component {name} is not one of the components selected")
    if len(set(named)) < len(named):
        twice = sorted({name for name in named if named.count(name) > 1})
        raise BadWavesError(f"{', '.join(twice)}: in more than one wave")
    left = [name for name in spread(endpoint_of) if name not in set(named)]
    total, done = len(endpoint_of), 0
    result: list[tuple[str, ...]] = []
    for wish in chosen:
        if wish.components:
            wave = wish.components
        else:
            count = _count(wish, total, done)
            wave, left = tuple(left[:count]), left[count:]
        done += len(wave)
        if wave:
            result.append(tuple(wave))
    if left:
        raise BadWavesError(
            f"the waves leave {len(left)} of {total} components out, {left[0]} for one: end with "
            "a wave of 100 percent"
        )
    return tuple(result)


def _count(wish: WaveWish, total: int, done: int) -> int:
    if wish.percent is not None:
        return max(0, math.ceil(total * wish.percent / 100) - done)
    return wish.count or 1


def spread(endpoint_of: Mapping[str, str]) -> list[str]:
    """Components by turns of their endpoints, in the order of names."""
    queues: dict[str, list[str]] = {}
    for name in sorted(endpoint_of):
        queues.setdefault(endpoint_of[name], []).append(name)
    order: list[str] = []
    while queues:
        for endpoint in sorted(queues):
            order.append(queues[endpoint].pop(0))
            if not queues[endpoint]:
                del queues[endpoint]
    return order
