"""Alarms at work: the application's own, and deployment guardrails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.contract.alarms.bench import Bench
from tests.contract.alarms.conftest import MakeBench
from tests.contract.sagemaker.conftest import SETTINGS
from tests.contract.sagemaker.steps import (
    IMAGE,
    copies_of,
    describe,
    make_component,
    make_endpoint,
    rolling,
    specification,
    status_of,
    wait_until,
)

# -- the application's own alarms -----------------------------------------------------------------


class Application:
    """The deployed template and its alarms by logical id."""

    def __init__(self, bench: Bench, repository: Path) -> None:
        self.bench = bench
        self.stack = bench.cloud.deploy(repository / "template.yaml")
        self.names = {
            r.logical_id: r.physical_id for r in self.stack.of_type("AWS::CloudWatch::Alarm")
        }
        topic = self.stack.outputs["NotificationTopicArn"]
        queue = bench.queue("people", "sns.amazonaws.com")
        bench.cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)

    def states(self) -> dict[str, str]:
        return {logical_id: self.bench.state(name) for logical_id, name in self.names.items()}

    def told(self, logical_id: str) -> list[str]:
        """States that people were told of one alarm."""
        name = self.names[logical_id]
        return [m["NewStateValue"] for _, m in self.bench.notifications() if m["AlarmName"] == name]


@pytest.fixture
def application(bench: Bench, repository: Path) -> Application:
    return Application(bench, repository)


def test_the_template_s_alarms_live(application: Application) -> None:
    """Without a fleet nothing is looked at, which one alarm is there to say."""
    assert len(application.names) >= 8
    assert set(application.states().values()) == {"INSUFFICIENT_DATA"}
    application.bench.cloud.run_for(20 * 60)
    states = application.states()
    assert states.pop("NoSuccessfulLookAlarm") == "ALARM"
    assert set(states.values()) == {"OK"}, states
    assert application.told("NoSuccessfulLookAlarm") == ["ALARM"]


def test_a_dead_letter_is_told_and_so_is_its_end(application: Application) -> None:
    cloud, stack = application.bench.cloud, application.stack
    url = stack.physical_id("LookDeadLetterQueue")
    cloud.run_for(300)
    cloud.client("sqs").send_message(
        QueueUrl=url, MessageBody="{}", MessageGroupId="g", MessageDeduplicationId="d"
    )
    cloud.run_for(180)
    assert application.told("LookDeadLettersAlarm") == ["OK", "ALARM"]
    cloud.client("sqs").purge_queue(QueueUrl=url)
    cloud.run_for(300)
    assert application.told("LookDeadLettersAlarm") == ["OK", "ALARM", "OK"]


def test_a_function_that_fails_is_told(application: Application) -> None:
    cloud, stack = application.bench.cloud, application.stack
    function = stack.outputs["DispatchFunctionName"]
    for _ in range(3):
        cloud.faults.kill_before_call(function, "dynamodb", "*", times=10)
        cloud.functions.invoke(function, {"EndpointNames": ["x"]})
        cloud.run_for(60)
    cloud.faults.clear()
    cloud.run_for(60)
    assert application.states()["DispatchErrorsAlarm"] == "ALARM"


# -- deployment guardrails ------------------------------------------------------------------------

NEW_IMAGE = IMAGE.replace("0.33.0", "0.34.0")


@pytest.fixture
def endpoint(make_bench: MakeBench) -> Bench:
    """An endpoint with component `inline` on four copies, watched by alarm `errors`."""
    bench = make_bench(world=SETTINGS)
    make_endpoint(bench.cloud)
    make_component(bench.cloud, copies=4)
    bench.put("errors", TreatMissingData="notBreaching", Threshold=0.0)
    bench.cloud.run_for(60)
    assert bench.state("errors") == "OK"
    return bench


def update(bench: Bench, guard: str, wait_s: int = 600) -> None:
    given = specification()
    container = given["Container"] | {"Image": NEW_IMAGE}
    alarms = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": guard}]}}
    bench.cloud.client("sagemaker").update_inference_component(
        InferenceComponentName="inline",
        Specification=given | {"Container": container},
        DeploymentConfig=rolling(batch=2, wait_s=wait_s) | alarms,
    )


def image(bench: Bench) -> str:
    shown: Any = describe(bench.cloud)["Specification"]
    return str(shown["Container"]["DeployedImage"]["SpecifiedImage"])


def ends(bench: Bench) -> None:
    wait_until(bench.cloud, lambda: status_of(bench.cloud) == "InService")


def test_an_evaluated_alarm_rolls_a_deployment_back(endpoint: Bench) -> None:
    update(endpoint, "errors")
    wait_until(endpoint.cloud, lambda: copies_of(endpoint.cloud)[1] > 4, step_s=10)
    endpoint.publish(1.0)
    endpoint.cloud.run_for(120)
    assert endpoint.state("errors") == "ALARM"
    ends(endpoint)
    assert image(endpoint) == IMAGE, "the old version, and it says InService"
    assert copies_of(endpoint.cloud) == (4, 4)
    assert "errors" in describe(endpoint.cloud)["FailureReason"]


def test_a_composite_alarm_does_so_too(endpoint: Bench) -> None:
    endpoint.cloudwatch.put_composite_alarm(AlarmName="guard", AlarmRule="ALARM(errors)")
    update(endpoint, "guard")
    wait_until(endpoint.cloud, lambda: copies_of(endpoint.cloud)[1] > 4, step_s=10)
    endpoint.publish(1.0)
    ends(endpoint)
    assert image(endpoint) == IMAGE


def test_set_alarm_state_is_enough(endpoint: Bench) -> None:
    update(endpoint, "errors")
    wait_until(endpoint.cloud, lambda: copies_of(endpoint.cloud)[1] > 4, step_s=10)
    endpoint.set("ALARM", "errors")
    endpoint.cloud.run_for(60)
    assert endpoint.state("errors") == "OK", "evaluation took it back"
    ends(endpoint)
    assert image(endpoint) == IMAGE


def test_an_alarm_that_is_on_from_the_start_rolls_back(endpoint: Bench) -> None:
    endpoint.publish(1.0)
    endpoint.cloud.run_for(90)
    assert endpoint.state("errors") == "ALARM"
    update(endpoint, "errors")
    ends(endpoint)
    assert image(endpoint) == IMAGE


def test_a_quiet_alarm_lets_the_deployment_through(endpoint: Bench) -> None:
    update(endpoint, "errors", wait_s=120)
    endpoint.cloud.run_for(30)
    endpoint.publish(0.0)
    ends(endpoint)
    assert image(endpoint) == NEW_IMAGE
    endpoint.publish(1.0)
    endpoint.cloud.run_for(300)
    assert image(endpoint) == NEW_IMAGE, "it is over"
