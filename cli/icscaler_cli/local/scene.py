"""What a served cloud begins with: a fleet without traffic, or one that a trace is played on."""

from pathlib import Path

import numpy as np

from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler_cli.demo.room import first_copies
from icscaler_cli.demo.scenario import Scenario, Wanted, build_scenario
from icscaler_cli.demo.trouble import DemoError
from icscaler_cli.playing import find_repository
from icscaler_sim.pricing import load_prices
from icscaler_sim.simulate.fleet import copy_shapes
from icscaler_sim.traces import Trace

_OUT = Path("build", "local")
"""Where the fleet file of a trace that comes without one is written."""


def quiet_scene(fleet_file: Path, seed: int, start_s: int) -> Scenario:
    """A fleet at `start_s`, every model with its floor or one copy, nobody calling."""
    fleet = compile_fleet(load_fleet(fleet_file))
    shapes = copy_shapes(fleet.endpoints)
    none = np.zeros(0, dtype=np.int64)
    trace = Trace("no traffic", tuple(shapes), 60, 60, none, none, none, none, none)
    copies = first_copies(fleet, trace, shapes)
    title = str(fleet_file)
    return Scenario(title, "no traffic", start_s, trace, fleet, shapes, copies, seed)


def traffic_scene(trace: Path, fleet_file: Path | None, seed: int) -> Scenario:
    """Recorded traffic on this fleet, or on one sized by the default rule."""
    try:
        _OUT.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DemoError(
            f"{_OUT} cannot be made: {error.strerror}", "start it where files can be written"
        ) from error
    wanted = Wanted(trace, fleet_file, hours=None, start_h=0.0, seed=seed)
    return build_scenario(wanted, find_repository(), _OUT, load_prices(None))
