"""How fast the simulator plays, by policy: model-minutes a second of CPU time, on one core.

Two hours of a generated fleet; `ICSCALER_TRACES` is not needed. The baseline of the same run is
static capacity, where the world alone is at work.
"""

from benchmarks import yardstick
from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler_sim.pricing import load_prices, static_peak
from icscaler_sim.simulate import Fleet, Job, Scenario, run_job
from icscaler_sim.simulate.default_fleet import (
    CLASS_RULE,
    OBJECTIVE,
    classes_by_rule,
    fleet_text,
)
from icscaler_sim.traces import MONDAY_S, default_copy_shape, generate_fleet

MODELS = 100
HOURS = 2
GOALS = {"static-packed": None, "hpa": 100_000, "aas-60s": 100_000, "icscaler": 10_000}


def run() -> None:
    """Print model-minutes a second, and how they stand to static capacity and the yardstick."""
    played = scenario(MODELS, HOURS)
    print(f"{'policy':<16}{'a second':>10}{'goal':>10}{'to static':>11}{'a yardstick':>13}")
    base = 0.0
    for policy, goal in GOALS.items():
        unit_ms = yardstick.cpu_ms()
        rate = MODELS * HOURS * 60 / run_job(played, Job(policy)).cpu_s
        base = base or rate
        print(
            f"{policy:<16}{rate:>10,.0f}{goal or '':>10}{rate / base:>11.3f}"
            f"{rate * unit_ms / 1000:>13.1f}"
        )


def scenario(models: int, hours: int) -> Scenario:
    """A working morning of a fleet whose models are mostly silent, by the default fleet rule."""
    trace = generate_fleet(models, seed=3, mean_rps=2.0 * models).window(
        9 * 3600, (9 + hours) * 3600
    )
    shapes = {name: default_copy_shape(name) for name in trace.models}
    prices, classes = load_prices(), classes_by_rule(CLASS_RULE, trace)
    text = fleet_text("made up", shapes, static_peak(trace, shapes), prices, classes, OBJECTIVE)
    fleet = Fleet(compile_fleet(load_fleet(text)).endpoints, shapes)
    return Scenario(trace, fleet, prices, MONDAY_S)
