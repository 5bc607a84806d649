"""Operating-system threads that wait for their turn, and can be told to end."""

from __future__ import annotations

import ctypes
import sys
import threading
import traceback
from collections.abc import Callable
from itertools import count

# moto evaluates states recursively, JSONata within them; some systems give threads half a megabyte.
_STACK_BYTES = 4 * 1024 * 1024
_END_ATTEMPTS = 20


class Killed(BaseException):
    """Raised in a task where it waits, to end it: no `except Exception` may stop it."""


def closed_gate() -> threading.Lock:
    """A lock as a gate: `release` lets one `acquire` through. Much cheaper than a Semaphore."""
    gate = threading.Lock()
    gate.acquire()
    return gate


class Worker(threading.Thread):
    """A thread that does one piece of `work` each time its gate `go` is opened.

    It ends when the work returns False or there is none.
    """

    _numbers = count(1)

    def __init__(self) -> None:
        super().__init__(name=f"state-machine-{next(self._numbers)}", daemon=True)
        self.go = closed_gate()
        self.work: Callable[[], bool] | None = None

    @classmethod
    def hired(cls) -> Worker:
        """A started worker with room for deep recursion."""
        worker = cls()
        before = threading.stack_size(_STACK_BYTES)
        try:
            worker.start()
        finally:
            threading.stack_size(before)
        return worker

    def run(self) -> None:
        while True:
            self.go.acquire()
            if self.work is None or not self.work():
                return

    def dismiss(self) -> None:
        """End a worker that has nothing to do."""
        self.work = None
        self.go.release()
        self.join(timeout=1)

    def end(self) -> None:
        """Stop a thread that computes for ever: `Killed` is raised at its next step."""
        raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
        for _ in range(_END_ATTEMPTS):
            if not self.is_alive():
                return
            # One is not always enough: exceptions in finalizers are ignored.
            raise_in(ctypes.c_ulong(self.ident or 0), ctypes.py_object(Killed))
            self.join(timeout=0.05)

    def place(self) -> str:
        """Where it is now, as a stack trace."""
        frame = sys._current_frames().get(self.ident or 0)
        return "".join(traceback.format_stack(frame)) if frame is not None else "(no stack)"
