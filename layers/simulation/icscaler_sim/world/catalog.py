"""The ml. instance types copies can be placed on.

GPUs, vCPUs and host memory: EC2 Capacity Blocks and SageMaker pricing pages (2026); host
memory of g5/g6/g6e sizes follows their EC2 namesakes.
"""

from __future__ import annotations

from dataclasses import dataclass

from icscaler_sim.world.specs import Refusal


@dataclass(frozen=True, slots=True)
class InstanceType:
    """Hardware of one instance; `memory_gib` is host memory."""

    name: str
    gpus: int
    vcpus: int
    memory_gib: int


def _family(family: str, rows: dict[str, tuple[int, int, int]]) -> dict[str, InstanceType]:
    return {
        f"ml.{family}.{size}": InstanceType(f"ml.{family}.{size}", *row)
        for size, row in rows.items()
    }


_SMALL_G = {
    "xlarge": (1, 4, 16),
    "2xlarge": (1, 8, 32),
    "4xlarge": (1, 16, 64),
    "8xlarge": (1, 32, 128),
    "16xlarge": (1, 64, 256),
}
_BIG_G = {"12xlarge": (4, 48, 192), "24xlarge": (4, 96, 384), "48xlarge": (8, 192, 768)}

INSTANCE_TYPES: dict[str, InstanceType] = {
    **_family("p4d", {"24xlarge": (8, 96, 1152)}),
    **_family("p5", {"48xlarge": (8, 192, 2048)}),
    **_family("p5en", {"48xlarge": (8, 192, 2048)}),
    **_family("g5", _SMALL_G | _BIG_G),
    **_family("g6", _SMALL_G | _BIG_G),
    **_family(
        "g6e",
        {size: (gpus, vcpus, 2 * gib) for size, (gpus, vcpus, gib) in (_SMALL_G | _BIG_G).items()},
    ),
}


def instance_type(name: str) -> InstanceType:
    """The type called `name`. Raises Refusal (ValidationException) for an unknown one."""
    found = INSTANCE_TYPES.get(name)
    if found is None:
        raise Refusal("ValidationException", f"Instance type {name!r} is not known to this world.")
    return found
