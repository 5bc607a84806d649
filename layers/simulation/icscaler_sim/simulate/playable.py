"""A fleet as it can be played: icscaler acts, and adapters are part of their base.

Adapters hold no GPUs: their base's copies serve what they get. As the controller counts
(`icscaler.bases`): whether AWS counts a request to an adapter in the base's metrics too is not
documented, so of each bin the larger of the base's own count and its adapters' sum is played: never
twice the load.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from icscaler.bases import adapters_by_base
from icscaler.entities import EndpointConfig
from icscaler_sim.traces import Trace, build_trace


def bases_of(endpoints: Mapping[str, EndpointConfig]) -> dict[str, list[str]]:
    """Base -> its adapters, over all endpoints; bases without one are left out."""
    return {
        base: adapters
        for endpoint in endpoints.values()
        for base, adapters in adapters_by_base(endpoint).items()
    }


def acting(endpoints: Mapping[str, EndpointConfig]) -> dict[str, EndpointConfig]:
    """The same endpoints as if nothing were observed or paused, without their adapters."""
    return {
        name: replace(
            endpoint,
            observe=False,
            paused=False,
            models={
                model.name: replace(model, observe=False, paused=False)
                for model in endpoint.models.values()
                if model.adapter_of is None
            },
        )
        for name, endpoint in endpoints.items()
    }


def at_bases(trace: Trace, bases: Mapping[str, list[str]]) -> Trace:
    """The traffic with what adapters were asked for as asked of their base."""
    home = {adapter: base for base, adapters in bases.items() for adapter in adapters}
    if not home.keys() & set(trace.models):
        return trace
    names = tuple(dict.fromkeys(home.get(name, name) for name in trace.models))
    places = {name: place for place, name in enumerate(names)}
    to_base = np.array([places[home.get(name, name)] for name in trace.models], dtype=np.int64)
    is_adapter = np.array([name in home for name in trace.models])
    bins = trace.t_start_s // trace.width_s
    keys, inverse = np.unique(bins * len(names) + to_base[trace.model_index], return_inverse=True)
    columns = np.stack([trace.requests, trace.input_tokens, trace.output_tokens])
    own, others = np.zeros((2, 3, len(keys)), dtype=np.int64)
    theirs = is_adapter[trace.model_index]
    for sums, rows in ((own, ~theirs), (others, theirs)):
        for line, column in zip(sums, columns, strict=True):
            np.add.at(line, inverse[rows], column[rows])
    larger = np.where(own[0] >= others[0], own, others)
    return build_trace(
        trace.source,
        names,
        trace.width_s,
        trace.period_s,
        keys // len(names) * trace.width_s,
        keys % len(names),
        *larger,
    )
