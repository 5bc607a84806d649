"""Many runs at a time: each in a process of its own, safe to start on any platform."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Event
from threading import Thread
from typing import TypeAlias

from icscaler_sim.baselines import PEERS
from icscaler_sim.scoring import Score
from icscaler_sim.simulate.policies import BOUNDS, ICSCALER, STATIC, Job
from icscaler_sim.simulate.run import Scenario, run_job

Tick: TypeAlias = tuple[int, float] | None
"""(number of the job, share of its period that is done since the last tick); None: no more."""

OnShare = Callable[[int, float], None]
OnScore = Callable[[int, Score], None]
"""Told the number of a job that is done, and its score."""


class _Worker:
    """What a process keeps between its runs; set when the process starts."""

    scenario: Scenario
    ticks: SimpleQueue[Tick]
    stop: Event


def run_all(
    scenario: Scenario,
    jobs: Sequence[Job],
    *,
    processes: int | None = None,
    on_share: OnShare | None = None,
    on_score: OnScore | None = None,
) -> list[Score]:
    """Every job's score, in the order of the jobs. `processes` None: as many as there are cores.

    Raises what a run raises; the others are then given up, as they are when the caller is
    interrupted.
    """
    count = min(processes or usable_cores(), len(jobs))
    tell = on_share or (lambda number, share: None)
    done = on_score or (lambda number, score: None)
    if count <= 1:
        return [_here(scenario, number, job, tell, done) for number, job in enumerate(jobs)]
    context = multiprocessing.get_context("spawn")
    ticks: SimpleQueue[Tick] = context.SimpleQueue()
    stop = context.Event()
    with (
        _listening(ticks, tell),
        ProcessPoolExecutor(count, context, _begin, (scenario, ticks, stop)) as pool,
    ):
        futures: dict[int, Future[Score]] = {}
        try:
            # Long runs first, so that none is left alone at the end.
            with _interrupts_held():
                for number in sorted(range(len(jobs)), key=lambda at: -effort(jobs[at])):
                    futures[number] = pool.submit(_run, number, jobs[number])
            of = {future: number for number, future in futures.items()}
            for future in as_completed(of):
                done(of[future], future.result())
            return [futures[number].result() for number in range(len(jobs))]
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def usable_cores() -> int:
    """Cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def effort(job: Job) -> float:
    """Roughly how long a run takes, compared with others."""
    if job.policy in BOUNDS:
        return 0.5
    if job.policy in STATIC:
        return 1.0
    looks_fast = any(one.name == job.policy and one.period_s == 10 for one in PEERS)
    return 10.0 if job.policy == ICSCALER or looks_fast else 2.0


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Processes started meanwhile never see Ctrl-C: it reaches the whole process group, and only
    the parent has something to say about it. A parent that is interrupted in between hears of it
    afterwards: half a process cannot be stopped in good order."""
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    told: list[int] = []
    handler = signal.signal(signal.SIGINT, lambda number, _: told.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
    if told:
        raise KeyboardInterrupt


@contextmanager
def _listening(ticks: SimpleQueue[Tick], tell: OnShare) -> Iterator[None]:
    def listen() -> None:
        while (tick := ticks.get()) is not None:
            tell(*tick)

    thread = Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ticks.put(None)
        thread.join()


def _here(scenario: Scenario, number: int, job: Job, tell: OnShare, done: OnScore) -> Score:
    score = run_job(scenario, job, lambda share: tell(number, share))
    done(number, score)
    return score


def _begin(scenario: Scenario, ticks: SimpleQueue[Tick], stop: Event) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()
    _Worker.scenario, _Worker.ticks, _Worker.stop = scenario, ticks, stop


def _end_with_parent() -> None:
    """A parent that is killed cannot tell its processes to stop."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(number: int, job: Job) -> Score:
    def tell(share: float) -> None:
        if _Worker.stop.is_set():
            raise KeyboardInterrupt
        _Worker.ticks.put((number, share))

    return run_job(_Worker.scenario, job, tell)
