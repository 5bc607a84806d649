"""What one instance of each type offers to copies.

GPUs, vCPUs and host memory are the instances' published figures. How much of the host memory
inference components may reserve together is not published. Measured: an ml.g5.xlarge (16 GiB)
accepted a reservation of 1024 MB and refused 4096 MB; AWS's sizing guide for inference components
counts about 1 TB of an ml.p5.48xlarge's 2 TiB. So a fifth is assumed for the smallest size and half
for the others, on the safe side; `hardware` in the fleet file overrides it per variant.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MB_PER_GIB = 1024
SMALL_HOST_GIB = 16
SMALL_ALLOCATABLE_FRACTION = 0.2
ALLOCATABLE_FRACTION = 0.5


@dataclass(frozen=True, slots=True)
class InstanceHardware:
    """One instance type: whole GPUs, vCPUs, host memory and the share of it copies may reserve."""

    instance_type: str
    gpus: int
    cpus: int
    host_gib: int

    @property
    def allocatable_fraction(self) -> float:
        """The share of host memory that copies may reserve together (assumed, see the module)."""
        return (
            SMALL_ALLOCATABLE_FRACTION
            if self.host_gib <= SMALL_HOST_GIB
            else (ALLOCATABLE_FRACTION)
        )

    @property
    def memory_mb(self) -> int:
        """Host memory that copies may reserve together, in MB."""
        return int(self.host_gib * MB_PER_GIB * self.allocatable_fraction)


# (family, size) -> GPUs, vCPUs, GiB. g5 and g6 sizes are alike, g6e has twice the memory.
_SIZES: Mapping[str, Mapping[str, tuple[int, int, int]]] = {
    "p4d": {"24xlarge": (8, 96, 1152)},
    "p4de": {"24xlarge": (8, 96, 1152)},
    "p5": {"48xlarge": (8, 192, 2048)},
    "p5e": {"48xlarge": (8, 192, 2048)},
    "p5en": {"48xlarge": (8, 192, 2048)},
    "g5": {
        "xlarge": (1, 4, 16),
        "2xlarge": (1, 8, 32),
        "4xlarge": (1, 16, 64),
        "8xlarge": (1, 32, 128),
        "12xlarge": (4, 48, 192),
        "16xlarge": (1, 64, 256),
        "24xlarge": (4, 96, 384),
        "48xlarge": (8, 192, 768),
    },
    "g6": {
        "xlarge": (1, 4, 16),
        "2xlarge": (1, 8, 32),
        "4xlarge": (1, 16, 64),
        "8xlarge": (1, 32, 128),
        "12xlarge": (4, 48, 192),
        "16xlarge": (1, 64, 256),
        "24xlarge": (4, 96, 384),
        "48xlarge": (8, 192, 768),
    },
    "g6e": {
        "xlarge": (1, 4, 32),
        "2xlarge": (1, 8, 64),
        "4xlarge": (1, 16, 128),
        "8xlarge": (1, 32, 256),
        "12xlarge": (4, 48, 384),
        "16xlarge": (1, 64, 512),
        "24xlarge": (4, 96, 768),
        "48xlarge": (8, 192, 1536),
    },
}
CATALOGUE: Mapping[str, InstanceHardware] = {
    f"ml.{family}.{size}": InstanceHardware(f"ml.{family}.{size}", *figures)
    for family, sizes in _SIZES.items()
    for size, figures in sizes.items()
}
