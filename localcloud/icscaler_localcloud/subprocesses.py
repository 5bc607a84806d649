"""The Lambda runner with real processes: AWS's own runtime client, an environment per concurrency.

What the runner in this process imitates is real here: imports, memory, crashes, threads, sockets,
timeouts that end a busy loop. Handlers reach the cloud over HTTP on the loopback. docs/design/
004-lambda-runners.md says how the two runners differ.

Time. Workers read the cloud's clock (`lambda_worker`); it stands still while handlers compute and
moves when one sleeps. A function times out when its seconds are over on either clock, the virtual
or the real one. Everything else that is due at the instant a handler runs, other invocations among
it, runs meanwhile: that is where concurrency above one comes from.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from icscaler_localcloud.desk import DeskClosed
from icscaler_localcloud.door import Door
from icscaler_localcloud.faults import FunctionKilled
from icscaler_localcloud.http_front import HttpFront, HttpRequest
from icscaler_localcloud.lambda_errors import TaskTimedOut, killed
from icscaler_localcloud.lambda_variables import runtime_variables
from icscaler_localcloud.lambda_worker import SLEEP_PATH
from icscaler_localcloud.lambda_worker.clock import SharedClock
from icscaler_localcloud.lambdas import Function, RunRequest, RunResult
from icscaler_localcloud.wire import ApiReply
from icscaler_localcloud.worker_process import Outcome, WorkerProcess

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

# Lambda gives initialisation 10 s; ours shares its cores with everything else on this machine.
_INIT_LIMIT_S = 60.0
# More at once would only make each of them slower.
_MAX_SIDE_BY_SIDE = 8
# How often a worker that neither calls nor answers is looked at: does it live, is it too late?
_TICK_S = 0.05
# So that no setting of the person at this machine reaches a function.
_NOTHING_OF_THE_HOST = {
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
}


class RunnerUnavailable(RuntimeError):  # noqa: N818  (says what is missing)
    """This Python cannot run workers; the text says what to install."""


class _Run:
    """One invocation in progress."""

    def __init__(self, environment: WorkerProcess, request: RunRequest) -> None:
        self.environment, self.request = environment, request
        self.death: FunctionKilled | None = None
        self.bug: Exception | None = None

    def overdue(self, now_s: float) -> bool:
        """Is its time over, on either clock?"""
        if now_s > self.request.deadline_s:
            return True
        began_s = self.environment.handed_over_s
        if began_s is None:
            return time.monotonic() > self.environment.offered_s + _INIT_LIMIT_S
        return time.monotonic() > began_s + self.request.function.timeout_s


class SubprocessRunner:
    """Runs handlers in processes, warm environments first."""

    def __init__(self, cloud: LocalCloud) -> None:
        if find_spec("awslambdaric") is None:
            raise RunnerUnavailable(
                "the subprocess runner needs the package awslambdaric, which is not installed; "
                "`make setup` installs it"
            )
        self._cloud = cloud
        self._door = Door(cloud)
        self._clock = SharedClock(cloud.handlers_now_s)
        self._front = HttpFront(self._ask)
        self._idle: dict[str, list[WorkerProcess]] = {}
        self._runs: dict[str, _Run] = {}
        self._callers: list[_Run] = []

    def run(self, request: RunRequest) -> RunResult:
        """One invocation; an environment that did not survive it is not used again."""
        environment = self._free_environment(request.function)
        cold = environment.init_ms is None
        run = _Run(environment, request)
        self._clock.set(self._cloud.handlers_now_s)
        environment.begin(request)
        with self._in_progress(run):
            outcome = self._outcome(run)
        memory_mb = environment.max_memory_mb()
        if outcome.reusable:
            self._idle.setdefault(request.function.name, []).append(environment)
        else:
            environment.end()
        if run.bug is not None:
            raise run.bug
        return RunResult(
            payload=outcome.payload,
            error_type=outcome.error_type,
            lines=environment.take_lines(),
            cold=cold,
            init_ms=environment.init_ms if cold else None,
            max_memory_mb=memory_mb,
        )

    def forget(self, function: Function) -> None:
        """End the function's idle processes."""
        for environment in self._idle.pop(function.name, []):
            environment.end()

    def check_deadline(self) -> None:
        """Let the function that is calling die (TaskTimedOut) when its time is over."""
        if self._callers and self._callers[-1].overdue(self._cloud.clock.now_s):
            raise TaskTimedOut(self._callers[-1].request.function.timeout_s)

    def settle(self) -> None:
        """Before virtual time passes: let every handler end, or wait for time to pass as well."""
        while not all(self._at_rest(run) for run in self._runs.values()):
            self._cloud.desk.serve(_TICK_S)

    def _at_rest(self, run: _Run) -> bool:
        if run in self._callers or run.environment.outcome() is not None:
            return True
        self._give_up_on(run)
        return run.death is not None

    def _give_up_on(self, run: _Run) -> None:
        """Mark it as dead when its time is over."""
        if run.death is None and run.overdue(self._cloud.clock.now_s):
            run.death = TaskTimedOut(run.request.function.timeout_s)

    def pids(self) -> list[int]:
        """The processes of all environments, busy and idle."""
        busy = [run.environment for run in self._runs.values()]
        idle = [environment for idle in self._idle.values() for environment in idle]
        return [environment.pid for environment in (*busy, *idle)]

    def close(self) -> None:
        """End every process."""
        for run in self._runs.values():
            run.environment.end()
        for environments in self._idle.values():
            for environment in environments:
                environment.end()
        self._idle.clear()
        self._front.close()
        self._clock.close()

    def _free_environment(self, function: Function) -> WorkerProcess:
        idle = self._idle.setdefault(function.name, [])
        while idle:
            environment = idle.pop()
            if environment.alive and environment.function is function:
                return environment
            environment.end()
        variables = runtime_variables(function, self._cloud.region) | _NOTHING_OF_THE_HOST
        variables["AWS_ENDPOINT_URL"] = self._front.url
        return WorkerProcess(function, variables, self._clock.fd, self._cloud.desk.wake)

    @contextmanager
    def _in_progress(self, run: _Run) -> Iterator[None]:
        self._runs[run.environment.token] = run
        try:
            yield
        finally:
            del self._runs[run.environment.token]

    def _outcome(self, run: _Run) -> Outcome:
        """Wait for a worker. Its calls, and those of others, are answered meanwhile."""
        environment, cloud = run.environment, self._cloud
        while True:
            outcome = environment.outcome()
            if outcome is None:
                self._give_up_on(run)
            if run.death is not None:
                payload, error_type = killed(run.death, run.request.request_id)
                return Outcome(payload, error_type, reusable=False)
            if outcome is not None:
                return outcome
            due_s = cloud.loop.next_at_s()
            if (
                due_s is not None
                and due_s <= cloud.clock.now_s
                and len(self._runs) < _MAX_SIDE_BY_SIDE
            ):
                cloud.loop.sleep(0)
            cloud.desk.serve(_TICK_S)

    def _ask(self, request: HttpRequest) -> ApiReply | None:
        """On a connection's thread: have the cloud's thread answer a worker's call."""
        try:
            return self._cloud.desk.ask(lambda: self._called(request))
        except DeskClosed:
            return None

    # -- calls of workers, on the cloud's thread

    def _called(self, request: HttpRequest) -> ApiReply | None:
        """Answer a worker's call as its function; the call may cost its process the life."""
        run = self._runs.get(request.headers.get("x-amz-security-token", ""))
        if run is None:  # a thread that goes on after its handler returned
            return self._door.answer(request)
        if run.death is not None:
            return None
        self._callers.append(run)
        try:
            if request.target == SLEEP_PATH:
                self._cloud.sleep(max(0.0, float(request.body)))
                return ApiReply(200, {}, b"")
            return self._door.answer(request)
        except FunctionKilled as death:
            run.death = death
            return None
        except Exception as bug:
            # A bug of the cloud must reach whoever runs it, not look like an error of AWS's.
            run.bug = run.bug or bug
            return ApiReply(500, {}, "".join(traceback.format_exception(bug)).encode())
        finally:
            self._callers.pop()
            self._clock.set(self._cloud.handlers_now_s)
