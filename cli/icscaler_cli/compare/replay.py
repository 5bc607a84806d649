"""The same requests again, under icscaler in the simulated world."""

from collections.abc import Mapping
from dataclasses import replace

from icscaler.entities import EndpointConfig
from icscaler_cli.exporting.parts import Plan
from icscaler_cli.exporting.series import History
from icscaler_cli.exporting.trace import trace_of
from icscaler_sim.pricing import load_prices
from icscaler_sim.scoring import Score
from icscaler_sim.simulate import ICSCALER, Fleet, Job, Scenario, acting, at_bases, run_job
from icscaler_sim.simulate.fleet import copy_shapes


def played_of(endpoints: Mapping[str, EndpointConfig]) -> dict[str, EndpointConfig]:
    """The fleet as if icscaler scaled all of it; models without GPUs have no service profile."""
    found = {}
    for name, config in acting(endpoints).items():
        models = {n: model for n, model in config.models.items() if model.resources.gpus > 0}
        if models:
            found[name] = replace(config, models=models)
    return found


def replayed(
    endpoints: Mapping[str, EndpointConfig],
    bases: Mapping[str, list[str]],
    plan: Plan,
    history: History,
    warm_s: int,
) -> Score:
    """How icscaler would have done; the first `warm_s` are played and not counted.

    `plan` and `history` name adapters too; they are played as part of their base (`bases`).

    Raises `SimulationError` for a fleet that the world cannot play.
    """
    gpus = {m.name: m.resources.gpus for one in endpoints.values() for m in one.models.values()}
    gpus |= {one: gpus[base] for base, adapters in bases.items() for one in adapters}
    trace = at_bases(trace_of("what was asked", plan, history, gpus), bases)
    fleet = Fleet(endpoints, copy_shapes(endpoints))
    scenario = Scenario(trace, fleet, load_prices(), plan.start_s, warm_s=warm_s)
    return run_job(scenario, Job(ICSCALER))
