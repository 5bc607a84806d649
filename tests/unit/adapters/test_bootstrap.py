"""The composition roots: settings from the environment, adapters behind the ports."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from icscaler import bootstrap
from icscaler.adapters.alarms import CloudWatchAlarms
from icscaler.adapters.dynamodb import DynamoStateStore
from icscaler.bootstrap import (
    AlarmsSettings,
    DispatchSettings,
    ObservingStateStore,
    ReconcileSettings,
    SettingsError,
)

ENVIRONMENT = {
    "ICSCALER_TABLE": "state",
    "ICSCALER_LOOK_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/looks.fifo",
    "ICSCALER_BUS": "icscaler",
    "ICSCALER_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:notices",
    "ICSCALER_MODE": "act",
    "ICSCALER_LEASE_S": "45",
    "ICSCALER_RECORD_RETENTION_DAYS": "30",
    "ICSCALER_DESCRIBE_WORKERS": "3",
    "ICSCALER_KEEP_SNAPSHOTS": "acting",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    for name, value in (ENVIRONMENT | {"AWS_DEFAULT_REGION": "us-east-1"}).items():
        monkeypatch.setenv(name, value)
    roots = (
        bootstrap.dispatch_deps,
        bootstrap.reconcile_deps,
        bootstrap.alarms_deps,
        bootstrap.look_queue,
    )
    for root in roots:
        root.cache_clear()
    yield monkeypatch
    for root in roots:
        root.cache_clear()


@pytest.mark.parametrize("missing", sorted(ENVIRONMENT))
@pytest.mark.parametrize("value", [None, ""], ids=["not set", "empty"])
def test_a_missing_variable_is_named(missing: str, value: str | None) -> None:
    environment = {name: v for name, v in ENVIRONMENT.items() if name != missing}
    if value is not None:
        environment[missing] = value
    with pytest.raises(SettingsError, match=f"environment variable {missing} is not set"):
        ReconcileSettings.from_environment(environment)


@pytest.mark.parametrize(
    "missing", ["ICSCALER_TABLE", "ICSCALER_LOOK_QUEUE_URL", "ICSCALER_TOPIC_ARN"]
)
def test_dispatch_needs_little(missing: str) -> None:
    environment = {
        name: ENVIRONMENT[name]
        for name in ("ICSCALER_TABLE", "ICSCALER_LOOK_QUEUE_URL", "ICSCALER_TOPIC_ARN")
    }
    assert DispatchSettings.from_environment(environment).table == "state"
    del environment[missing]
    with pytest.raises(SettingsError, match=missing):
        DispatchSettings.from_environment(environment)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("ICSCALER_MODE", "obsreve", "'obsreve', not one of act, observe"),
        ("ICSCALER_KEEP_SNAPSHOTS", "some", "'some', not one of acting, all"),
        ("ICSCALER_LEASE_S", "soon", "'soon', not a whole number"),
        ("ICSCALER_LEASE_S", "0", "'0', not a whole number above 0"),
        ("ICSCALER_DESCRIBE_WORKERS", "-1", "'-1', not a whole number"),
    ],
)
def test_a_meaningless_variable_is_named(name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is {told}"):
        ReconcileSettings.from_environment(ENVIRONMENT | {name: value})


@pytest.mark.parametrize(
    ("mode", "store"), [("act", DynamoStateStore), ("observe", ObservingStateStore)]
)
def test_reconcile_is_wired(
    environment: pytest.MonkeyPatch, mode: str, store: type[DynamoStateStore]
) -> None:
    environment.setenv("ICSCALER_MODE", mode)
    deps = bootstrap.reconcile_deps()
    assert type(deps.store) is store
    assert deps.lease_s == 45
    assert bootstrap.reconcile_deps() is deps, "built once"


def test_dispatch_is_wired(environment: pytest.MonkeyPatch) -> None:
    deps = bootstrap.dispatch_deps()
    assert type(deps.store) is DynamoStateStore
    assert bootstrap.dispatch_deps() is deps, "built once"


def test_alarms_is_wired(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ICSCALER_ALARM_PREFIX", "icscaler/")
    deps = bootstrap.alarms_deps()
    assert (type(deps.store), type(deps.alarms)) == (DynamoStateStore, CloudWatchAlarms)
    assert deps.prefix == "icscaler/"
    assert bootstrap.alarms_deps() is deps, "built once"


@pytest.mark.parametrize("missing", ["ICSCALER_TABLE", "ICSCALER_ALARM_PREFIX"])
def test_alarms_needs_little(missing: str) -> None:
    environment = {"ICSCALER_TABLE": "state", "ICSCALER_ALARM_PREFIX": "icscaler/"}
    del environment[missing]
    with pytest.raises(SettingsError, match=missing):
        AlarmsSettings.from_environment(environment)


def test_importing_the_roots_imports_no_sdk() -> None:
    code = "import sys, icscaler.bootstrap; sys.exit('boto3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
