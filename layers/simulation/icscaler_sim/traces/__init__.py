"""Traffic: readers of recorded traces, seeded generators, and the default fleet rule."""

from icscaler_sim.traces.errors import TraceError
from icscaler_sim.traces.fleet_rule import CopyShape, copy_shape_for, default_copy_shape
from icscaler_sim.traces.generate import ENSEMBLE_WEIGHTS_GB, generate_ensemble, generate_fleet
from icscaler_sim.traces.read import (
    Gap,
    ModelRow,
    models_file_beside,
    read_gaps,
    read_models,
    read_trace,
)
from icscaler_sim.traces.trace import MONDAY_S, Totals, Trace, build_trace
from icscaler_sim.traces.usage import (
    RESOURCES,
    MeasuredUse,
    Resource,
    read_usage,
    usage_file_beside,
    write_usage,
)
from icscaler_sim.traces.write import write_trace

__all__ = [
    "ENSEMBLE_WEIGHTS_GB",
    "MONDAY_S",
    "RESOURCES",
    "CopyShape",
    "Gap",
    "MeasuredUse",
    "ModelRow",
    "Resource",
    "Totals",
    "Trace",
    "TraceError",
    "build_trace",
    "copy_shape_for",
    "default_copy_shape",
    "generate_ensemble",
    "generate_fleet",
    "models_file_beside",
    "read_gaps",
    "read_models",
    "read_trace",
    "read_usage",
    "usage_file_beside",
    "write_trace",
    "write_usage",
]
