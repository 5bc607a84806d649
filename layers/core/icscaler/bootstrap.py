"""Composition roots: the environment in, use cases with their AWS adapters out.

Built on first use, once per container; importing this module reads and connects to nothing.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Any, Literal, Self, cast, get_args

from icscaler import dispatch, keep_alarms, reconcile
from icscaler.adapters import clients, codec
from icscaler.adapters.alarms import CloudWatchAlarms
from icscaler.adapters.cloudwatch import CloudWatchMetrics
from icscaler.adapters.core_version import core_version
from icscaler.adapters.dynamodb import DynamoStateStore
from icscaler.adapters.dynamodb.table import Table
from icscaler.adapters.notifier import AwsNotifier, AwsPeople
from icscaler.adapters.rollouts.components import SageMakerComponents
from icscaler.adapters.rollouts.outside import AwsAnnouncer, StepFunctionsExecutions
from icscaler.adapters.rollouts.signals import CloudWatchAlarmSwitch, CloudWatchSignals
from icscaler.adapters.sagemaker import SageMakerEndpoints
from icscaler.adapters.sqs import SqsLookQueue
from icscaler.adapters.works import SageMakerRequests, SageMakerWorks
from icscaler.config.hardware import known_variant
from icscaler.onboarding.deps import Deps as OnboardDeps
from icscaler.ports import EndpointItem
from icscaler.retirement.deps import Deps as RetireDeps
from icscaler.rollout_steps.deps import Deps as RolloutDeps
from icscaler.warm_up.deps import Deps as WarmDeps

PREFIX = "ICSCALER_"
OBSERVE = "observe"
Mode = Literal["act", "observe"]
KEEP_ALL = "all"
KeepSnapshots = Literal["acting", "all"]
WORKFLOW_WORKERS = 8
WORKFLOW_BUDGET_S = 30.0
PROBE_TIMEOUT_S = 60


class SettingsError(Exception):
    """An environment variable is missing or means nothing; it is named."""


class _Settings:
    """Settings of a function: each field from the environment variable of its name."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """`table` is ICSCALER_TABLE. Raises `SettingsError`."""
        return cls(
            **{
                one.name: _value(environment, f"{PREFIX}{one.name.upper()}", one.type)
                for one in fields(cast("Any", cls))
            }
        )


@dataclass(frozen=True, slots=True)
class DispatchSettings(_Settings):
    """What `dispatch` reads from its environment."""

    table: str
    look_queue_url: str
    topic_arn: str


@dataclass(frozen=True, slots=True)
class ReconcileSettings(_Settings):
    """What `reconcile` reads from its environment."""

    table: str
    look_queue_url: str
    bus: str
    topic_arn: str
    mode: Mode
    lease_s: int
    record_retention_days: int
    describe_workers: int
    keep_snapshots: KeepSnapshots


@dataclass(frozen=True, slots=True)
class AlarmsSettings(_Settings):
    """What `alarms` reads from its environment."""

    table: str
    alarm_prefix: str


@dataclass(frozen=True, slots=True)
class RolloutSettings(_Settings):
    """What `rollout` reads from its environment."""

    table: str
    bus: str
    topic_arn: str
    mode: Mode
    alarm_prefix: str
    describe_workers: int


@dataclass(frozen=True, slots=True)
class WarmSettings(_Settings):
    """What `warm` reads from its environment."""

    table: str
    record_retention_days: int
    bus: str
    topic_arn: str


@dataclass(frozen=True, slots=True)
class OnboardSettings(_Settings):
    """What `onboard` reads from its environment."""

    table: str
    record_retention_days: int


@dataclass(frozen=True, slots=True)
class RetireSettings(_Settings):
    """What `retire` reads from its environment."""

    table: str
    record_retention_days: int
    alarm_prefix: str


class ObservingStateStore(DynamoStateStore):
    """The state table under a stack that must not write to SageMaker: every endpoint observes.

    The configuration itself says so, and with it the snapshot that explains the decision.
    """

    def load(self, endpoint: str, version: str) -> EndpointItem:
        item = super().load(endpoint, version)
        if item.config is not None:
            item.config = replace(item.config, observe=True)
        return item


def state_store(table: str, record_retention_days: int = 30) -> DynamoStateStore:
    """The state table, as the command line uses it too."""
    return DynamoStateStore(Table(clients.client("dynamodb"), table), record_retention_days)


@cache
def dispatch_deps() -> dispatch.Deps:
    """What `dispatch` works with; `SettingsError` when its environment is incomplete."""
    settings = DispatchSettings.from_environment(os.environ)
    # Nobody waits for a dispatch, while three that fail are a dead letter: it tries a call longer.
    dynamodb = clients.stubborn_client("dynamodb", read_timeout_s=2, attempts=5)
    return dispatch.Deps(
        store=DynamoStateStore(Table(dynamodb, settings.table)),
        queue=SqsLookQueue(clients.client("sqs"), settings.look_queue_url),
        # One short attempt: the next tick tries again.
        people=AwsPeople(lambda: clients.patient_client("sns", 3), settings.topic_arn),
    )


@cache
def reconcile_deps() -> reconcile.Deps:
    """What `reconcile` works with; `SettingsError` when its environment is incomplete."""
    settings = ReconcileSettings.from_environment(os.environ)
    store_class = ObservingStateStore if settings.mode == OBSERVE else DynamoStateStore
    workers = settings.describe_workers
    return reconcile.Deps(
        store=store_class(
            Table(clients.client("dynamodb"), settings.table), settings.record_retention_days
        ),
        endpoints=SageMakerEndpoints(
            clients.client("sagemaker", max_connections=workers),
            clients.client("application-autoscaling"),
            workers=workers,
        ),
        metrics=CloudWatchMetrics(clients.client("cloudwatch")),
        notifier=AwsNotifier(
            clients.client("events"), clients.client("sns"), settings.bus, settings.topic_arn
        ),
        encode=codec.encode,
        core=core_version,
        lease_s=settings.lease_s,
        keep_all_snapshots=settings.keep_snapshots == KEEP_ALL,
    )


@cache
def alarms_deps() -> keep_alarms.Deps:
    """What `alarms` works with; `SettingsError` when its environment is incomplete."""
    settings = AlarmsSettings.from_environment(os.environ)
    return keep_alarms.Deps(
        store=state_store(settings.table),
        alarms=CloudWatchAlarms(clients.client("cloudwatch")),
        prefix=settings.alarm_prefix,
    )


@cache
def rollout_deps() -> RolloutDeps:
    """What `rollout` works with; `SettingsError` when its environment is incomplete."""
    settings = RolloutSettings.from_environment(os.environ)
    deps = rollout_deps_of(
        clients.client,
        state_store(settings.table),
        bus=settings.bus,
        topic_arn=settings.topic_arn,
        alarm_prefix=settings.alarm_prefix,
        workers=settings.describe_workers,
    )
    return replace(deps, may_write=settings.mode != OBSERVE, requests=_requests())


def rollout_deps_of(
    client: Callable[[str], Any],
    store: DynamoStateStore,
    *,
    bus: str,
    topic_arn: str,
    alarm_prefix: str,
    workers: int = 8,
) -> RolloutDeps:
    """The same with clients from elsewhere: the command line plans in the caller's name."""
    sagemaker, cloudwatch = client("sagemaker"), client("cloudwatch")
    endpoints = SageMakerEndpoints(sagemaker, client("application-autoscaling"), workers=workers)
    return RolloutDeps(
        store=store,
        records=store,
        components=SageMakerComponents(sagemaker, endpoints),
        signals=CloudWatchSignals(cloudwatch),
        alarms=CloudWatchAlarmSwitch(cloudwatch),
        requests=SageMakerRequests(client("sagemaker-runtime")),
        executions=StepFunctionsExecutions(client("stepfunctions")),
        announcer=AwsAnnouncer(client("events"), client("sns"), bus, topic_arn),
        alarm_prefix=alarm_prefix,
    )


@cache
def onboard_deps() -> OnboardDeps:
    """What `onboard` works with; `SettingsError` when its environment is incomplete."""
    settings = OnboardSettings.from_environment(os.environ)
    return OnboardDeps(
        store=state_store(settings.table, settings.record_retention_days),
        works=SageMakerWorks(clients.client("sagemaker")),
        endpoints=_endpoints(),
        requests=_requests(),
        executions=StepFunctionsExecutions(clients.client("stepfunctions")),
        hardware=known_variant,
    )


@cache
def warm_deps() -> WarmDeps:
    """What `warm` works with; `SettingsError` when its environment is incomplete."""
    settings = WarmSettings.from_environment(os.environ)
    events, sns = clients.client("events"), clients.client("sns")
    return WarmDeps(
        store=state_store(settings.table, settings.record_retention_days),
        endpoints=_endpoints(),
        requests=_requests(),
        announcer=AwsAnnouncer(events, sns, settings.bus, settings.topic_arn),
    )


@cache
def retire_deps() -> RetireDeps:
    """What `retire` works with; `SettingsError` when its environment is incomplete."""
    settings = RetireSettings.from_environment(os.environ)
    return RetireDeps(
        store=state_store(settings.table, settings.record_retention_days),
        works=SageMakerWorks(clients.client("sagemaker")),
        endpoints=_endpoints(),
        metrics=CloudWatchMetrics(clients.client("cloudwatch")),
        alarms=CloudWatchAlarms(clients.client("cloudwatch")),
        executions=StepFunctionsExecutions(clients.client("stepfunctions")),
        alarm_prefix=settings.alarm_prefix,
    )


def _endpoints() -> SageMakerEndpoints:
    return SageMakerEndpoints(
        clients.client("sagemaker", max_connections=WORKFLOW_WORKERS),
        clients.client("application-autoscaling"),
        workers=WORKFLOW_WORKERS,
        budget_s=WORKFLOW_BUDGET_S,
    )


def _requests() -> SageMakerRequests:
    """One attempt: a probe that is tried again unseen would measure nothing."""
    return SageMakerRequests(clients.patient_client("sagemaker-runtime", PROBE_TIMEOUT_S))


@cache
def look_queue() -> SqsLookQueue:
    """The look queue, for the function that takes looks from it."""
    settings = ReconcileSettings.from_environment(os.environ)
    return SqsLookQueue(clients.client("sqs"), settings.look_queue_url)


def _value(environment: Mapping[str, str], name: str, kind: Any) -> str | int:
    """A variable as what its field is: text, a whole number, or one of the words of a Literal."""
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"environment variable {name} is not set")
    if kind is int:
        if not value.isdigit() or int(value) == 0:
            raise SettingsError(
                f"environment variable {name} is {value!r}, not a whole number above 0"
            )
        return int(value)
    if kind is not str and value not in get_args(kind):
        raise SettingsError(f"{name} is {value!r}, not one of {', '.join(get_args(kind))}")
    return value
