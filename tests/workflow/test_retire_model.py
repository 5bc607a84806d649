"""retire_model: a model leaves with everything that was kept for it; and every way it can fail."""

from collections.abc import Iterator
from typing import Any

import pytest

from icscaler.onboarding.record import START_UP, StartUp
from icscaler.ports import Overlay, Wake
from icscaler.retirement.record import WORKFLOW, Phase, Retirement
from icscaler.rollout_steps.sweeping import STOPPED
from tests.workflow.entered import verify
from tests.workflow.lab import REVIEW, Lab, command, open_lab
from tests.workflow.rollouts import Rollouts

M = "retire_model"
STATES = ["Plan", "ToZero", "DeleteAdapters", "DeleteComponent", "Forget"]
NAME = "old"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with open_lab(tmp_path_factory.mktemp("retire"), M) as lab:
        yield lab


@pytest.fixture
def lab(opened: Lab, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The module's lab with a component `old` that has served for a while."""
    opened.started = []
    if not exists(opened):
        opened.rig.create_component(NAME)
        opened.rig.until(lambda: opened.rig.status(NAME) == "InService")
        opened.rig.cloud.run_for(1000)
    yield opened
    opened.mend()
    verify(request, opened.entered)


def exists(lab: Lab, name: str = NAME) -> bool:
    pages = lab.rig.sagemaker.list_inference_components(NameContains=name)["InferenceComponents"]
    return name in {row["InferenceComponentName"] for row in pages}


def given(**changes: Any) -> dict[str, Any]:
    return {"inference_component": NAME, **changes}


def record(lab: Lab) -> Retirement:
    found, _ = lab.rig.store.read_workflow(WORKFLOW, NAME, Retirement)
    assert found is not None
    return found


def holds(lab: Lab) -> dict[str, Any]:
    return lab.rig.store.load("shared", "").holds


def make_adapter(lab: Lab, name: str) -> None:
    lab.rig.sagemaker.create_inference_component(
        InferenceComponentName=name,
        EndpointName="shared",
        Specification={
            "BaseInferenceComponentName": NAME,
            "Container": {"ArtifactUrl": f"s3://models/{name}/"},
        },
    )
    lab.rig.until(lambda: lab.rig.status(name) == "InService")


# ---------------------------------------------------------------- the way through


@pytest.mark.enters(
    *(f"{M}:{state}" for state in STATES),
    f"{M}:AtZero",
    f"{M}:WaitForZero",
    f"{M}:AdaptersGone",
    f"{M}:WaitForAdapters",
    f"{M}:ComponentGone",
    f"{M}:WaitForComponent",
    f"{M}:Forgotten",
    f"{M}:Retired",
)
def test_a_model_leaves_after_its_adapters_and_nothing_of_it_stays(lab: Lab) -> None:
    rig, store = lab.rig, lab.rig.store
    make_adapter(lab, "lora")
    now_s = int(rig.cloud.clock.now_s)
    store.put_overlay("shared", Overlay(NAME, "warm_up/x", now_s + 9999, min_copies=1))
    store.request_wake(Wake("shared", NAME, now_s))
    store.write_workflow(START_UP, NAME, StartUp(100, 1, now_s), 0, now_s)
    alarm = f"icscaler/spike/{NAME}"
    # Only then: the keeper of alarms would remove one of a model that is not in the fleet.
    lab.when("Forget", lambda: put_alarm(lab, alarm))
    refused = lab.run(given())
    assert "adapters are loaded into old: lora" in refused["cause"]
    seen = lab.run(given(adapters=True))
    assert seen["status"] == "SUCCEEDED", seen
    assert seen["output"]["removed"] == [
        "InferenceComponent lora",
        "InferenceComponent old",
        f"alarm {alarm}",
    ]
    assert seen["output"]["left"] == []
    assert not exists(lab)
    item = store.load("shared", "")
    assert (item.holds, item.overlays, item.wakes) == ({}, (), {})
    assert store.read_workflow(START_UP, NAME, StartUp) == (None, 0)
    cloudwatch: Any = rig.cloud.client("cloudwatch")
    assert cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"] == []


def put_alarm(lab: Lab, name: str) -> None:
    cloudwatch: Any = lab.rig.cloud.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="ConcurrentRequestsPerCopy",
        Dimensions=[{"Name": "InferenceComponentName", "Value": NAME}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )


def test_traffic_is_a_reason_to_refuse_unless_forced(lab: Lab) -> None:
    lab.rig.play(5, old=60)
    seen = lab.run(given())
    assert "old has traffic: " in seen["cause"]
    assert lab.rig.copies(NAME) == 1
    assert lab.run(given(force=True))["status"] == "SUCCEEDED"
    assert not exists(lab)


def test_a_model_of_the_fleet_file_is_retired_and_people_are_told_what_is_left(lab: Lab) -> None:
    rig = lab.rig
    rig.sagemaker.create_model(
        ModelName="flows-3",
        PrimaryContainer={"Image": "registry/llm:1"},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/models",
    )
    rig.sagemaker.update_inference_component(
        InferenceComponentName="flows",
        Specification={
            "ModelName": "flows-3",
            "ComputeResourceRequirements": {
                "NumberOfAcceleratorDevicesRequired": 1,
                "MinMemoryRequiredInMb": 16384,
            },
        },
    )
    rig.until(lambda: rig.status("flows") == "InService")
    asked = {"inference_component": "flows", "sagemaker_model": True, "force": True}
    seen = lab.run(asked)
    assert seen["output"]["removed"] == ["InferenceComponent flows", "Model flows-3"]
    assert seen["output"]["left"] == ["take flows out of the fleet file and publish it"]
    assert rig.sagemaker.list_models()["Models"] == []


def test_what_application_auto_scaling_owns_is_left_to_it(lab: Lab) -> None:
    autoscaling: Any = lab.rig.cloud.client("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"inference-component/{NAME}",
        "ScalableDimension": "sagemaker:inference-component:DesiredCopyCount",
    }
    autoscaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2)
    assert "Application Auto Scaling owns" in lab.run(given())["cause"]
    autoscaling.deregister_scalable_target(**target)


def test_wrong_input_and_unknown_models(lab: Lab) -> None:
    assert "force: must be true or false" in lab.run(given(force=1))["cause"]
    seen = lab.run({"inference_component": "nobody"})
    assert "there is no component nobody" in seen["cause"]


def test_the_command_asks_first_and_tells_what_is_gone(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = command(lab, monkeypatch, "retire", NAME)
    assert asked.exit_code == 2
    assert "add --yes" in asked.stderr
    done = command(lab, monkeypatch, "retire", NAME, "--yes")
    assert done.exit_code == 0, done.stderr
    assert "removed: InferenceComponent old" in done.stderr
    detached = command(lab, monkeypatch, "retire", "nobody", "--yes", "--detach")
    assert detached.exit_code == 0
    assert "Started arn:aws:states:" in detached.stderr


# ---------------------------------------------------------------- what passes by itself


def test_every_state_is_tried_again(lab: Lab) -> None:
    lab.outlive_lost_calls(STATES, given())


def test_every_state_outlives_a_table_that_fails_for_a_moment(lab: Lab) -> None:
    lab.outlive_a_failing_table(STATES, given())


def test_a_crash_at_any_kind_of_call_costs_time_only(lab: Lab) -> None:
    make_adapter(lab, "lora")
    calls = [
        ("dynamodb", "PutItem"),
        ("dynamodb", "UpdateItem"),
        ("dynamodb", "BatchWriteItem"),
        ("sagemaker", "UpdateInferenceComponentRuntimeConfig"),
        ("sagemaker", "DeleteInferenceComponent"),
    ]
    for service, operation in calls:
        lab.rig.cloud.faults.kill_after_call(lab.function, service, operation)
    assert lab.run(given(adapters=True))["status"] == "SUCCEEDED"
    assert sum(lab.retries(lab.started[0]).values()) == len(calls)
    assert holds(lab) == {}


# ---------------------------------------------------------------- failures


@pytest.mark.enters(
    *(f"{M}:{state}!RecordFailure" for state in STATES),
    f"{M}:RecordFailure",
    f"{M}:NotRetired",
)
def test_a_failed_retirement_gives_the_component_back_and_can_be_repeated(lab: Lab) -> None:
    for state in STATES:
        lab.break_for_good(state)
        seen = lab.run(given(force=True))
        lab.mend()
        assert seen["status"] == "FAILED", state
        assert "injected failure" in seen["cause"]
        assert holds(lab) == {}, state
    assert record(lab).phase is Phase.FAILED
    assert "removed until then: InferenceComponent old" in seen["cause"]
    assert lab.run(given())["status"] == "SUCCEEDED"
    assert record(lab).phase is Phase.RETIRED
    # And once more: nothing is left to do.
    assert lab.run(given())["status"] == "SUCCEEDED"


@pytest.mark.enters(f"{M}:RecordFailure!FailureNotRecorded", f"{M}:FailureNotRecorded")
def test_when_even_recording_fails_the_next_run_takes_over(lab: Lab) -> None:
    lab.break_for_good("DeleteComponent")
    lab.break_for_good("RecordFailure")
    assert lab.run(given())["error"] == "FailureNotRecorded"
    lab.mend()
    assert holds(lab) == {}, "the sweep gives back what it could not"
    assert lab.run(given())["status"] == "SUCCEEDED"
    assert holds(lab) == {}


def test_a_stuck_component_ends_by_patience(lab: Lab) -> None:
    lab.rig.cloud.world.faults.stuck_updating.add(NAME)
    seen = lab.run(given(patience_s=60))
    assert "after 60 s: old is Updating" in seen["cause"]
    lab.mend()
    lab.rig.until(lambda: lab.rig.status(NAME) == "InService")


def test_only_one_execution_retires_a_model(lab: Lab) -> None:
    first = lab.start(given())
    lab.rig.cloud.run_for(5)
    assert "is being retired by execution" in lab.run(given())["cause"]
    assert lab.finish(first)["status"] == "SUCCEEDED"


@pytest.mark.enters(f"{M}:TooManyRounds", f"{M}:WaitToForget")
def test_an_endpoint_that_is_never_free_ends_the_waiting(lab: Lab) -> None:
    def take_the_lease() -> None:
        now_s = int(lab.rig.cloud.clock.now_s)
        assert lab.rig.store.acquire_lease("shared", "x", now_s, 99_999)

    lab.when("Forget", take_the_lease)
    seen = lab.run(given(patience_s=60))
    lease = lab.rig.store.acquire_lease("shared", "x", int(lab.rig.cloud.clock.now_s), 1)
    assert lease is not None
    lab.rig.store.release(lease)
    assert seen["error"] == "TooManyRounds"
    assert "somebody else writes to endpoint shared" in seen["cause"]


# ---------------------------------------------------------------- stopped from outside


@pytest.mark.parametrize("told", [True, False], ids=["with the event", "without"])
def test_what_stopped_executions_held_is_given_back_within_two_looks(lab: Lab, told: bool) -> None:
    """Of all workflows that hold components: retirement, onboarding, rolling update."""
    events: Any = lab.rig.cloud.client("events")
    (rule,) = [
        rule["Name"] for rule in events.list_rules()["Rules"] if "ExecutionEnded" in rule["Name"]
    ]
    if not told:
        events.disable_rule(Name=rule)
    rollouts, onboarding = Rollouts(lab.rig), Lab(lab.rig, "onboard_model")
    rollouts.scale(NAME, 1)
    lab.rig.cloud.world.faults.stuck_updating.add(NAME)
    started = [
        lab.start(given(patience_s=9999)),
        onboarding.start({"inference_component": "review", **REVIEW}),
        rollouts.start(f"stopped-{told}", patch={"Container": {"Image": f"registry/{told}"}}),
    ]
    lab.rig.until(lambda: set(holds(lab)) == {NAME, "review", "inline"}, limit_s=120, step_s=1)
    for arn in started:
        lab.stop(arn)
    lab.rig.cloud.run_for(5 if told else 121)
    assert holds(lab) == {}
    assert record(lab).failure == STOPPED
    assert rollouts.record(f"stopped-{told}").status == "Abandoned"
    events.enable_rule(Name=rule)
    lab.mend()
    lab.rig.until(lambda: lab.rig.status(NAME) == lab.rig.status("inline") == "InService")
    # Each may be started again, and goes on where it stood.
    again = onboarding.run({"inference_component": "review", **REVIEW})
    assert again["status"] == "SUCCEEDED", again
    assert lab.run({"inference_component": "review", "force": True})["status"] == "SUCCEEDED"
    assert lab.run(given())["status"] == "SUCCEEDED"
