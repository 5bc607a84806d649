"""Lambda functions: what is deployed, how it is invoked, and what became of each invocation.

A `Runner` executes one invocation in some execution environment; this module is everything
around it that is the same for all runners: concurrency, synchronous and asynchronous invocation
with retries and destinations, the invocation log. The runner in this process is `inprocess.py`,
the one with a process per environment `subprocesses.py`.

Asynchronous semantics (Lambda Developer Guide, "Asynchronous invocation"): an error is retried
twice by default, one and then two minutes later; a throttle is retried with backoff until the
event is six hours old; then the event goes to the on-failure destination or dead-letter queue.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from icscaler_localcloud import moto_seams
from icscaler_localcloud.faults import Lane
from icscaler_localcloud.faults.functions import Trouble
from icscaler_localcloud.iam import Principal
from icscaler_localcloud.targets import DeliveryError

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

ASYNC_RETRY_DELAYS_S = (60, 120)
MAX_EVENT_AGE_S = 6 * 3600
_MAX_THROTTLE_DELAY_S = 300
_LOG_LENGTH = 20_000


@dataclass(slots=True)
class Function:
    """One deployed function. Times in seconds, memory in MB, paths of unpacked code and layers."""

    name: str
    logical_id: str
    arn: str
    handler: str
    runtime: str
    role_arn: str
    code_path: Path
    layer_paths: tuple[Path, ...] = ()
    timeout_s: int = 3
    memory_mb: int = 128
    environment: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    architectures: tuple[str, ...] = ("x86_64",)
    tracing: str = "PassThrough"
    log_group: str = ""
    log_format: str = "Text"
    reserved_concurrency: int | None = None
    dead_letter_arn: str | None = None
    retry_attempts: int = 2
    max_event_age_s: int = MAX_EVENT_AGE_S
    on_success_arn: str | None = None
    on_failure_arn: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    policy: list[dict[str, Any]] = field(default_factory=list)
    """The resource policy's statements (AWS::Lambda::Permission)."""

    @property
    def access_key(self) -> str:
        """The access key the function's clients sign with; unique to its role session."""
        digest = hashlib.sha256(self.name.encode()).hexdigest().upper()
        return f"ASIA{digest[:16]}"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What a runner is asked to do: `payload` is JSON; the deadline is virtual epoch seconds."""

    function: Function
    payload: str
    request_id: str
    deadline_s: float
    trace_id: str


@dataclass(frozen=True, slots=True)
class RunResult:
    """What came out: `payload` is JSON, the function's answer or AWS's error object."""

    payload: str
    error_type: str | None
    lines: tuple[str, ...]
    cold: bool
    init_ms: float | None = None
    """Real time a cold start took, where the runner can tell."""
    max_memory_mb: int | None = None
    """The most its process has held so far, where the runner can tell."""

    @property
    def ok(self) -> bool:
        """Did the handler return?"""
        return self.error_type is None


class Runner(Protocol):
    """Executes invocations; keeps execution environments warm between them."""

    def run(self, request: RunRequest) -> RunResult:
        """One invocation in a free environment, a fresh one if none is warm."""
        ...

    def forget(self, function: Function) -> None:
        """Throw away the function's warm environments: its next invocation starts cold."""
        ...

    def check_deadline(self) -> None:
        """Let the function that is calling die (FunctionKilled) when its time is over."""
        ...

    def settle(self) -> None:
        """Before virtual time passes: let what runs beside the caller come to rest."""
        ...

    def close(self) -> None:
        """Throw all environments away."""
        ...


@dataclass(frozen=True, slots=True)
class Invocation:
    """One finished invocation, as `LocalCloud.lambda_log` keeps it."""

    function: str
    logical_id: str
    request_id: str
    at_s: float
    ended_s: float
    trigger: str
    attempt: int
    event: Any
    ok: bool
    result: Any
    error: str | None
    lines: tuple[str, ...]
    cold: bool
    real_ms: float
    init_ms: float | None = None
    max_memory_mb: int | None = None
    cpu_ms: float = 0.0
    """CPU time of this process meanwhile; with the runner in this process that is the handler's."""


class TooManyRequestsError(Exception):
    """The function has no concurrency left."""


class Functions:
    """The deployed functions and their invocations."""

    def __init__(self, cloud: LocalCloud, runner: Runner) -> None:
        self._cloud = cloud
        self._runner = runner
        self._by_name: dict[str, Function] = {}
        self._in_flight: dict[str, int] = {}
        self.log: deque[Invocation] = deque(maxlen=_LOG_LENGTH)
        self.invocations: Counter[str] = Counter()
        """How often each function was invoked, by logical id."""

    def add(self, function: Function) -> None:
        """Deploy a function; its clients act as its role from now on."""
        self._by_name[function.name] = function
        role = function.role_arn.rsplit("/", 1)[-1]
        session = f"arn:aws:sts::{self._cloud.account}:assumed-role/{role}/{function.name}"
        self._cloud.gateway.enrol(
            function.access_key,
            Principal(frozenset({function.name, function.logical_id}), function.role_arn, session),
        )

    def get(self, name: str) -> Function:
        """By name, ARN (qualified or not) or logical id; KeyError naming it."""
        bare = name.split(":function:", 1)[-1].split(":", 1)[0]
        if bare in self._by_name:
            return self._by_name[bare]
        for function in self._by_name.values():
            if function.logical_id == name:
                return function
        raise KeyError(f"no function {name}")

    def all(self) -> list[Function]:
        """In the order they were deployed."""
        return list(self._by_name.values())

    def running(self, function: Function) -> int:
        """Invocations in progress (more than one while a handler waits)."""
        return self._in_flight.get(function.name, 0)

    def invoke(
        self,
        name: str,
        event: Any,
        *,
        trigger: str = "invoke",
        attempt: int = 1,
        request_id: str = "",
    ) -> Invocation:
        """Run a function now and wait; TooManyRequestsError when it has no concurrency left."""
        function = self.get(name)
        if self._exhausted(function):
            self._cloud.throttled(function)
            raise TooManyRequestsError(function.name)
        self._in_flight[function.name] = self.running(function) + 1
        try:
            return self._run(function, event, trigger, attempt, request_id or moto_seams.new_id())
        finally:
            self._in_flight[function.name] -= 1

    def _exhausted(self, function: Function) -> bool:
        """Is no concurrency left for the function, really or by a fault?"""
        limit = function.reserved_concurrency
        if limit is not None and self.running(function) >= limit:
            return True
        return self._cloud.faults.troubled(Trouble.THROTTLED, function.name, function.logical_id)

    def _run(
        self, function: Function, event: Any, trigger: str, attempt: int, request_id: str
    ) -> Invocation:
        if self._cloud.faults.troubled(Trouble.COLD, function.name, function.logical_id):
            self._runner.forget(function)
        clock = self._cloud.clock
        at_s = clock.now_s
        started_ms, cpu_s = self._cloud.real_ms(), time.process_time()
        trace = hashlib.sha256(request_id.encode()).hexdigest()
        ran = self._runner.run(
            RunRequest(
                function=function,
                payload=json.dumps(event),
                request_id=request_id,
                deadline_s=at_s + function.timeout_s,
                trace_id=f"Root=1-{int(at_s):08x}-{trace[:24]};Parent={trace[24:40]};Sampled=0",
            )
        )
        answer = json.loads(ran.payload) if ran.payload else None
        error = (
            f"{ran.error_type}: {(answer or {}).get('errorMessage', '')}"
            if ran.error_type
            else None
        )
        done = Invocation(
            function=function.name,
            logical_id=function.logical_id,
            request_id=request_id,
            at_s=at_s,
            ended_s=clock.now_s,
            trigger=trigger,
            attempt=attempt,
            event=event,
            ok=ran.ok,
            result=answer,
            error=error,
            lines=ran.lines,
            cold=ran.cold,
            real_ms=self._cloud.real_ms() - started_ms,
            init_ms=ran.init_ms,
            max_memory_mb=ran.max_memory_mb,
            cpu_ms=(time.process_time() - cpu_s) * 1000,
        )
        self.log.append(done)
        self.invocations[function.logical_id] += 1
        self._cloud.invocation_done(function, done)
        return done

    # -- asynchronous

    def invoke_async(self, name: str, event: Any, *, trigger: str) -> str:
        """Queue an event for a function; returns the request id."""
        job = _AsyncEvent(
            self.get(name), event, trigger, moto_seams.new_id(), self._cloud.clock.now_s
        )
        self._cloud.arrive(
            Lane.ASYNC,
            trigger,
            job.function.arn,
            lambda: self._accept(replace(job)),
        )
        return job.request_id

    def _accept(self, job: _AsyncEvent) -> None:
        self._cloud.loop.call_in(self._cloud.delays.async_invoke_s, lambda: self._attempt(job))

    def _attempt(self, job: _AsyncEvent) -> None:
        try:
            done = self.invoke(
                job.function.name,
                job.event,
                trigger=job.trigger,
                attempt=job.attempt,
                request_id=job.request_id,
            )
        except TooManyRequestsError:
            delay_s = min(2.0**job.throttles, _MAX_THROTTLE_DELAY_S)
            job.throttles += 1
            self._again(job, delay_s, "EventAgeExceeded", None)
            return
        if done.ok:
            self._to_destination(job, job.function.on_success_arn, "Success", done)
        elif job.attempt > job.function.retry_attempts:
            self._give_up(job, "RetriesExhausted", done)
        else:
            delay_s = ASYNC_RETRY_DELAYS_S[min(job.attempt, len(ASYNC_RETRY_DELAYS_S)) - 1]
            job.attempt += 1
            self._again(job, delay_s, "EventAgeExceeded", done)

    def _again(
        self, job: _AsyncEvent, delay_s: float, condition: str, done: Invocation | None
    ) -> None:
        too_old_s = job.accepted_s + job.function.max_event_age_s
        if self._cloud.clock.now_s + delay_s > too_old_s:
            self._give_up(job, condition, done)
        else:
            self._cloud.loop.call_in(delay_s, lambda: self._attempt(job))

    def _give_up(self, job: _AsyncEvent, condition: str, done: Invocation | None) -> None:
        self._to_destination(job, job.function.on_failure_arn, condition, done)
        if job.function.dead_letter_arn is not None:
            self._send(job, job.function.dead_letter_arn, job.event)

    def _to_destination(
        self, job: _AsyncEvent, arn: str | None, condition: str, done: Invocation | None
    ) -> None:
        """Send the invocation record (Developer Guide, "Adding a destination")."""
        if arn is None:
            return
        record: dict[str, Any] = {
            "version": "1.0",
            "timestamp": self._cloud.iso_now(milliseconds=True),
            "requestContext": {
                "requestId": job.request_id,
                "functionArn": f"{job.function.arn}:$LATEST",
                "condition": condition,
                "approximateInvokeCount": job.attempt,
            },
            "requestPayload": job.event,
        }
        if done is not None:
            context = {"statusCode": 200, "executedVersion": "$LATEST"}
            record["responseContext"] = context | (
                {} if done.ok else {"functionError": "Unhandled"}
            )
            record["responsePayload"] = done.result
        self._send(job, arn, record)

    def _send(self, job: _AsyncEvent, arn: str, body: Any) -> None:
        try:
            self._cloud.targets.deliver(
                arn, body, source_arn=job.function.arn, role_arn=job.function.role_arn
            )
        except DeliveryError as failure:
            self._cloud.undelivered.append(f"{job.function.name} -> {arn}: {failure}")


@dataclass(slots=True)
class _AsyncEvent:
    function: Function
    event: Any
    trigger: str
    request_id: str
    accepted_s: float
    attempt: int = 1
    throttles: int = 0
