"""Threads that take turns: moto's blocking interpreter, driven by the virtual clock.

moto's interpreter is written for threads that block: a Wait state sleeps, a Map starts one thread
an iteration and waits for an event. Here each such thread is a `Task`. Exactly one of {the event
loop, one task} runs at any time; the turn is handed over explicitly, so a run depends on nothing
but its inputs:

* a task runs until it waits (`park`, `sleep`), needs something from the loop's side (`call`: an
  AWS call, a Lambda function), or ends;
* a waiting task is woken by another task, by a timer of the event loop, or by whoever calls the
  API from outside; woken tasks run in the order in which they were woken;
* while a task is ready, a timer at "now" is on the loop, so the clock never passes ready work,
  also when the loop is nested inside a Lambda handler that sleeps;
* a task can be ended from outside (`kill`) at the place where it waits: `Killed` is raised there
  and unwinds it. That is how StopExecution, a timeout, a failed sibling of a Map and the closing
  of the cloud end work at once.

What a `call` does runs on the loop's side, as everything else in the local cloud: Lambda handlers,
fault switches and botocore never see more than one thread. A task that computes for too long
without giving the turn back (an endless JSONata expression) is given up after `guard_s` seconds
of real time with an error that shows where it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import Any

from icscaler_localcloud.clock import EventLoop, Timer
from icscaler_localcloud.stepfunctions.workers import Killed, Worker, closed_gate

# moto's word for "no timeout" (99,999,999 s): no timer is kept for it.
FOREVER_S = 99_999_999
__all__ = ["FOREVER_S", "Killed", "Task", "TaskHungError", "Troupe"]


class TaskHungError(RuntimeError):
    """A task has not given the turn back within the real-time guard."""


class _State(Enum):
    NEW = auto()
    READY = auto()
    PARKED = auto()
    RUNNING = auto()
    CALLING = auto()
    DONE = auto()


class Task:
    """One thread of the interpreter. `label` is for messages."""

    def __init__(self, target: Callable[[], object], label: str) -> None:
        self.label = label
        self.context: Any = None
        """Whatever the starter wants to find again in this task and all tasks it starts."""
        self.children: list[Task] = []
        self._parent: Task | None = None
        self._target = target
        self._state = _State.NEW
        self._worker: Worker | None = None
        self._request: Callable[[], object] | None = None
        self._expected: tuple[type[Exception], ...] = ()
        self._calls = 0
        self._outcome: tuple[bool, Any] = (True, None)
        self._raise: BaseException | None = None
        self._killed = False
        self._woken = False
        self._queue: deque[Task] | None = None
        self._timer: Timer | None = None
        self._crash: BaseException | None = None
        self._joiners: deque[Task] = deque()

    @property
    def alive(self) -> bool:
        """Has it not ended yet?"""
        return self._state is not _State.DONE

    def __repr__(self) -> str:
        return f"<task {self.label} {self._state.name.lower()}>"


class Troupe:
    """The tasks of one local cloud."""

    def __init__(self, loop: EventLoop, *, guard_s: float = 60.0) -> None:
        self.loop = loop
        self.guard_s = guard_s
        self.current: Task | None = None
        """The task that runs now; None on the event loop's side."""
        self.switches = 0
        """How often the turn was handed to a task."""
        self._ready: deque[Task] = deque()
        self._drain_due = False
        self._yielded = closed_gate()
        self._idle: list[Worker] = []
        self._roots: list[Task] = []
        self._closed = False
        self._lost = False
        """Has a task kept the turn? Then nothing can be handed over any more."""
        self._lost_worker: Worker | None = None

    # -- called from anywhere

    def start(self, target: Callable[[], object], label: str, context: Any = None) -> Task:
        """Start a task: it runs when the loop next has its turn. A child of the current task."""
        if self._closed:
            raise RuntimeError(f"cannot start {label}: the local cloud is closed")
        task = Task(target, label)
        parent = self.current
        task.context = context if context is not None or parent is None else parent.context
        task._parent = parent
        (self._roots if parent is None else parent.children).append(task)
        self._make_ready(task, _State.NEW)
        return task

    def wake(self, task: Task) -> None:
        """End the wait of a parked task."""
        if task._state is _State.PARKED:
            task._woken = True
            self._unqueue(task)
            self._make_ready(task, _State.READY)

    def wake_all(self, queue: deque[Task]) -> None:
        """Wake every task of a waiting line, in order."""
        while queue:
            self.wake(queue[0])

    def interrupt(self, task: Task, error: BaseException) -> None:
        """Raise `error` in a task where it waits or calls. No effect on one that has ended."""
        if task._state in (_State.PARKED, _State.CALLING):
            task._raise = error
            self._unqueue(task)
            self._make_ready(task, _State.READY)

    def kill(self, tasks: list[Task]) -> None:
        """End these tasks and all they started, now."""
        victims = [task for task in tasks for task in _tree(task)]
        if self.current is not None:
            self.call(lambda: self._kill(victims))
        else:
            self._kill(victims)

    def close(self) -> None:
        """End every task and every thread; safe to call twice."""
        if self._closed:
            return
        if self._lost_worker is not None:
            self._lost_worker.end()
        if not self._lost:
            self.kill(list(self._roots))
        self._closed = True
        for worker in self._idle:
            worker.dismiss()
        self._idle.clear()

    # -- called by the running task

    def park(self, queue: deque[Task], timeout_s: float | None = None) -> bool:
        """Wait in `queue` to be woken; False when `timeout_s` of virtual time have passed."""
        task = self._running("wait")
        task._woken = False
        task._queue = queue
        queue.append(task)
        if timeout_s is not None and timeout_s < FOREVER_S:
            task._timer = self.loop.call_in(max(0.0, timeout_s), lambda: self._expire(task))
        self._yield(task, _State.PARKED)
        return task._woken

    def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.park(deque(), seconds)

    def join(self, task: Task, timeout_s: float | None = None) -> None:
        """Wait until `task` has ended."""
        if task.alive:
            self.park(task._joiners, timeout_s)

    def call(
        self, request: Callable[[], Any], expected: tuple[type[Exception], ...] = (Exception,)
    ) -> Any:
        """Have `request` run on the loop's side; its result, or the `expected` error it raised.

        Any other exception is a bug: it goes up through the event loop to whoever runs it.
        """
        task = self._running("call")
        task._request, task._expected = request, expected
        task._calls += 1
        self._yield(task, _State.CALLING)
        returned, value = task._outcome
        task._outcome = (True, None)
        if returned:
            return value
        raise value

    @contextmanager
    def scope(self) -> Iterator[None]:
        """Tasks started inside do not outlive it."""
        task = self._running("open a scope")
        mark = len(task.children)
        try:
            yield
        finally:
            left = task.children[mark:]
            del task.children[mark:]
            if any(child.alive for root in left for child in _tree(root)):
                self.kill(left)

    @contextmanager
    def deadline(self, seconds: float, error: Exception) -> Iterator[None]:
        """Raise `error` where the task then waits or calls, `seconds` from now."""
        task = self._running("set a deadline")
        if seconds >= FOREVER_S:
            yield
            return
        timer = self.loop.call_in(seconds, lambda: self.interrupt(task, error))
        try:
            yield
        finally:
            timer.cancel()

    # -- the hand-over

    def _running(self, purpose: str) -> Task:
        task = self.current
        if task is None:
            raise RuntimeError(f"only a task can {purpose}, not the event loop")
        if task._killed:
            raise Killed
        return task

    def _yield(self, task: Task, state: _State) -> None:
        worker = task._worker
        if worker is None:
            raise RuntimeError(f"{task!r} has no thread")
        if self._lost:
            raise Killed
        task._state = state
        self._yielded.release()
        worker.go.acquire()
        if task._timer is not None:
            task._timer.cancel()
            task._timer = None
        if task._killed:
            raise Killed
        if task._raise is not None:
            error, task._raise = task._raise, None
            raise error

    def _perform(self, task: Task, worker: Worker) -> bool:
        """What a worker does: the task from beginning to end; may the worker go on?"""
        try:
            task._target()
        except Killed:
            pass
        except BaseException as bug:
            task._crash = bug
        task._state = _State.DONE
        task._worker = None
        task._target = _nothing
        if self._lost:
            return False
        self._idle.append(worker)
        self._yielded.release()
        return True

    def _resume(self, task: Task) -> None:
        """Give the turn to `task` until it waits or ends; serve its calls meanwhile."""
        self._switch_to(task)
        while task._state is _State.CALLING and task._request is not None:
            request, task._request = task._request, None
            this_call = task._calls
            if self._ready:
                self._schedule_drain()
            try:
                outcome = (True, request())
            except task._expected as error:
                outcome = (False, error)
            if task._state is not _State.CALLING or task._calls != this_call:
                return  # killed or interrupted while the call was made: nobody wants the answer
            task._outcome = outcome
            self._switch_to(task)

    def _switch_to(self, task: Task) -> None:
        if task._worker is None:
            task._worker = self._hire(task)
        task._state = _State.RUNNING
        self.current = task
        self.switches += 1
        task._worker.go.release()
        try:
            if not self._yielded.acquire(timeout=self.guard_s):
                raise self._hung(task)
        except BaseException:
            # Also when an interrupt from the keyboard or a test's timeout strikes here.
            self._lost = task._killed = True
            self._lost_worker = task._worker
            raise
        finally:
            self.current = None
        if task._state is _State.DONE:
            self._bury(task)

    def _hire(self, task: Task) -> Worker:
        worker = self._idle.pop() if self._idle else Worker.hired()
        worker.work = lambda: self._perform(task, worker)
        return worker

    def _bury(self, task: Task) -> None:
        self.wake_all(task._joiners)
        siblings = self._roots if task._parent is None else task._parent.children
        if task._parent is None:
            siblings.remove(task)
        for orphan in task.children:
            orphan._parent = task._parent
        siblings.extend(task.children)
        task.children = []
        if task._crash is not None:
            crash, task._crash = task._crash, None
            raise crash

    def _hung(self, task: Task) -> TaskHungError:
        place = task._worker.place() if task._worker is not None else "(no thread)"
        return TaskHungError(
            f"{task.label} has not come back for {self.guard_s:g} s of real time; no state "
            f"machine of this local cloud can go on. It is at:\n{place}"
        )

    # -- readiness

    def _make_ready(self, task: Task, state: _State) -> None:
        task._state = state
        self._ready.append(task)
        self._schedule_drain()

    def _schedule_drain(self) -> None:
        if not self._drain_due:
            self._drain_due = True
            self.loop.call_in(0, self._drain)

    def _drain(self) -> None:
        self._drain_due = False
        while self._ready and not self._lost:
            self._resume(self._ready.popleft())

    def _expire(self, task: Task) -> None:
        if task._state is _State.PARKED:
            self._unqueue(task)
            self._make_ready(task, _State.READY)

    def _unqueue(self, task: Task) -> None:
        if task._queue is not None:
            task._queue.remove(task)
            task._queue = None

    def _kill(self, victims: list[Task]) -> None:
        for task in victims:
            task._killed = True
        crashes: list[BaseException] = []
        for task in victims:
            try:
                self._end(task)
            except Exception as crash:  # in a `finally` of what was ended: the others end as well
                crashes.append(crash)
        if crashes:
            raise crashes[0]

    def _end(self, task: Task) -> None:
        if task._state is _State.DONE:
            return
        self._unqueue(task)
        if task in self._ready:
            self._ready.remove(task)
        if task._worker is None:
            task._state = _State.DONE
            self._bury(task)
        else:
            self._resume(task)


def _nothing() -> None:
    """What a task that has ended still has to do; keeps nothing alive."""


def _tree(task: Task) -> Iterator[Task]:
    """The task and everything it started: what was started last first, itself at the end."""
    for child in reversed(task.children):
        yield from _tree(child)
    yield task
