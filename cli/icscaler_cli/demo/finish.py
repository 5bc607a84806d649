"""From a recording to the figures, the report and the verdict."""

from collections.abc import Mapping, Sequence

from icscaler.ports import DecisionRecord
from icscaler_cli.demo.play import MINUTE_S, Recording
from icscaler_cli.demo.scenario import Scenario
from icscaler_sim.pricing import (
    Alternative,
    Bill,
    HeldCopies,
    InstanceType,
    PriceTable,
    all_always_on,
    endpoint_per_model,
    measured,
    static_peak,
)
from icscaler_sim.report import OURS, Change, ModelRun, Requests, RunResult, Standing, Wake
from icscaler_sim.world import specs
from icscaler_sim.world.tally import RequestCounts, Tally


def run_result(
    scenario: Scenario,
    recording: Recording,
    tally: Tally,
    records: Sequence[DecisionRecord],
    prices: PriceTable,
    *,
    looks: int,
    failed_looks: Sequence[str],
    violations: Sequence[str],
    standings: Sequence[Standing],
) -> RunResult:
    """Everything the report needs. Alternatives are priced on the fleet's largest type; what ran,
    on the types that it ran on."""
    reference = _reference(scenario, prices)
    hours = recording.minutes / 60
    peaks = static_peak(scenario.trace, scenario.shapes)
    return RunResult(
        title=scenario.title,
        traffic=scenario.traffic,
        start_s=recording.start_s,
        step_s=MINUTE_S,
        steps=recording.minutes,
        seed=scenario.seed,
        reference_type=reference.name,
        prices=prices,
        models=[
            _model(name, scenario, recording, requests_of(tally.requests(name)))
            for name in scenario.models()
        ],
        gpus_in_use=_summed([one.gpus_in_use for one in recording.endpoints.values()]),
        gpu_capacity=_summed([one.gpu_capacity for one in recording.endpoints.values()]),
        alternatives=[
            _ours(scenario, recording, prices),
            endpoint_per_model(peaks, scenario.shapes, hours, prices, reference),
            all_always_on(peaks, scenario.shapes, hours, prices, reference),
        ],
        wakes=[_wake(wake) for wake in tally.wakes],
        changes=[_change(record) for record in records if record.at_s >= recording.start_s],
        looks=looks,
        failed_looks=failed_looks,
        invariant_violations=violations,
        notes=_notes(scenario, reference),
        standings=standings,
    )


def requests_of(counts: RequestCounts) -> Requests:
    """The world's books in the report's words; nobody waits any more when they are read."""
    return Requests(counts.arrived, counts.in_time, counts.late, counts.refused + counts.waiting)


def _reference(scenario: Scenario, prices: PriceTable) -> InstanceType:
    """The fleet's largest type: every copy fits on it."""
    endpoints = scenario.fleet.endpoints.values()
    variants = (variant for one in endpoints for variant in one.variants.values())
    return prices.get(max(variants, key=lambda one: one.gpus).instance_type)


def _notes(scenario: Scenario, reference: InstanceType) -> list[str]:
    """What must be known to compare a fleet of several instance types with the alternatives."""
    variants = (v for e in scenario.fleet.endpoints.values() for v in e.variants.values())
    types = sorted({variant.instance_type for variant in variants})
    if types == [reference.name]:
        return []
    return [
        f"icscaler's dollars beside those on {reference.name} are those of the types it ran on: "
        f"{', '.join(types)}. Copies serve as fast on each of them."
    ]


def _ours(scenario: Scenario, recording: Recording, prices: PriceTable) -> Alternative:
    spent: list[tuple[InstanceType, float]] = []
    for (_, type_name), seconds in recording.instance_seconds.items():
        spent.append((prices.get(type_name), seconds / 3600))
    bill = Bill(
        gpu_hours=recording.gpu_seconds / 3600,
        instance_hours=sum(hours for _, hours in spent),
        instance_gpu_hours=sum(hours * kind.gpus for kind, hours in spent),
        dollars=sum(hours * kind.usd_per_hour for kind, hours in spent),
        instances=_most_instances(scenario, recording),
        estimated_price=any(kind.estimated for kind, _ in spent),
    )
    held = {
        name: HeldCopies(MINUTE_S, {model: recording.models[model].held for model in config.models})
        for name, config in scenario.fleet.endpoints.items()
    }
    own = {
        name: prices.get(next(iter(config.variants.values())).instance_type)
        for name, config in scenario.fleet.endpoints.items()
    }
    return measured(OURS, OURS, bill, held, scenario.shapes, prices, own)


def _most_instances(scenario: Scenario, recording: Recording) -> Mapping[str, int]:
    """The most at a time, per type, each endpoint by itself."""
    most: dict[str, int] = {}
    for name, series in recording.endpoints.items():
        variant = next(iter(scenario.fleet.endpoints[name].variants.values()))
        peak = round(max(series.gpu_capacity, default=0.0) / variant.gpus)
        most[variant.instance_type] = most.get(variant.instance_type, 0) + peak
    return most


def _model(name: str, scenario: Scenario, recording: Recording, requests: Requests) -> ModelRun:
    endpoint, model = scenario.models()[name]
    series = recording.models[name]
    return ModelRun(
        name=name,
        endpoint=endpoint.name,
        gpus_per_copy=model.resources.gpus,
        min_copies=model.min_copies,
        protected=model.protected,
        requests=requests,
        demand_rps=series.demand_rps,
        lost=series.lost,
        held=series.held,
        ready=series.ready,
    )


def _wake(wake: specs.Wake) -> Wake:
    return Wake(wake.component, wake.first_refused_s, wake.copy_ready_s, dict(wake.phases))


def _change(record: DecisionRecord) -> Change:
    return Change(
        at_s=record.at_s,
        component=record.component,
        endpoint=record.endpoint,
        from_copies=record.from_copies,
        to_copies=record.to_copies,
        steps=record.steps,
        outcome=record.outcome,
        message=record.message,
        rules=record.rules,
    )


def _summed(series: Sequence[Sequence[float]]) -> list[float]:
    return [sum(values) for values in zip(*series, strict=True)]
