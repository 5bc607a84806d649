"""How other threads get work done by the thread that owns the cloud.

Everything in a local cloud happens on one thread: the loop's. Threads that read HTTP requests
hand their work in here and wait; the owner takes it between two timers, or while it waits for a
Lambda worker. So no service needs a lock, and nothing ever sees a half-finished step.
"""

from __future__ import annotations

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Event
from typing import Generic, TypeVar

T = TypeVar("T")


class DeskClosed(Exception):  # noqa: N818  (not an error: the cloud was closed meanwhile)
    """The cloud was closed before the work was done."""


class _Job(Generic[T]):
    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._done = Event()
        self._result: T
        self._error: BaseException | None = None

    def do(self) -> None:
        try:
            self._result = self._work()
        except KeyboardInterrupt:  # meant for the owner
            self.refuse()
            raise
        except BaseException as error:  # the asker's, whatever it is
            self._error = error
        self._done.set()

    def refuse(self) -> None:
        self._error = DeskClosed()
        self._done.set()

    def wait(self) -> T:
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self._result


class Desk:
    """Work handed in by other threads, done by the owner in the order it came."""

    def __init__(self) -> None:
        # Not queue.Queue: its put() may be called from a signal handler, which `wake` is.
        self._jobs: SimpleQueue[_Job[object] | None] = SimpleQueue()
        self._closed = False

    def ask(self, work: Callable[[], T]) -> T:
        """Have `work` done by the owner; its result or exception. `DeskClosed` when it ends."""
        job: _Job[T] = _Job(work)
        self._jobs.put(job)  # type: ignore[arg-type]  # do, refuse and wait are all that is used
        if self._closed:  # perhaps after the last look into the queue
            self._refuse_all()
        return job.wait()

    def serve(self, timeout_s: float, before: Callable[[], None] = lambda: None) -> bool:
        """Owner: wait up to `timeout_s` for one job or wake-up and do it; False: none came.

        `before` is called when a job has come, before it is done.
        """
        try:
            job = self._jobs.get(timeout=timeout_s) if timeout_s > 0 else self._jobs.get_nowait()
        except Empty:
            return False
        if job is not None:
            before()
            job.do()
        return True

    def wake(self) -> None:
        """Let `serve` return now. Safe in any thread and in a signal handler."""
        self._jobs.put(None)

    def close(self) -> None:
        """Refuse what waits and whatever comes later."""
        self._closed = True
        self._refuse_all()

    def _refuse_all(self) -> None:
        while True:
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return
            if job is not None:
                job.refuse()
