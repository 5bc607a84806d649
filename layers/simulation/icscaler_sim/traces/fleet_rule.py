"""The default fleet rule: what a copy of a model in a trace needs and how fast it serves.

A recorded trace says who was called and when, not on what it ran. Where no fleet file is given,
each model's name decides, so that every run and every reader sizes the same fleet alike.
"""

import hashlib
from dataclasses import dataclass

from icscaler_sim.world.specs import ServiceProfile, default_profile

GPU_MEMORY_GB = 20.0
"""Assumed need of one GPU's memory: about 15 GB of weights, cache and engine."""


@dataclass(frozen=True, slots=True)
class CopyShape:
    """One copy: the GPUs it holds, and how it serves.

    `gpu_memory_gb` is what it needs of each of its GPUs; it only decides which instance types
    could host it.
    """

    gpus: int
    profile: ServiceProfile
    gpu_memory_gb: float = GPU_MEMORY_GB


def name_fraction(model: str) -> float:
    """u in [0, 1): the first 8 hex digits of md5(model name) / 2^32."""
    digest = hashlib.md5(model.encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) / 2**32


def default_copy_shape(model: str) -> CopyShape:
    """u < 0.5: one GPU a copy; u < 0.8: two; else four, with the service profile of that size."""
    u = name_fraction(model)
    return copy_shape_for(1 if u < 0.5 else 2 if u < 0.8 else 4)


def copy_shape_for(gpus: int) -> CopyShape:
    """A copy of that many GPUs, where the name is not to decide."""
    if gpus <= 0:
        raise ValueError(f"a copy holds at least one GPU, not {gpus}")
    return CopyShape(gpus, default_profile(gpus))
