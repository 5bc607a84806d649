"""Tables of a sweep in Markdown: bars first, then what they stand on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.sweeps import plan
from benchmarks.sweeps.bars import LEVELS, Bar, Results, bars
from benchmarks.sweeps.lines import frontier, gpu_hours_at, model_lost
from benchmarks.sweeps.records import Record
from benchmarks.sweeps.scenes import SceneKey, recorded_folder
from icscaler_sim.simulate import ICSCALER, knobs_of, label_of

_MET = {True: "met", False: "**missed**", None: "not measured"}


def tables(results: Results) -> Iterator[str]:
    """Everything there is to tell, line by line."""
    grid = results.grid
    yield from said_of(results)
    yield from _bars(list(bars(results)))
    for scene in (grid.fleet, grid.bursty, grid.multimodal):
        yield f"\n### GPUs for a share in time: {scene.label}\n"
        yield from levels(results, scene)
    yield f"\n### icscaler by price: {grid.fleet.label}\n"
    yield from _points([*results.ours(grid.fleet), *results.ours(grid.fleet, events=True)])
    yield f"\n### Settings along the peers' frontier: {grid.fleet.label}\n"
    everybody = [one for group in results.peers(grid.fleet).values() for one in group]
    yield from _points(frontier(everybody))
    yield "\n### The same by models (every called model counts alike)\n"
    yield from _points(frontier(everybody, model_lost))
    yield "\n### Reference points\n"
    yield from _points(results.of(plan.frames(grid)))
    yield "\n### Start-up time\n"
    yield from _points(results.of(plan.starts(grid)), scenes=True)
    yield "\n### Shortage: 60 % of the GPUs held at peak\n"
    yield from _points(results.of(plan.shortage(grid, results.ledger)))
    yield "\n### Without a part of the decision core\n"
    yield from _points(results.of(plan.ablations(grid)))
    yield "\n### Days apart (at the default price)\n"
    yield from _days(results.one(plan.ours(grid.fleet, plan.DEFAULT_PRICE)))
    yield "\n### Seeds\n"
    yield from _seeds(results)


def said_of(results: Results) -> Iterator[str]:
    """What was played."""
    grid = results.grid
    made = len(list(results.ledger))
    where = "recorded traffic" if recorded_folder() else "GENERATED traffic (no ICSCALER_TRACES)"
    scenes = "; ".join(scene.label for scene in (grid.fleet, grid.bursty, grid.multimodal))
    yield f"Grid `{grid.name}` on {where}: {scenes}."
    yield f"{made} runs kept; prices {', '.join(f'{price:g}' for price in grid.prices)}.\n"


def _bars(found: Sequence[Bar]) -> Iterator[str]:
    yield "| claim | figure | bar | |"
    yield "|---|---:|---:|---|"
    for bar in found:
        yield f"| {bar.claim} | {bar.figure} | {bar.bar} | {_MET[bar.met]} |"


def levels(results: Results, scene: SceneKey) -> Iterator[str]:
    """Mean GPUs of every policy's frontier at each level; settings tried beside it."""
    events = results.ours(scene, events=True)
    groups = {label_of(ICSCALER): results.ours(scene)}
    if len(events) > 1:
        groups["icscaler, spike alarms and wake events"] = events
    for name, records in results.peers(scene).items():
        groups[label_of(name)] = records
    yield "| policy | settings | " + " | ".join(f"{1 - level:.1%}" for level in LEVELS) + " |"
    yield "|---|---:|" + "---:|" * len(LEVELS)
    for label, records in groups.items():
        if records:
            hours = float(records[0].figures["hours"])
            cells = [
                "-" if (found := gpu_hours_at(records, level)) is None else f"{found / hours:.1f}"
                for level in LEVELS
            ]
            yield f"| {label} | {len(records)} | {' | '.join(cells)} |"


def _points(records: Sequence[Record], *, scenes: bool = False) -> Iterator[str]:
    yield (
        "| policy | GPUs | lost | lost by models | instance GPU-hours | dollars | cheapest | wake "
        "p50 / p90 s | starts | young | changes |"
    )
    yield "|---|" + "---:|" * 10
    for record in records:
        figures, wakes = record.figures, record.figures["wakes"]
        name = _name(record)
        if scenes:
            name += f", start {record.told['scene']['start_s']:g} s"
        yield (
            f"| {name} | {figures['gpus']:.1f} | {record.lost:.3%} | {record.model_lost:.2%} | "
            f"{figures['instance_gpu_hours']:,.0f} | {figures['dollars']:,.0f} | "
            f"{figures['cheapest_dollars']:,.0f} | {wakes['p50_s']} / {wakes['p90_s']} | "
            f"{figures['starts']} | {figures['young_kills']} | {figures['changes']} |"
        )


def _name(record: Record) -> str:
    usual = {knob.name: knob.default for knob in knobs_of(record.policy)}
    changed = {k: v for k, v in record.settings.items() if usual.get(k, object()) != v}
    settings = ", ".join(f"{name}={value}" for name, value in changed.items())
    events = " with events" if record.told["wake_events"] else ""
    if "without" in record.told:
        return f"without {record.told['without']}"
    return f"{record.policy}{events}" + (f" ({settings})" if settings else "")


def _days(record: Record | None) -> Iterator[str]:
    if record is None:
        return
    yield "| days | GPU-hours | lost |"
    yield "|---|---:|---:|"
    parts = record.figures["parts"]
    spans = {f"{day + 1}": parts[day : day + 1] for day in range(len(parts))}
    if len(parts) == 7:
        spans |= {"1 to 4 (tuned on)": parts[:4], "5 to 7 (reported)": parts[4:]}
    for label, chosen in spans.items():
        hours = sum(part["gpu_hours"] for part in chosen)
        share = sum(part["lost"] for part in chosen) / sum(part["requests"] for part in chosen)
        yield f"| {label} | {hours:,.0f} | {share:.3%} |"


def _seeds(results: Results) -> Iterator[str]:
    yield "| policy | seeds | GPUs | lost |"
    yield "|---|---:|---:|---:|"
    grid = results.grid
    groups = {
        ICSCALER: [plan.ours(grid.fleet, plan.DEFAULT_PRICE, seed=seed) for seed in grid.seeds],
        "keep-alive": [plan.other(grid.fleet, "keep-alive", {}, seed=seed) for seed in grid.seeds],
    }
    for name, runs in groups.items():
        records = results.of(iter(runs))
        if records:
            gpus = sorted(float(one.figures["gpus"]) for one in records)
            lost = sorted(one.lost for one in records)
            yield (
                f"| {name} | {len(records)} | {gpus[0]:.2f} to {gpus[-1]:.2f} | "
                f"{lost[0]:.3%} to {lost[-1]:.3%} |"
            )
