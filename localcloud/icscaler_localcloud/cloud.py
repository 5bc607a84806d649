"""The local cloud: moto in this process, our own services on the world model, one virtual clock.

    with LocalCloud(start_s=MONDAY_9AM) as cloud:
        stack = cloud.deploy(Path("template.yaml"), parameters={"Stage": "test"})
        cloud.run_for(600)
        cloud.client("dynamodb").scan(TableName=stack.physical_id("StateTable"))
        print(cloud.lambda_log[-1].lines)

No sockets, no threads, no waiting: time moves only in `run_until` and `run_for` (and while a
handler sleeps), everything due runs in the order (time, rank, sequence), and the same seed and
calls give the same run. moto's state is global, so one cloud can be open at a time per process.

Composition. `gateway` answers every API call: own services (registry in `services.py`, built on
first use) or moto. `loop` holds all timers. `events` (EventBridge), `schedule_runner`, `poller`
(SQS -> Lambda), `functions` (Lambda) and `targets` (delivery) are the wiring that moto lacks.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from threading import get_ident
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import boto3

from icscaler_localcloud import moto_seams
from icscaler_localcloud.alarms import Alarms, AlarmSettings
from icscaler_localcloud.clock import MINUTE_S, EventLoop, Recurring, Timer, VirtualClock
from icscaler_localcloud.desk import Desk
from icscaler_localcloud.events import EventRouter
from icscaler_localcloud.faults import Faults, Lane, Timekeeper
from icscaler_localcloud.gateway import ApiCall, Gateway
from icscaler_localcloud.iam import Iam, Principal
from icscaler_localcloud.inprocess import InProcessRunner
from icscaler_localcloud.lambda_api import LambdaService
from icscaler_localcloud.lambdas import Function, Functions, Invocation, Runner
from icscaler_localcloud.queues import QueuePoller
from icscaler_localcloud.schedules import ScheduleRunner
from icscaler_localcloud.services import OWN_SERVICES, OwnService, load_factory
from icscaler_localcloud.session import Installation, LocalSession
from icscaler_localcloud.targets import DeliveryError, Targets
from icscaler_sim.metrics.store import MetricStore
from icscaler_sim.world.settings import WorldSettings
from icscaler_sim.world.specs import ProfileCatalog
from icscaler_sim.world.world import World

if TYPE_CHECKING:
    from icscaler_localcloud.deployer import Stack

RunnerKind: TypeAlias = Literal["in-process", "subprocess"]
"""Where handlers run: in this process (fast, on virtual time) or each in one of its own."""
# Monday 2026-06-01 00:00 UTC.
DEFAULT_START_S = 1_780_272_000
_SCHEDULING_CALLS = frozenset(
    {
        ("events", "PutRule"),
        ("events", "DeleteRule"),
        ("events", "EnableRule"),
        ("events", "DisableRule"),
        ("scheduler", "CreateSchedule"),
        ("scheduler", "UpdateSchedule"),
        ("scheduler", "DeleteSchedule"),
    }
)


@dataclass(frozen=True, slots=True)
class Delays:
    """How long AWS's plumbing takes, in seconds. Typical values; AWS promises none of them."""

    event_delivery_s: float = 0.5
    async_invoke_s: float = 0.0625
    queue_poll_s: float = 0.125


class LocalCloud:
    """One account and Region in this process."""

    _open: LocalCloud | None = None

    def __init__(
        self,
        *,
        start_s: int = DEFAULT_START_S,
        seed: int = 0,
        world_settings: WorldSettings | None = None,
        profiles: ProfileCatalog | None = None,
        region: str = "us-east-1",
        account: str = "123456789012",
        faults: Faults | None = None,
        delays: Delays | None = None,
        alarm_settings: AlarmSettings | None = None,
        enforce_iam: bool = True,
        runner: RunnerKind = "in-process",
    ) -> None:
        if LocalCloud._open is not None:
            raise RuntimeError("a local cloud is already open in this process; close it first")
        self.region, self.account, self.seed = region, account, seed
        self.delays = delays or Delays()
        self.faults = faults or Faults(seed)
        self.alarm_settings = alarm_settings or AlarmSettings()
        self.enforce_iam = enforce_iam
        self.desk = Desk()
        self._runner_kind = runner
        self.clock = VirtualClock(start_s)
        self.loop = EventLoop(self.clock)
        self._thread = get_ident()
        self._build_world = partial(
            World, world_settings, seed=seed, start_s=start_s, profiles=profiles
        )
        self.metrics = MetricStore()
        self.layers: dict[str, Path | None] = {}
        """Where each deployed layer version's Python path is, by ARN."""
        self._clients: dict[str, Any] = {}
        self.undelivered: list[str] = []
        """What found no receiver and no dead-letter queue, in words."""
        moto_seams.reset_moto(seed)
        moto_seams.install_clock(self.clock)
        self._assemble()
        # Retries (botocore's and handlers') draw their jitter from Python's global generator.
        self._random_state = random.getstate()
        random.seed(seed)
        self._installation = Installation(self.gateway, region, self.sleep)
        LocalCloud._open = self

    def _assemble(self) -> None:
        self.iam = Iam()
        self.gateway = Gateway(self)
        self.runner = self._build_runner()
        self.functions = Functions(self, self.runner)
        self.targets = Targets(self)
        self.events = EventRouter(self)
        self.queues = moto_seams.Queues(self.account, self.region)
        self.poller = QueuePoller(self)
        self.schedule_runner = ScheduleRunner(self)
        self._services: dict[str, OwnService] = {}
        self.gateway.own("lambda", LambdaService(self))
        self.gateway.own("events", self.events, operations=frozenset({"PutEvents"}))
        for name in OWN_SERVICES:
            self.gateway.own(name, _Deferred(self, name))
        self.gateway.listen(self._called)
        moto_seams.deliver_sns_to(self._from_topic)

    def _build_runner(self) -> Runner:
        if self._runner_kind == "in-process":
            return InProcessRunner(self)
        from icscaler_localcloud.subprocesses import SubprocessRunner

        return SubprocessRunner(self)

    # -- clients

    def session(self) -> boto3.Session:
        """A boto3 session that talks to this cloud, as its operator."""
        return boto3.Session(botocore_session=LocalSession(self.gateway, self.region))

    def client(self, service: str, **kwargs: Any) -> Any:
        """A boto3 client that talks to this cloud, as its operator; cached without kwargs."""
        make: Any = self._operator_session.client
        if kwargs:
            return make(service, **kwargs)
        if service not in self._clients:
            self._clients[service] = make(service)
        return self._clients[service]

    @cached_property
    def _operator_session(self) -> boto3.Session:
        return self.session()

    def service(self, name: str) -> OwnService:
        """The own service object of this botocore name, built on first use."""
        if name not in self._services:
            self._services[name] = load_factory(OWN_SERVICES[name])(self)
        return self._services[name]

    @property
    def alarms(self) -> Alarms:
        """The CloudWatch alarms of this cloud."""
        from icscaler_localcloud.cloudwatch import CloudWatchService

        service = self.service("cloudwatch")
        if not isinstance(service, CloudWatchService):
            raise TypeError("this cloud's CloudWatch has no alarms of ours")
        return service.alarms

    # -- time

    @cached_property
    def world(self) -> World:
        """The world model all own services and traffic players share."""
        return self._build_world(metrics=self.metrics)

    def run_until(self, at_s: float) -> None:
        """Let virtual time pass up to `at_s`: schedules, queues, functions, world.

        A handler that sleeps past `at_s` is not cut short: the clock then ends later.
        """
        self.loop.run_until(at_s)
        self._settle_world()

    def run_for(self, seconds: float) -> None:
        """Let `seconds` of virtual time pass."""
        self.run_until(self.clock.now_s + seconds)

    def sleep(self, seconds: float) -> None:
        """Virtual sleep of whoever runs now; other threads than the loop's do not wait."""
        if get_ident() == self._thread:
            self.runner.settle()
            self.loop.sleep(seconds)
            self.runner.check_deadline()

    def call_at(self, at_s: float, callback: Callable[[], None]) -> Timer:
        """Run `callback` once, at `at_s`."""
        return self.loop.call_at(at_s, callback)

    def every(
        self, period_s: float, callback: Callable[[], None], *, first_s: float | None = None
    ) -> Recurring:
        """Run `callback` every `period_s`, first at `first_s` (default: one period from now)."""
        start_s = self.clock.now_s + period_s if first_s is None else first_s
        return self.loop.every(period_s, callback, first_s=start_s)

    def on_minute(self, callback: Callable[[int], None]) -> Recurring:
        """Call `callback(at_s)` at each whole minute, before anything else in that minute."""
        first_s = -(-int(self.clock.now_s) // MINUTE_S) * MINUTE_S
        return self.loop.every(
            MINUTE_S, lambda: callback(round(self.clock.now_s)), first_s=first_s, rank=0
        )

    def after_step(self, callback: Callable[[], None]) -> None:
        """Call `callback` after each timer that ran."""
        self.loop.after_step(callback)

    def iso_now(self, *, milliseconds: bool = False) -> str:
        """Now in ISO 8601 with Z, to the second or millisecond."""
        text = self.clock.utcnow().isoformat(timespec="milliseconds" if milliseconds else "seconds")
        return text.replace("+00:00", "Z")

    @staticmethod
    def real_ms() -> float:
        """A real stopwatch, in milliseconds."""
        return time.perf_counter() * 1000

    # -- deploying

    def deploy(
        self, template: Path, *, parameters: Mapping[str, str] | None = None, name: str = "icscaler"
    ) -> Stack:
        """Create the template's resources; raises DeployError naming resource and property."""
        from icscaler_localcloud.deployer import deploy

        return deploy(self, Path(template), parameters or {}, name)

    # -- records

    @property
    def lambda_log(self) -> deque[Invocation]:
        """Finished invocations, oldest first (the last 20,000)."""
        return self.functions.log

    def log_lines(self, function: str) -> list[str]:
        """Every line a function printed or logged, oldest first; by name or logical id."""
        name = self.functions.get(function).name
        return [line for done in self.lambda_log if done.function == name for line in done.lines]

    def metrics_from_emf(self, line: str) -> None:
        """Turn one EMF log line into metrics, as CloudWatch Logs would."""
        from icscaler_localcloud.cloudwatch.emf import ingest_emf

        ingest_emf(self.metrics, line, self.clock.now_s)

    # -- for the parts of the cloud

    def before_call(self, principal: Principal | None) -> None:
        """Bring the world up to now; let a function die whose time is over."""
        if principal is not None:
            self.runner.check_deadline()
        self._settle_world()

    def _settle_world(self) -> None:
        # A world that nobody has looked at yet has nothing in it to move.
        if "world" in self.__dict__:
            self.world.advance(self.clock.now_s)

    def invocation_done(self, function: Function, done: Invocation) -> None:
        """After each invocation: EMF lines and Lambda's own metrics."""
        for line in done.lines:
            if '"_aws"' in line and line.lstrip().startswith("{"):
                self.metrics_from_emf(line)
        dimensions = {"FunctionName": function.name}
        measured = {
            "Invocations": (1.0, "Count"),
            "Errors": (0.0 if done.ok else 1.0, "Count"),
            "Duration": ((done.ended_s - done.at_s) * 1000, "Milliseconds"),
        }
        for metric, (value, unit) in measured.items():
            self.metrics.put(
                "AWS/Lambda",
                metric,
                dimensions,
                int(done.at_s),
                value,
                unit=unit,
                period_s=MINUTE_S,
                visible_at_s=done.ended_s,
            )

    def throttled(self, function: Function) -> None:
        """After each invocation refused for lack of concurrency."""
        self.metrics.put(
            "AWS/Lambda",
            "Throttles",
            {"FunctionName": function.name},
            int(self.clock.now_s),
            1.0,
            unit="Count",
            period_s=MINUTE_S,
            visible_at_s=self.clock.now_s,
        )

    def dead_letter(
        self,
        arn: str | None,
        message: Any,
        failure: DeliveryError,
        *,
        rule_arn: str,
        target_arn: str,
    ) -> None:
        """Put what could not be delivered on its dead-letter queue, or note it as lost."""
        if arn is not None:
            attributes = {
                "RULE_ARN": rule_arn,
                "TARGET_ARN": target_arn,
                "ERROR_CODE": failure.code,
                "ERROR_MESSAGE": failure.message,
            }
            try:
                self.targets.deliver(
                    arn,
                    message,
                    source_arn=rule_arn,
                    principal="events.amazonaws.com",
                    attributes=attributes,
                )
                return
            except DeliveryError as second:
                failure = second
        self.undelivered.append(f"{rule_arn} -> {target_arn}: {failure}")

    def _called(self, call: ApiCall) -> None:
        if (call.service, call.operation) in _SCHEDULING_CALLS and call.status < 300:
            self.schedule_runner.sync()

    @property
    def handlers_now_s(self) -> float:
        """What the clock of functions shows."""
        return self.clock.now_s + self.faults.skew_s(Timekeeper.FUNCTIONS)

    def arrive(self, lane: Lane, source: str, target: str, deliver: Callable[[], None]) -> None:
        """Deliver at once, unless a fault loses, delays or repeats what goes to `target`."""
        for late_s in self.faults.arrivals(lane, source, target):
            if late_s > 0:
                self.loop.call_in(late_s, deliver)
            else:
                deliver()

    def _from_topic(
        self, function_arn: str, subscription_arn: str, notification: Mapping[str, Any]
    ) -> None:
        record = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription_arn,
            "Sns": dict(notification),
        }
        self.functions.invoke_async(function_arn, {"Records": [record]}, trigger="sns")

    # -- closing

    def close(self) -> None:
        """Give real botocore, real time and an empty moto back; safe to call twice."""
        if LocalCloud._open is not self:
            return
        self._installation.undo()
        random.setstate(self._random_state)
        self.runner.close()
        self.desk.close()
        moto_seams.install_clock(None)
        moto_seams.listen_to_queues(None)
        moto_seams.deliver_sns_to(None)
        moto_seams.reset_moto(self.seed)
        LocalCloud._open = None

    def __enter__(self) -> LocalCloud:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Deferred:
    """An own service that is built when it is first called."""

    def __init__(self, cloud: LocalCloud, name: str) -> None:
        self._cloud, self._name = cloud, name

    def call(self, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Answer one operation."""
        return self._cloud.service(self._name).call(operation, params)
