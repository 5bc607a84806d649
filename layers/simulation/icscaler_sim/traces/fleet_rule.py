"""The default fleet rule: what a copy of a model in a trace needs and how fast it serves.

A recorded trace says who was called and when, not on what it ran. Where no fleet file is given,
each model's name decides, so that every run and every reader sizes the same fleet alike.
"""

import hashlib
from dataclasses import dataclass

_DEFAULT_GPU_MEMORY_GB = 20.0


@dataclass(frozen=True, slots=True)
class CopyShape:
    """One copy: the GPUs it holds, and how it serves.

    `gpu_memory_gb` is what it needs of each of its GPUs (weights, cache, engine); it only decides
    which instance types could host it. `slots` requests are served at the same time; one of them
    takes base_s + input / prefill_tokens_per_s + output x output_token_s.
    """

    gpus: int
    prefill_tokens_per_s: float
    output_token_s: float
    gpu_memory_gb: float = _DEFAULT_GPU_MEMORY_GB
    slots: int = 32
    base_s: float = 0.05

    def work_s(self, requests: int, input_tokens: int, output_tokens: int) -> float:
        """Slot-seconds that requests with these tokens (sums) keep busy."""
        return (
            requests * self.base_s
            + input_tokens / self.prefill_tokens_per_s
            + output_tokens * self.output_token_s
        )


_SMALL = CopyShape(gpus=1, prefill_tokens_per_s=10_000.0, output_token_s=0.015)
_MEDIUM = CopyShape(gpus=2, prefill_tokens_per_s=8_000.0, output_token_s=0.020)
_LARGE = CopyShape(gpus=4, prefill_tokens_per_s=6_000.0, output_token_s=0.030)


def name_fraction(model: str) -> float:
    """u in [0, 1): the first 8 hex digits of md5(model name) / 2^32."""
    digest = hashlib.md5(model.encode(), usedforsecurity=False).hexdigest()
    return int(digest[:8], 16) / 2**32


def default_copy_shape(model: str) -> CopyShape:
    """u < 0.5: one GPU a copy; u < 0.8: two; else four, with the service profile of that size."""
    u = name_fraction(model)
    if u < 0.5:
        return _SMALL
    return _MEDIUM if u < 0.8 else _LARGE


def copy_shape_for(gpus: int) -> CopyShape:
    """The rule's profile for a copy of that many GPUs, where the name is not to decide."""
    if gpus <= 0:
        raise ValueError(f"a copy holds at least one GPU, not {gpus}")
    if gpus == 1:
        return _SMALL
    return _MEDIUM if gpus < 4 else _LARGE
