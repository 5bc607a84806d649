"""The handler of `alarms`, on ports in memory: whatever starts it, it does what is to be done."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from functions.alarms import app
from icscaler import bootstrap, keep_alarms
from icscaler.adapters.memory import MemoryAlarms, MemoryStateStore
from icscaler.ports import PortError
from tests.unit.core.build import config, model

pytestmark = pytest.mark.filterwarnings("ignore:This metric doesn't meet the requirements")


@dataclass
class Context:
    """As much of a Lambda context as Powertools and the handler read."""

    left_ms: int = 300_000
    function_name: str = "function"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:function"
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> MemoryAlarms:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "icscaler")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "icscaler")
    monkeypatch.setenv("POWERTOOLS_TRACE_DISABLED", "true")
    store, alarms = MemoryStateStore(), MemoryAlarms()
    fleet = replace(config(model("m", spike_alarm=True), model("n")), version="12dd180f07a2")
    store.publish({"shared": fleet}, fleet.version, None)
    deps = keep_alarms.Deps(store, alarms, "icscaler/")
    monkeypatch.setattr(bootstrap, "alarms_deps", lambda: deps)
    return alarms


@pytest.mark.parametrize("name", ["alarms_fleet_published.json", "alarms_schedule.json"])
def test_its_triggers_bring_the_alarms_in_step(
    repository: Path, alarms: MemoryAlarms, name: str
) -> None:
    event = json.loads((repository / "events" / name).read_text(encoding="utf-8"))
    answer = app.lambda_handler(event, Context())
    assert sorted(alarms.alarms) == ["icscaler/spike/m"]
    assert (answer["version"], answer["created"], answer["alarms"]) == ("12dd180f07a2", 1, 1)
    assert answer["usd_per_month"] == 0.3
    assert app.lambda_handler(event, Context())["created"] == 0


def test_it_leaves_in_time(alarms: MemoryAlarms) -> None:
    answer = app.lambda_handler({}, Context(left_ms=29_000))
    assert (answer["created"], answer["left"], alarms.alarms) == (0, 1, {})


def test_a_failure_is_lambdas_to_retry(
    alarms: MemoryAlarms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(prefix: str) -> None:
        raise PortError("cloudwatch DescribeAlarms: InternalServiceFault")

    monkeypatch.setattr(MemoryAlarms, "find", lambda self, prefix: fail(prefix))
    with pytest.raises(PortError):
        app.lambda_handler({}, Context())
