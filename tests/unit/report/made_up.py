"""A small made-up run for the report's tests."""

from dataclasses import replace

from icscaler_sim.pricing import Alternative, Bill, load_prices
from icscaler_sim.report import (
    OURS,
    Change,
    ModelRun,
    Requests,
    RuleStanding,
    RunResult,
    Standing,
    Wake,
)

START_S = 1_767_571_200  # a Monday's midnight, UTC


def bill(dollars: float) -> Bill:
    return Bill(
        gpu_hours=dollars / 10,
        instance_hours=dollars / 25,
        instance_gpu_hours=dollars / 3,
        dollars=dollars,
        instances={"ml.p4d.24xlarge": 2},
    )


def made_up_run() -> RunResult:
    steps = 120
    busy = [0.0] * 60 + [4.0] * 60
    lost = [0] * 60 + [40, 20] + [0] * 58
    held = [0.0] * 61 + [1.0] * 59
    ready = [0.0] * 64 + [1.0] * 56
    return RunResult(
        title="A <made-up> run",
        traffic="made up, seed 3",
        start_s=START_S,
        step_s=60,
        steps=steps,
        seed=3,
        reference_type="ml.p4d.24xlarge",
        prices=load_prices(),
        models=[
            ModelRun("warm", "shared", 1, 1, True, Requests(1000, 990, 10, 0),
                     [0.2] * steps, [0] * steps, [1.0] * steps, [1.0] * steps),
            ModelRun("rare", "shared", 4, 0, False, Requests(14400, 14340, 0, 60),
                     busy, lost, held, ready),
        ],
        gpus_in_use=[1 + 4 * copies for copies in held],
        gpu_capacity=[8.0] * steps,
        alternatives=[
            Alternative(OURS, "icscaler", bill(100.0), bill(90.0)),
            Alternative("endpoint_per_model", "one endpoint per model", bill(400.0), bill(60.0)),
        ],
        wakes=[
            Wake("rare", START_S + 3600.5, START_S + 3840.5,
                 {"decision": 70.0, "instance": 0.0, "image": 20.0, "weights": 80.0,
                  "engine": 70.0}),
            Wake("rare", START_S + 9000, START_S + 9100, {"engine": 100.0}),
        ],
        standings=[
            Standing(START_S + 3600, "warm", 2, False,
                     [RuleStanding("1 x peak of 3 min", 2, 0.8123, 61.23, 4.0, 1840.6)],
                     {1: 75.4, 2: 0.0}),
        ],
        changes=[
            Change(START_S + 3670, "rare", "shared", 0, 1, ("WokenByRefusedRequest 1",),
                   "Accepted"),
            Change(START_S + 5000, "warm", "shared", 1, 3, ("AboveTarget 9", "ScaleOutRate 3"),
                   "InFlight", "</script><b>still updating"),
            Change(START_S + 7000, "rare", "shared", 1, 0, ("Idle 0",), "Accepted", "",
                   ("4 min after use: 0 copies, weight 0.71, cost 12",)),
        ],
        looks=120,
    )  # fmt: skip


def unhealthy_run() -> RunResult:
    return replace(
        made_up_run(),
        invariant_violations=("2: AllTraffic would hold 40 GPUs of 32",),
        failed_looks=("00:01 reconcile: boom",),
    )
