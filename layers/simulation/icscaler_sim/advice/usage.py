"""What of the reserved is used: requests in service against the room of the copies held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from icscaler_sim.traces import CopyShape, Trace


@dataclass(frozen=True, slots=True)
class Usage:
    """`reserved_gpu_hours` were held by copies, `used_gpu_hours` of them by requests in service."""

    reserved_gpu_hours: float
    used_gpu_hours: float

    @property
    def fraction(self) -> float | None:
        """Used of reserved; None where nothing was reserved."""
        return self.used_gpu_hours / self.reserved_gpu_hours if self.reserved_gpu_hours else None


def usage_of(
    trace: Trace, shapes: Mapping[str, CopyShape], reserved_gpu_hours: Mapping[str, float]
) -> dict[str, Usage]:
    """Of every model. Used: its requests' service times, a copy's GPUs shared among its slots."""
    work_s = dict.fromkeys(trace.models, 0.0)
    sums = [
        np.bincount(trace.model_index, weights=values, minlength=len(trace.models))
        for values in (trace.requests, trace.input_tokens, trace.output_tokens)
    ]
    for name, requests, tokens_in, tokens_out in zip(trace.models, *sums, strict=True):
        profile = shapes[name].profile
        work_s[name] = (
            requests * profile.base_s
            + tokens_in / profile.prefill_tokens_per_s
            + tokens_out * profile.output_token_s
        )
    return {
        name: Usage(
            reserved, work_s.get(name, 0.0) * shapes[name].gpus / _slots(shapes[name]) / 3600
        )
        for name, reserved in reserved_gpu_hours.items()
    }


def _slots(shape: CopyShape) -> int:
    return shape.profile.slots_per_copy
