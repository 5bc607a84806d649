"""`python -m benchmarks.sweeps reduced|week|full`: make the runs that are missing, print tables."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.sweeps import plan
from benchmarks.sweeps.bars import Results
from benchmarks.sweeps.picture import picture
from benchmarks.sweeps.plan import GRIDS, PARTS, REDUCED_GRID
from benchmarks.sweeps.play import play_missing
from benchmarks.sweeps.records import Ledger, Run
from benchmarks.sweeps.scenes import recorded_folder
from benchmarks.sweeps.tables import tables
from icscaler_sim.simulate import ICSCALER, label_of
from icscaler_sim.simulate.policies import CLAIRVOYANT
from icscaler_sim.simulate.pool import usable_cores

RESULTS = Path(__file__).parents[1] / "results"


def main(arguments: list[str]) -> int:
    """0 when the tables are complete, 3 when the time was over before."""
    options = _options(arguments)
    grid = GRIDS[options.grid]
    if recorded_folder() is None:
        print(
            "NOTE: ICSCALER_TRACES names no folder of recorded traffic: the seeded generator's is "
            "played. The bars are about recorded traffic; these figures say nothing of them.",
            file=sys.stderr,
        )
    # A week played for one grid is played for the other.
    kept = "reduced" if grid is REDUCED_GRID else "full"
    ledger = Ledger(options.results or RESULTS / f"{kept}.jsonl")
    until_s = time.monotonic() + 60 * options.minutes if options.minutes else None
    complete = True
    try:
        for name in [] if options.tables else options.part or PARTS:
            runs = PARTS[name](grid, ledger)
            if options.policy:
                runs = (run for run in runs if run.job.policy in options.policy)
            print(f"-- {name}", file=sys.stderr, flush=True)
            complete &= play_missing(
                runs,
                ledger,
                processes=options.processes or usable_cores(),
                any_code=options.any_code,
                until_s=until_s,
                on_done=_tell,
            )
    except KeyboardInterrupt:
        print("interrupted; what was made is kept", file=sys.stderr)
        complete = False
    print("\n".join(tables(Results(grid, ledger, options.any_code or options.tables))))
    if options.picture:
        _draw(Results(grid, ledger, options.any_code or options.tables), options.picture)
    if not complete:
        print("\nNot complete: run it again to go on.", file=sys.stderr)
    return 0 if complete else 3


def _draw(results: Results, path: Path) -> None:
    fleet = results.grid.fleet
    groups = {label_of(ICSCALER): results.ours(fleet)}
    groups["icscaler, spike alarms and wake events"] = results.ours(fleet, events=True)
    groups |= {label_of(name): group for name, group in results.peers(fleet).items()}
    groups = {name: group for name, group in groups.items() if group}
    if not groups:
        print(f"nothing was played yet, so {path} is not drawn", file=sys.stderr)
        return
    bound = results.one(plan.other(fleet, CLAIRVOYANT, {}))
    marks = {"knows the future": float(bound.figures["gpus"])} if bound is not None else {}
    path.write_text(picture(groups, f"GPUs against losses: {fleet.label}", marks), "utf-8")


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sweeps", description=__doc__)
    parser.add_argument("grid", choices=GRIDS)
    parser.add_argument("--part", action="append", choices=PARTS, help="only this part")
    parser.add_argument("--policy", action="append", help="only runs of this policy")
    parser.add_argument("--processes", type=int, help="default: one for each core")
    parser.add_argument("--minutes", type=float, help="stop starting runs after so long")
    parser.add_argument("--results", type=Path, help="the file of records")
    parser.add_argument("--picture", type=Path, help="draw the frontiers into this SVG")
    parser.add_argument("--tables", action="store_true", help="make no runs")
    parser.add_argument(
        "--any-code",
        action="store_true",
        help="take records of other versions of the code too (of peers, after changes that cannot "
        "concern them)",
    )
    return parser.parse_args(arguments)


def _tell(run: Run, figures: dict[str, Any]) -> None:
    settings = ", ".join(f"{name}={value}" for name, value in run.job.settings.items())
    print(
        f"{run.job.policy}{' without ' + run.without if run.without else ''} ({settings}) "
        f"{run.scene.label}: {figures['gpus']:.1f} GPUs, "
        f"{figures['lost']:.3%} lost, {figures['model_lost']:.1%} by models, "
        f"{figures['cpu_s']:.0f} s",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
