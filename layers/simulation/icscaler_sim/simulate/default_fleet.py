"""A fleet file for a trace that comes without one: the default fleet rule, written out.

Every model of the trace gets its size from its name (docs/traces.md), room to grow beyond its
busiest minute, and a place on one of as many shared endpoints as are needed. A class rule may say
what the models are worth, by how busy they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from icscaler_sim.pricing import PriceTable, packed_instances
from icscaler_sim.simulate.errors import SimulationError
from icscaler_sim.traces import CopyShape, Trace

ENDPOINT_TYPE = "ml.p4d.24xlarge"
MODELS_PER_ENDPOINT = 60
CPUS_PER_GPU = 8
MEMORY_MB_PER_GPU = 32_768

_HEAD = """\
# Written for {source}, which came without a fleet file: the
# default fleet rule sized its models by their names (docs/traces.md). Change this file and play
# the trace again with --fleet.
version: 1

defaults:
{policy}

endpoints:
"""


TARGET_TRACKING = """\
  policy:
    target_tracking: {metric: concurrency, target_value: 24}
  idle_s: 900"""
OBJECTIVE = "  concurrent_requests_per_copy: 32"
"""The built-in policy."""
CLASS_RULE = "critical=3,interactive=20,batch"
"""Of the models by requests: the 3 busiest critical, the next 20 interactive, the rest batch."""
ONE_CLASS = "none"
_CLASSES = ("critical", "interactive", "batch")
_RULE = re.compile(rf"({'|'.join(_CLASSES)})(?:=(\d+))?")


def classes_by_rule(rule: str, trace: Trace) -> dict[str, str]:
    """Classes of a trace's models from `critical=3,interactive=20,batch`: so many of the busiest
    each, the last without a number for the rest; `none` gives nobody one.

    Raises `SimulationError` for another kind of text.
    """
    if rule == ONE_CLASS:
        return {}
    parts = [_RULE.fullmatch(part.strip()) for part in rule.split(",")]
    found = [(part[1], part[2]) for part in parts if part is not None]
    counted = [count is not None for _, count in found]
    if len(found) != len(parts) or counted != [True] * (len(found) - 1) + [False]:
        raise SimulationError(
            f"the class rule '{rule}' cannot be read",
            f"write it like {CLASS_RULE}: classes of the busiest models with their number, and "
            f"one without a number for the rest, out of {', '.join(_CLASSES)}; or {ONE_CLASS}",
        )
    totals = trace.totals()
    left = sorted(trace.models, key=lambda name: -totals[name].requests)
    classes: dict[str, str] = {}
    for name, count in found:
        chosen, left = (left, []) if count is None else (left[: int(count)], left[int(count) :])
        classes |= dict.fromkeys(chosen, name)
    return classes


def fleet_text(
    source: str,
    shapes: Mapping[str, CopyShape],
    peaks: Mapping[str, int],
    prices: PriceTable,
    classes: Mapping[str, str] | None = None,
    policy: str = TARGET_TRACKING,
    models_per_endpoint: int = MODELS_PER_ENDPOINT,
) -> str:
    """The fleet file for these models, busiest first. `peaks`: copies at static peak. `policy`:
    the keys that say how copies follow demand."""
    known = classes or {}
    groups = spread(list(shapes), models_per_endpoint)
    lines = [_HEAD.format(source=source, policy=policy)]
    for name, models in groups.items():
        instances = _most_instances(models, shapes, peaks, prices)
        lines.append(
            f"  {name}:\n    variants:\n      AllTraffic: "
            f"{{instance_type: {ENDPOINT_TYPE}, max_instances: {instances}}}\n"
        )
    lines.append("\nmodels:\n")
    for name, models in groups.items():
        for model in models:
            gpus = shapes[model].gpus
            of_class = f"class: {known[model]}, " if model in known else ""
            lines.append(
                f"  - {{name: {_quoted(model)}, endpoint: {name}, {of_class}"
                f"max_copies: {most_copies(peaks[model])}, resources: {{gpus: {gpus}, "
                f"cpus: {gpus * CPUS_PER_GPU}, memory_mb: {gpus * MEMORY_MB_PER_GPU}}}}}\n"
            )
    return "".join(lines)


def spread(
    models: Sequence[str], models_per_endpoint: int = MODELS_PER_ENDPOINT
) -> dict[str, list[str]]:
    """Models dealt to endpoints one by one, so that each gets busy and rare ones."""
    endpoints = max(1, -(-len(models) // models_per_endpoint))
    width = len(str(endpoints))
    return {
        f"shared-{place + 1:0{width}d}": list(models[place::endpoints])
        for place in range(endpoints)
    }


def most_copies(peak: int) -> int:
    """A ceiling half above the busiest minute: it should never be what limits."""
    return max(2, -(-3 * peak // 2))


def _most_instances(
    models: Sequence[str],
    shapes: Mapping[str, CopyShape],
    peaks: Mapping[str, int],
    prices: PriceTable,
) -> int:
    """Room for every model at its busiest minute and one copy of those never called."""
    kind = prices.get(ENDPOINT_TYPE)
    copies = {model: max(1, peaks[model]) for model in models}
    return packed_instances(copies, shapes, kind) + 1


def _quoted(name: str) -> str:
    """Names that YAML would read as a number or a truth value stay text."""
    return name if name[:1].isalpha() and name.lower() not in _WORDS else f'"{name}"'


_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})
