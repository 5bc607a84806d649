"""The same requests again, under icscaler in the simulated world."""

from collections.abc import Mapping
from dataclasses import replace

from icscaler.entities import EndpointConfig, ModelConfig
from icscaler_cli.exporting.parts import Plan
from icscaler_cli.exporting.series import History
from icscaler_cli.exporting.trace import trace_of
from icscaler_sim.pricing import load_prices
from icscaler_sim.scoring import Score
from icscaler_sim.simulate import ICSCALER, Fleet, Job, Scenario, run_job
from icscaler_sim.simulate.fleet import copy_shapes


def playable(model: ModelConfig) -> bool:
    """Whether the world has a service profile for it."""
    return model.kind == "component" and model.adapter_of is None and model.resources.gpus > 0


def acting(endpoints: Mapping[str, EndpointConfig]) -> dict[str, EndpointConfig]:
    """The fleet as if icscaler scaled all of it that can be played."""
    found = {}
    for name, config in endpoints.items():
        models = {
            model.name: replace(model, observe=False, paused=False)
            for model in config.models.values()
            if playable(model)
        }
        if models:
            found[name] = replace(config, observe=False, paused=False, models=models)
    return found


def replayed(
    endpoints: Mapping[str, EndpointConfig], plan: Plan, history: History, warm_s: int
) -> Score:
    """How icscaler would have done; the first `warm_s` are played and not counted.

    Raises `SimulationError` for a fleet that the world cannot play.
    """
    gpus = {m.name: m.resources.gpus for one in endpoints.values() for m in one.models.values()}
    trace = trace_of("what was asked", plan, history, gpus)
    fleet = Fleet(endpoints, copy_shapes(endpoints))
    scenario = Scenario(trace, fleet, load_prices(), plan.start_s, warm_s=warm_s)
    return run_job(scenario, Job(ICSCALER))
