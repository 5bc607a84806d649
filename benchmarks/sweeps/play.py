"""Making the runs that are missing, in processes of their own, each kept as soon as it is done."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from functools import lru_cache
from typing import Any

from benchmarks.sweeps.ablations import without
from benchmarks.sweeps.records import Ledger, Run, figures_of
from benchmarks.sweeps.scenes import SceneKey, build
from icscaler_sim.simulate import Scenario, run_job

OnDone = Callable[[Run, dict[str, Any]], None]


@lru_cache(maxsize=2)
def _scenario(key: SceneKey) -> Scenario:
    return build(key)


def play(run: Run) -> dict[str, Any]:
    """One run in this process."""
    scenario = _scenario(run.scene)
    with without(run.without):
        return figures_of(run_job(scenario, run.job), scenario)


def play_missing(
    runs: Iterable[Run],
    ledger: Ledger,
    *,
    processes: int,
    any_code: bool,
    until_s: float | None,
    on_done: OnDone,
) -> bool:
    """Make the runs that the ledger lacks. False: the time was over before, or a run failed."""
    once = {run.key: run for run in runs}
    todo = [run for run in once.values() if ledger.of(run, any_code=any_code) is None]
    if not todo:
        return True
    # Scenes one after the other: a process keeps the last two.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(todo)), context, _nice) as pool:
        waiting: dict[Future[dict[str, Any]], Run] = {}
        failed = False
        try:
            while todo or waiting:
                over = until_s is not None and time.monotonic() > until_s
                while todo and not over and len(waiting) < processes:
                    run = todo.pop(0)
                    waiting[pool.submit(play, run)] = run
                if not waiting:
                    return False
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    run = waiting.pop(future)
                    if (trouble := future.exception()) is not None:
                        print(f"FAILED {run.told()}: {trouble!r}", file=sys.stderr, flush=True)
                        failed = True
                        continue
                    ledger.keep(run, future.result())
                    on_done(run, future.result())
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return not failed


def _nice() -> None:
    """Somebody may be working on this machine."""
    if hasattr(os, "nice"):
        os.nice(5)
