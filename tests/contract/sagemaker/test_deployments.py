"""UpdateInferenceComponent with a DeploymentConfig: batches, baking, rollback."""

from __future__ import annotations

from typing import Any

from icscaler_localcloud.cloud import LocalCloud
from icscaler_sim.world import ServiceProfile
from tests.contract.sagemaker.steps import (
    IMAGE,
    copies_of,
    describe,
    make_component,
    refused,
    rolling,
    specification,
    status_of,
    wait_until,
)

NEW_IMAGE = IMAGE.replace("0.33.0", "0.34.0")
ALARM = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]}}


def new_specification() -> dict[str, Any]:
    given = specification()
    return given | {"Container": given["Container"] | {"Image": NEW_IMAGE}}


def update(cloud: LocalCloud, **more: Any) -> None:
    cloud.client("sagemaker").update_inference_component(
        InferenceComponentName="inline", Specification=new_specification(), **more
    )


def image(cloud: LocalCloud) -> str:
    return str(describe(cloud)["Specification"]["Container"]["DeployedImage"]["SpecifiedImage"])


def put_alarm(cloud: LocalCloud, state: str) -> None:
    cloudwatch = cloud.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="errors",
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0.0,
        ComparisonOperator="GreaterThanThreshold",
    )
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue=state, StateReason="test")


def test_batch_by_batch_to_the_new_version(endpoint: LocalCloud) -> None:
    make_component(endpoint, copies=4)
    before = describe(endpoint)
    update(endpoint, DeploymentConfig=rolling(batch=2, wait_s=120))
    assert status_of(endpoint) == "Updating"
    assert image(endpoint) == IMAGE
    seen: set[int] = set()

    def done() -> bool:
        desired, current = copies_of(endpoint)
        assert desired == 4
        seen.add(current)
        return status_of(endpoint) == "InService"

    started_s = endpoint.clock.now_s
    wait_until(endpoint, done, step_s=10)
    assert min(seen) == 4, "never below the desired count"
    assert max(seen) == 6, "a batch of two starts beside the old copies"
    assert endpoint.clock.now_s - started_s >= 2 * 120, "two batches, each baked"
    after = describe(endpoint)
    assert image(endpoint) == NEW_IMAGE
    assert "FailureReason" not in after
    assert after["LastDeploymentConfig"] == rolling(batch=2, wait_s=120)
    assert after["CreationTime"] == before["CreationTime"]
    assert after["LastModifiedTime"] > before["LastModifiedTime"]
    deployed = after["Specification"]["Container"]["DeployedImage"]
    assert deployed["ResolutionTime"] > before["CreationTime"]


def test_a_rollback_looks_like_success_with_the_old_version(endpoint: LocalCloud) -> None:
    make_component(endpoint, copies=4)
    update(endpoint, DeploymentConfig=rolling(batch=2, wait_s=600) | ALARM)
    wait_until(endpoint, lambda: copies_of(endpoint)[1] > 4, step_s=10)
    put_alarm(endpoint, "ALARM")
    wait_until(endpoint, lambda: status_of(endpoint) == "InService")
    assert image(endpoint) == IMAGE
    assert copies_of(endpoint) == (4, 4)
    assert "errors" in describe(endpoint)["FailureReason"]
    assert describe(endpoint)["LastDeploymentConfig"] == rolling(batch=2, wait_s=600) | ALARM


def test_other_alarms_and_other_states_change_nothing(endpoint: LocalCloud) -> None:
    make_component(endpoint, copies=2)
    update(endpoint, DeploymentConfig=rolling(wait_s=60) | ALARM)
    put_alarm(endpoint, "OK")
    wait_until(endpoint, lambda: status_of(endpoint) == "InService")
    assert image(endpoint) == NEW_IMAGE
    put_alarm(endpoint, "ALARM")
    endpoint.run_for(600)
    assert image(endpoint) == NEW_IMAGE


def test_an_alarm_that_is_on_from_the_start_rolls_back(endpoint: LocalCloud) -> None:
    make_component(endpoint, copies=2)
    put_alarm(endpoint, "ALARM")
    update(endpoint, DeploymentConfig=rolling(wait_s=60) | ALARM)
    wait_until(endpoint, lambda: status_of(endpoint) == "InService")
    assert image(endpoint) == IMAGE


def test_a_version_that_does_not_start_is_rolled_back(endpoint: LocalCloud) -> None:
    make_component(endpoint, copies=2)
    broken = ServiceProfile(fails_health_check=True)
    endpoint.world.profiles.set("inline", broken, image=NEW_IMAGE)
    update(endpoint, DeploymentConfig=rolling(wait_s=60))
    wait_until(endpoint, lambda: status_of(endpoint) == "InService", limit_s=10 * 3600)
    assert image(endpoint) == IMAGE
    assert copies_of(endpoint) == (2, 2)
    assert describe(endpoint)["FailureReason"]


def test_batches_outside_5_to_50_percent_are_refused(endpoint: LocalCloud, sagemaker: Any) -> None:
    make_component(endpoint, copies=4)
    code, _ = refused(
        sagemaker.update_inference_component,
        InferenceComponentName="inline",
        Specification=new_specification(),
        DeploymentConfig=rolling(batch=3),
    )
    assert code == "ValidationException"
    assert image(endpoint) == IMAGE
    assert status_of(endpoint) == "InService"


def test_at_zero_copies_the_new_version_is_in_place(serving: LocalCloud) -> None:
    client = serving.client("sagemaker")
    client.update_inference_component_runtime_config(
        InferenceComponentName="inline", DesiredRuntimeConfig={"CopyCount": 0}
    )
    wait_until(serving, lambda: status_of(serving) == "InService")
    put_alarm(serving, "ALARM")
    update(serving, DeploymentConfig=rolling() | ALARM)
    wait_until(serving, lambda: status_of(serving) == "InService")
    assert image(serving) == NEW_IMAGE
    assert copies_of(serving) == (0, 0)


def test_a_write_during_a_deployment_is_refused(endpoint: LocalCloud, sagemaker: Any) -> None:
    make_component(endpoint, copies=2)
    update(endpoint, DeploymentConfig=rolling(wait_s=60))
    code, message = refused(
        sagemaker.update_inference_component_runtime_config,
        InferenceComponentName="inline",
        DesiredRuntimeConfig={"CopyCount": 3},
    )
    assert code == "ValidationException"
    assert "_IN_PROGRESS" in message
