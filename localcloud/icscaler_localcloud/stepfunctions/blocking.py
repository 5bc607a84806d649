"""The blocking primitives that moto's interpreter uses, on tasks and virtual time.

`rebind` puts these into every module of moto's interpreter in the place of `threading`, `time`,
`datetime`, `random` and the names imported from them. They work on the troupe of the open cloud
(`perform_on`); without one, blocking is an error, for nothing could end it.
"""

from __future__ import annotations

import datetime as real_datetime
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from random import Random
from types import ModuleType, SimpleNamespace
from typing import Any

from icscaler_localcloud.stepfunctions.tasks import Task, Troupe
from icscaler_localcloud.virtual_datetime import VirtualDatetime

_troupe: Troupe | None = None
_random = Random(0)


def perform_on(troupe: Troupe | None, random: Random | None = None) -> None:
    """Let moto's threads be tasks of `troupe`, its jitter come from `random`; None ends it."""
    global _troupe, _random
    _troupe = troupe
    _random = random or Random(0)


def is_performed_by(troupe: Troupe) -> bool:
    """Is this the troupe of the open cloud?"""
    return _troupe is troupe


def stage() -> Troupe:
    """The troupe of the open cloud."""
    if _troupe is None:
        raise RuntimeError("state machines run only in an open local cloud")
    return _troupe


class Event:
    """threading.Event."""

    def __init__(self) -> None:
        self._flag = False
        self._waiting: deque[Task] = deque()

    def is_set(self) -> bool:
        return self._flag

    def set(self) -> None:
        self._flag = True
        stage().wake_all(self._waiting)

    def clear(self) -> None:
        self._flag = False

    def wait(self, timeout: float | None = None) -> bool:
        # As with the real one: who waited is let go by `set`, even if `clear` follows at once.
        return self._flag or stage().park(self._waiting, timeout)


class Lock(AbstractContextManager[bool]):
    """threading.Lock and RLock: tasks take turns, so none ever finds a lock taken.

    Unless one waited while it held it, which would be a deadlock waiting to happen.
    """

    def __init__(self) -> None:
        self._owner: Task | None = None
        self._depth = 0

    def acquire(self) -> bool:
        current = stage().current
        if self._depth and self._owner is not current:
            raise RuntimeError(f"{self._owner!r} waits while it holds a lock")
        self._owner = current
        self._depth += 1
        return True

    def release(self) -> None:
        self._depth -= 1

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class Thread:
    """threading.Thread."""

    native_id = None

    def __init__(
        self,
        target: Callable[..., object],
        name: str | None = None,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        daemon: bool | None = None,
    ) -> None:
        self._run = lambda: target(*args, **(kwargs or {}))
        self._name = name or str(getattr(target, "__qualname__", "thread"))
        self._task: Task | None = None

    def start(self) -> None:
        self._task = stage().start(self._run, self._name)

    def is_alive(self) -> bool:
        return self._task is not None and self._task.alive

    def join(self, timeout: float | None = None) -> None:
        if self._task is not None:
            stage().join(self._task, timeout)


class _Nowhere(list[Any]):
    """A list that keeps nothing: moto remembers every thread it ever started."""

    def append(self, _: Any) -> None:
        return


def _now_s() -> float:
    return stage().loop.clock.now_s


_virtual_datetime = VirtualDatetime(_now_s)
_threading = SimpleNamespace(Thread=Thread, Event=Event, Lock=Lock, RLock=Lock, Condition=Lock)
_time = SimpleNamespace(time=_now_s, sleep=lambda seconds: stage().sleep(seconds))
_seeded = SimpleNamespace(
    uniform=lambda low, high: _random.uniform(low, high),
    Random=lambda seed=None: _random if seed is None else Random(seed),
)

_MODULES: dict[str, tuple[Any, Any]] = {
    "threading": (threading, _threading),
    "time": (time, _time),
}
_NAMES: dict[str, tuple[Any, Any]] = {
    "Thread": (threading.Thread, Thread),
    "Event": (threading.Event, Event),
    "Lock": (threading.Lock, Lock),
}


def rebind(modules: Sequence[ModuleType]) -> None:
    """Put the stand-ins into these modules, wherever they hold the real thing."""
    for module in modules:
        held = vars(module)
        for name, (original, stand_in) in (_MODULES | _NAMES).items():
            if held.get(name) is original:
                setattr(module, name, stand_in)
        if "TMP_THREADS" in held:
            module.__dict__["TMP_THREADS"] = _Nowhere()
        if isinstance(held.get("random"), ModuleType):
            module.__dict__["random"] = _seeded
    _virtual_datetime.install(modules)


def real_primitives(modules: Sequence[ModuleType]) -> list[str]:
    """Names in these modules that still block or read the clock for real (for the seam's test)."""
    real = [original for original, _ in (_MODULES | _NAMES).values()]
    real += [real_datetime, real_datetime.datetime, threading.RLock, threading.Condition]
    return [
        f"{module.__name__}.{name}"
        for module in modules
        for name, held in vars(module).items()
        if any(held is original for original in real)
    ]
