"""The simulator: any policy on any traffic in the same world, without HTTP."""

from icscaler_sim.simulate.errors import SimulationError
from icscaler_sim.simulate.fleet import Fleet, first_copies, strata_of
from icscaler_sim.simulate.playable import acting, at_bases, bases_of
from icscaler_sim.simulate.policies import (
    BOUNDS,
    ICSCALER,
    NAMES,
    STATIC,
    Job,
    complete,
    knobs_of,
    label_of,
    outline,
)
from icscaler_sim.simulate.run import Scenario, run_job

__all__ = [
    "BOUNDS",
    "ICSCALER",
    "NAMES",
    "STATIC",
    "Fleet",
    "Job",
    "Scenario",
    "SimulationError",
    "acting",
    "at_bases",
    "bases_of",
    "complete",
    "first_copies",
    "knobs_of",
    "label_of",
    "outline",
    "run_job",
    "strata_of",
]
