"""onboard_model: from a description to a serving, managed component; and every way it can fail."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from icscaler.config.load import load_fleet
from icscaler.onboarding.build import TAG
from icscaler.onboarding.record import WORKFLOW, Onboarding, Phase
from tests.e2e.rig import FLEET
from tests.workflow.entered import verify
from tests.workflow.lab import REVIEW, ROLE, Lab, command, open_lab, tick

M = "onboard_model"
NEW_ENDPOINT: dict[str, Any] = {
    "name": "fresh",
    "instance_type": "ml.g5.12xlarge",
    "execution_role_arn": ROLE,
    "max_instances": 2,
}
STATES = ["Plan", "MakeEndpoint", "MakeComponent", "Probe", "Register"]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with open_lab(tmp_path_factory.mktemp("onboard"), M) as lab:
        yield lab


@pytest.fixture
def lab(opened: Lab, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The module's lab; what the test has onboarded is taken away again."""
    opened.started = []
    yield opened
    opened.mend()
    verify(request, opened.entered)
    for name in ("review", "lora"):
        remove(opened, name)


def remove(lab: Lab, name: str) -> None:
    if exists(lab, name):
        lab.rig.until(lambda: lab.rig.status(name) in ("InService", "Failed"))
        lab.rig.sagemaker.delete_inference_component(InferenceComponentName=name)
        lab.rig.until(lambda: not exists(lab, name))
    for endpoint in ("shared", "fresh"):
        lab.rig.store.remove_overlay(endpoint, name, WORKFLOW)


def given(**changes: Any) -> dict[str, Any]:
    return {"inference_component": "review", **REVIEW, **changes}


def on_new_endpoint(**changes: Any) -> dict[str, Any]:
    return given(new_endpoint=NEW_ENDPOINT, **changes)


def exists(lab: Lab, name: str = "review") -> bool:
    pages = lab.rig.sagemaker.list_inference_components(NameContains=name)["InferenceComponents"]
    return name in {row["InferenceComponentName"] for row in pages}


def endpoints(lab: Lab) -> set[str]:
    return {row["EndpointName"] for row in lab.rig.sagemaker.list_endpoints()["Endpoints"]}


def configs(lab: Lab) -> set[str]:
    rows = lab.rig.sagemaker.list_endpoint_configs()["EndpointConfigs"]
    return {row["EndpointConfigName"] for row in rows}


def record(lab: Lab, name: str = "review") -> Onboarding:
    found, _ = lab.rig.store.read_workflow(WORKFLOW, name, Onboarding)
    assert found is not None
    return found


def holds(lab: Lab, endpoint: str = "shared") -> dict[str, Any]:
    return lab.rig.store.load(endpoint, "").holds


# ---------------------------------------------------------------- the way through


@pytest.mark.enters(
    *(f"{M}:{state}" for state in STATES),
    f"{M}:EndpointReady",
    f"{M}:ComponentReady",
    f"{M}:WaitForComponent",
    f"{M}:ProbePassed",
    f"{M}:Onboarded",
)
def test_a_model_is_placed_probed_managed_and_taken_to_zero_by_its_policy(
    lab: Lab, tmp_path: Path
) -> None:
    seen = lab.run(given())
    assert seen["status"] == "SUCCEEDED", seen
    output = seen["output"]
    assert (output["endpoint"], output["variant"], output["managed"]) == ("shared", "main", True)
    described = lab.rig.describe("review")
    assert described["Specification"]["DataCacheConfig"] == {"EnableCaching": True}
    assert described["RuntimeConfig"]["DesiredCopyCount"] == 1
    tags = lab.rig.sagemaker.list_tags(ResourceArn=described["InferenceComponentArn"])["Tags"]
    assert TAG in {tag["Key"] for tag in tags}
    assert 30 < output["start_up_s"] < 1800
    assert holds(lab) == {}
    # The lines are what the fleet file takes, and say what is managed already.
    lines = FLEET.rstrip() + "\n" + output["fleet_lines"].removeprefix("models:\n")
    fleet = load_fleet(lines)
    assert fleet.models[-1].name == ("review",)
    tick(lab.rig, on=True)
    lab.rig.until(lambda: lab.rig.copies("review") == 0, limit_s=3600)
    tick(lab.rig, on=False)


@pytest.mark.enters(f"{M}:WaitForEndpoint")
def test_an_endpoint_is_made_with_managed_scaling_where_one_is_described(lab: Lab) -> None:
    seen = lab.run(on_new_endpoint())
    assert seen["status"] == "SUCCEEDED", seen
    config = lab.rig.sagemaker.describe_endpoint_config(EndpointConfigName="fresh")
    (variant,) = config["ProductionVariants"]
    assert variant["ManagedInstanceScaling"] == {
        "Status": "ENABLED",
        "MinInstanceCount": 0,
        "MaxInstanceCount": 2,
        "ScaleInPolicy": {
            "Strategy": "CONSOLIDATION",
            "MaximumStepSize": 1,
            "CooldownInMinutes": 20,
        },
    }
    assert variant["RoutingConfig"] == {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    assert config["ExecutionRoleArn"] == ROLE
    assert seen["output"]["managed"] is True
    assert seen["output"]["fleet_lines"].startswith("endpoints:\n  fresh:\n    variants:\n")
    assert "it is managed now" in seen["output"]["say"]
    # A second model of the same description finds the endpoint there and uses it.
    again = lab.run(on_new_endpoint(inference_component="lora"))
    assert again["status"] == "SUCCEEDED", again
    remove(lab, "lora")
    # A failing onboarding leaves an endpoint that it has not made.
    failed = lab.run(
        on_new_endpoint(
            inference_component="lora", probe={"payload": "", "expect": [{"path": "nothing.of.it"}]}
        )
    )
    assert failed["status"] == "FAILED"
    assert "fresh" in endpoints(lab)
    remove(lab, "review")
    lab.rig.sagemaker.delete_endpoint(EndpointName="fresh")
    lab.rig.until(lambda: "fresh" not in endpoints(lab))
    lab.rig.sagemaker.delete_endpoint_config(EndpointConfigName="fresh")


def test_adapters_and_model_packages(lab: Lab) -> None:
    package = "arn:aws:sagemaker:us-east-1:123456789012:model-package/review/3"
    described = given(model_package=package, model_role_arn=ROLE)
    del described["container"]
    seen = lab.run(described)
    assert seen["status"] == "SUCCEEDED", seen
    assert lab.rig.describe("review")["Specification"]["ModelName"] == "review"
    adapter = {"base": "review", "artifact_url": "s3://models/lora/"}
    seen = lab.run({"inference_component": "lora", "adapter": adapter})
    assert seen["status"] == "SUCCEEDED", seen
    assert seen["output"]["fleet_lines"] == "models:\n  - name: lora\n    adapter_of: review\n"
    remove(lab, "lora")
    lab.rig.sagemaker.delete_model(ModelName="review")
    seen = lab.run({"inference_component": "lora", "adapter": {**adapter, "base": "nobody"}})
    assert "base component nobody does not exist" in seen["cause"]


def test_the_command_checks_starts_follows_and_prints_the_lines(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "review.yaml"
    file.write_text(yaml.safe_dump(given(copies=0)), "utf-8")
    done = command(lab, monkeypatch, "onboard", str(file))
    assert done.exit_code == 1
    assert f"{file}:" in done.stderr
    assert "copies: must be at least 1, not 0" in done.stderr
    file.write_text(yaml.safe_dump(given()), "utf-8")
    done = command(lab, monkeypatch, "onboard", str(file))
    assert done.exit_code == 0, done.stderr
    assert "Plan: review goes to endpoint shared: room on running instances" in done.stderr
    assert "MakeComponent: review is in service after " in done.stderr
    assert yaml.safe_load(done.stdout)["models"][0]["name"] == "review"
    lab.break_for_good("Probe")
    done = command(lab, monkeypatch, "onboard", str(file), "--json")
    assert done.exit_code == 4
    assert "error: failed: " in done.stderr
    assert '"status": "FAILED"' in done.stdout


# ---------------------------------------------------------------- what passes by itself


def test_every_state_is_tried_again(lab: Lab) -> None:
    lab.outlive_lost_calls(STATES, given())


def test_every_state_outlives_a_table_that_fails_for_a_moment(lab: Lab) -> None:
    lab.outlive_a_failing_table(STATES, given())


@pytest.mark.parametrize("moment", [pytest.param("before", marks=pytest.mark.slow), "after"])
def test_a_crash_at_any_kind_of_call_costs_time_only(lab: Lab, moment: str) -> None:
    calls = [
        ("dynamodb", "PutItem"),
        ("dynamodb", "UpdateItem"),
        ("dynamodb", "BatchWriteItem"),
        ("sagemaker", "CreateEndpointConfig"),
        ("sagemaker", "CreateEndpoint"),
        ("sagemaker", "CreateInferenceComponent"),
        ("sagemaker", "ListTags"),
        ("sagemaker-runtime", "InvokeEndpoint"),
    ]
    for service, operation in calls:
        kill = getattr(lab.rig.cloud.faults, f"kill_{moment}_call")
        kill(lab.function, service, operation)
    seen = lab.run(on_new_endpoint())
    assert seen["status"] == "SUCCEEDED", seen
    assert sum(lab.retries(lab.started[0]).values()) == len(calls)
    assert record(lab).phase is Phase.ONBOARDED
    assert holds(lab, "fresh") == {}
    remove(lab, "review")
    lab.rig.sagemaker.delete_endpoint(EndpointName="fresh")
    lab.rig.until(lambda: "fresh" not in endpoints(lab))
    lab.rig.sagemaker.delete_endpoint_config(EndpointConfigName="fresh")


def test_lost_replies_make_nothing_twice_and_fail_nothing(lab: Lab) -> None:
    lab.rig.cloud.faults.drop_reply("sagemaker", "CreateInferenceComponent", times=3)
    assert lab.run(given())["status"] == "SUCCEEDED"


# ---------------------------------------------------------------- failures, and what is left


@pytest.mark.enters(
    *(f"{M}:{state}!RecordFailure" for state in STATES),
    f"{M}:RecordFailure",
    f"{M}:CleanedUp",
    f"{M}:WaitForCleanUp",
    f"{M}:NotOnboarded",
)
def test_what_was_made_is_removed_wherever_it_fails(lab: Lab) -> None:
    before = endpoints(lab), configs(lab)
    for state in STATES:
        lab.break_for_good(state)
        seen = lab.run(on_new_endpoint())
        lab.mend()
        assert seen["status"] == "FAILED", state
        assert "injected failure" in seen["cause"]
        assert not exists(lab), state
        assert (endpoints(lab), configs(lab)) == before, state
        assert holds(lab, "fresh") == {}, state
        assert lab.rig.store.overlays("fresh") == ()
    assert record(lab).phase is Phase.UNDONE
    assert record(lab).removed == (
        "InferenceComponent review",
        "Endpoint fresh",
        "EndpointConfig fresh",
    )


@pytest.mark.enters(f"{M}:RecordFailure!FailureNotRecorded", f"{M}:FailureNotRecorded")
def test_when_even_recording_fails_the_next_run_takes_over(lab: Lab) -> None:
    lab.break_for_good("Probe")
    lab.break_for_good("RecordFailure")
    seen = lab.run(given())
    assert (seen["status"], seen["error"]) == ("FAILED", "FailureNotRecorded")
    lab.mend()
    assert exists(lab)
    # Taken over, it may still be removed: the first run's things are the second run's.
    lab.break_for_good("Register")
    assert lab.run(given())["status"] == "FAILED"
    assert not exists(lab)


def test_sagemakers_own_reason_is_told(lab: Lab) -> None:
    lab.rig.cloud.world.faults.failing_copies["review"] = 1
    seen = lab.run(given())
    assert seen["status"] == "FAILED"
    assert "review failed to start: " in seen["cause"]
    assert "health check" in seen["cause"]
    assert not exists(lab)
    assert record(lab).failure == seen["cause"]


def test_a_model_that_answers_wrongly_or_slowly_is_not_onboarded(lab: Lab) -> None:
    wrong = {"payload": "hi", "expect": [{"path": "usage.completion_tokens", "equals": 7}]}
    seen = lab.run(given(probe=wrong))
    assert "probe 3 of 3: usage.completion_tokens is 128, not 7" in seen["cause"]
    lab.rig.cloud.faults.slow("sagemaker-runtime", "InvokeEndpoint", seconds=9, times=3)
    seen = lab.run(given(probe={"payload": "hi", "max_latency_s": 5}))
    assert "the answer took 9.0" in seen["cause"]
    assert not exists(lab)


@pytest.mark.enters(f"{M}:WaitBeforeProbe")
def test_a_slow_first_answer_is_forgiven(lab: Lab) -> None:
    lab.rig.cloud.faults.slow("sagemaker-runtime", "InvokeEndpoint", seconds=9)
    seen = lab.run(given(probe={"payload": "hi", "max_latency_s": 5}))
    assert seen["status"] == "SUCCEEDED"


def test_an_endpoint_that_takes_too_long_is_given_up_and_removed_once_it_can_be(lab: Lab) -> None:
    seen = lab.run(on_new_endpoint(endpoint_patience_s=60))
    assert "endpoint fresh is still Creating after 60 s" in seen["cause"]
    assert "fresh" not in endpoints(lab) | configs(lab)


def test_a_component_whose_instances_do_not_come_is_given_up(lab: Lab) -> None:
    now_s = lab.rig.cloud.clock.now_s
    lab.rig.cloud.world.faults.no_capacity["ml.g5.12xlarge"] = [(now_s, now_s + 900)]
    seen = lab.run(on_new_endpoint(component_patience_s=120))
    assert "review does not serve after 120 s: " in seen["cause"]
    assert not exists(lab)
    assert "fresh" not in endpoints(lab) | configs(lab)


def test_no_room_is_refused_before_anything_is_made(lab: Lab) -> None:
    big = {"resources": {"gpus": 8, "memory_mb": 500_000}, "copies": 3}
    for where in ({}, {"endpoint": "shared"}):
        seen = lab.run(given(**big, **where))
        assert seen["status"] == "FAILED"
        assert "leave no room on 2 instances" in seen["cause"]
    huge = {"resources": {"gpus": 1, "memory_mb": 9_000_000}}
    assert "does not fit on an empty ml.p4d.24xlarge" in lab.run(given(**huge))["cause"]
    assert lab.rig.calls("CreateInferenceComponent") == CREATED_BEFORE[0]


CREATED_BEFORE = [0]


@pytest.fixture(autouse=True)
def _count(opened: Lab) -> None:
    CREATED_BEFORE[0] = opened.rig.calls("CreateInferenceComponent")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"inferencecomponent": "x"}, "unknown key", id="unknown key"),
        pytest.param({"copies": 0}, "copies: must be at least 1", id="zero copies"),
        pytest.param({"sagemaker_model": "m"}, "state one of container", id="two sources"),
        pytest.param({"endpoint": "nowhere"}, "endpoint nowhere does not exist", id="endpoint"),
        pytest.param(
            {"scaling": {"max_copies": 1, "policy": {}}}, "what a copy can serve", id="no policy"
        ),
        pytest.param(
            {"new_endpoint": {**NEW_ENDPOINT, "instance_type": "ml.x1.large"}},
            "ml.x1.large is not in the catalogue",
            id="unknown hardware",
        ),
        pytest.param(
            {"probe": {"payload": "", "expect": [{"path": "a..b"}]}}, "JMESPath", id="expectation"
        ),
    ],
)
def test_a_description_that_makes_no_sense_is_told_by_key(
    lab: Lab, changes: dict[str, Any], says: str
) -> None:
    seen = lab.run(given(**changes))
    assert seen["status"] == "FAILED"
    assert says in seen["cause"]
    assert not exists(lab)


# ---------------------------------------------------------------- again, and at the same time


def test_a_second_onboarding_of_what_serves_takes_nothing_away(lab: Lab) -> None:
    assert lab.run(given())["status"] == "SUCCEEDED"
    assert lab.run(given())["status"] == "SUCCEEDED"
    lab.break_for_good("Probe")
    assert lab.run(given())["status"] == "FAILED"
    assert exists(lab)
    seen = lab.run(given(container={"image": "registry/llm:2"}))
    assert "Image is 'registry/llm:1', not 'registry/llm:2'" in seen["cause"]
    assert exists(lab)


def test_only_one_execution_onboards_a_model_and_a_stopped_one_is_taken_over(lab: Lab) -> None:
    first = lab.start(given())
    lab.rig.cloud.run_for(40)
    second = lab.run(given())
    assert "is being onboarded by execution" in second["cause"]
    assert lab.look(first)["status"] == "RUNNING"
    lab.stop(first)
    assert lab.run(given())["status"] == "SUCCEEDED"
    assert record(lab).start_up is not None


@pytest.mark.enters(f"{M}:TooManyRounds")
def test_an_endpoint_that_is_never_free_ends_the_waiting(lab: Lab) -> None:
    lease = lab.rig.store.acquire_lease("shared", "x", int(lab.rig.cloud.clock.now_s), 99_999)
    assert lease is not None
    seen = lab.run(given(component_patience_s=60, endpoint_patience_s=60))
    lab.rig.store.release(lease)
    assert seen["error"] == "TooManyRounds"
    assert "somebody else writes to endpoint shared" in seen["cause"]
    assert not exists(lab)
