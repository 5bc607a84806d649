"""The samples in events/: exactly what the local cloud sends, apart from generated ids."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import CloudWatchAlarmEvent

from icscaler_localcloud.lambdas import Function
from tests.contract.alarms.bench import ACCOUNT, REGION, Bench
from tests.contract.alarms.conftest import T0

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:icscaler-DispatchFunction-3B3D488BC8BF"
REFUSED = (
    'SELECT SUM(NoCapacityInvocationFailures) FROM SCHEMA("AWS/SageMaker", '
    "InferenceComponentName) GROUP BY InferenceComponentName ORDER BY SUM() DESC"
)
FLOW = {"InferenceComponentName": "flow-generation"}


def refused_requests(bench: Bench) -> None:
    """One request was refused at 09:01, readable 45 s after its minute."""
    bench.put_query(
        "icscaler-refused",
        [{"Id": "refused", "Expression": REFUSED, "Period": 60, "ReturnData": True}],
        AlarmDescription="Requests were refused at zero copies",
        Threshold=0.0,
        TreatMissingData="notBreaching",
        AlarmActions=[FUNCTION],
    )
    bench.cloud.metrics.put(
        "AWS/SageMaker",
        "NoCapacityInvocationFailures",
        FLOW,
        T0 + 60,
        1.0,
        visible_at_s=T0 + 165,
    )
    bench.cloud.run_for(200)


def spike(bench: Bench) -> None:
    """Concurrency of one component beyond its copies for two of three ten-second periods."""
    bench.put(
        "icscaler-spike-flow-generation",
        Namespace="AWS/SageMaker",
        MetricName="ConcurrentRequestsPerCopy",
        Dimensions=[{"Name": name, "Value": value} for name, value in FLOW.items()],
        Statistic="Maximum",
        Period=10,
        EvaluationPeriods=3,
        DatapointsToAlarm=2,
        Threshold=24.0,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        AlarmDescription="More requests at once than a copy of flow-generation serves",
        AlarmActions=[FUNCTION],
    )
    for number, value in enumerate((8.0, 30.0, 36.0, 33.0)):
        at_s = T0 + 60 + 10 * number
        bench.cloud.metrics.put(
            "AWS/SageMaker", "ConcurrentRequestsPerCopy", FLOW, at_s, value, period_s=10
        )
    bench.cloud.run_for(110)


def both(bench: Bench) -> None:
    """A composite alarm over the two."""
    bench.put("icscaler-a", TreatMissingData="ignore")
    bench.cloudwatch.put_composite_alarm(
        AlarmName="icscaler-guard",
        AlarmRule='ALARM("icscaler-a")',
        AlarmDescription="Watched by deployments",
    )
    bench.cloud.run_for(60)
    bench.set("ALARM", "icscaler-a", reason="Set by hand")
    bench.cloud.run_for(1)


def event(kind: str, alarm: str) -> Callable[[Bench], Any]:
    """The newest recorded event of a kind."""
    return lambda bench: bench.events(f"CloudWatch Alarm {kind}", alarm)[-1]


def invocation(bench: Bench) -> Any:
    """What the function was invoked with."""
    return bench.cloud.lambda_log[-1].event


SAMPLES: dict[str, tuple[Callable[[Bench], None], Callable[[Bench], Any]]] = {
    "alarm_state_change": (spike, event("State Change", "icscaler-spike-flow-generation")),
    "alarm_insights_state_change": (
        refused_requests,
        event("State Change", "icscaler-refused"),
    ),
    "alarm_contributor_state_change": (
        refused_requests,
        event("Contributor State Change", "icscaler-refused"),
    ),
    "alarm_composite_state_change": (both, event("State Change", "icscaler-guard")),
    "alarm_configuration_change": (
        spike,
        event("Configuration Change", "icscaler-spike-flow-generation"),
    ),
    "alarm_lambda_action": (spike, invocation),
    "alarm_lambda_contributor_action": (refused_requests, invocation),
}


def sent(bench: Bench, name: str, folder: Path) -> Any:
    """What the cloud sends in the sample's situation."""
    (folder / "app.py").write_text("def handler(event, context):\n    return None\n")
    function = Function(
        name=FUNCTION.rsplit(":", 1)[-1],
        logical_id="DispatchFunction",
        arn=FUNCTION,
        handler="app.handler",
        runtime="python3.13",
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/dispatch",
        code_path=folder,
    )
    function.policy.append(
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.alarms.cloudwatch.amazonaws.com"},
            "Action": "lambda:InvokeFunction",
            "Resource": FUNCTION,
        }
    )
    bench.cloud.functions.add(function)
    bench.record_events()
    happen, read = SAMPLES[name]
    happen(bench)
    return read(bench)


def without_ids(document: Any) -> Any:
    return json.loads(UUID.sub("UUID", json.dumps(document)))


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_what_is_sent(
    bench: Bench, repository: Path, tmp_path: Path, name: str
) -> None:
    sample = read(repository, name)
    assert without_ids(sent(bench, name, tmp_path)) == without_ids(sample)


def read(repository: Path, name: str) -> Any:
    return json.loads((repository / f"events/{name}.json").read_text(encoding="utf-8"))


def test_powertools_reads_what_a_function_gets(repository: Path) -> None:
    event = CloudWatchAlarmEvent(read(repository, "alarm_lambda_action"))
    assert event.source == "aws.cloudwatch"
    assert event.alarm_arn.endswith(":alarm:icscaler-spike-flow-generation")
    data = event.alarm_data
    assert (data.state.value, data.previous_state.value) == ("ALARM", "OK")
    assert data.state.reason_data_decoded is not None
    assert data.state.reason_data_decoded["threshold"] == 24.0
    metric = data.configuration.metrics[0].metric_stat
    assert metric is not None
    assert metric.metric is not None
    assert metric.metric["dimensions"] == FLOW


def test_powertools_stumbles_over_contributors(repository: Path) -> None:
    """A trap for who writes a handler: contributors have no previousState."""
    event = CloudWatchAlarmEvent(read(repository, "alarm_lambda_contributor_action"))
    assert event.alarm_data.state.value == "ALARM"
    with pytest.raises(KeyError):
        _ = event.alarm_data.previous_state.value


def test_every_alarm_sample_is_checked(repository: Path) -> None:
    assert {file.stem for file in (repository / "events").glob("alarm_*.json")} == set(SAMPLES)
