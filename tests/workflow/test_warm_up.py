"""warm_up: floors for a while, brought by the controller's own looks; and every way it can fail."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from icscaler.onboarding.record import START_UP, StartUp
from icscaler.warm_up.record import WORKFLOW, Phase, WarmUpRecord
from tests.e2e.rig import FLEET
from tests.workflow.entered import verify
from tests.workflow.lab import Lab, command, open_lab, tick

M = "warm_up"
STATES = ["Plan", "SetFloors", "CheckReady", "SendRequests", "Release"]
GROUPED = FLEET + "  - {name: flows-2, group: evening, max_copies: 1}\n"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with open_lab(tmp_path_factory.mktemp("warm"), M, GROUPED) as lab:
        yield lab


@pytest.fixture
def lab(opened: Lab, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The module's lab; `inline` is warm at any time, the others may be at zero."""
    opened.started = []
    yield opened
    opened.mend()
    tick(opened.rig, on=False)
    verify(request, opened.entered)


def warm_already(**changes: Any) -> dict[str, Any]:
    """A warm-up of a model that has its copy: it needs no look."""
    return {"select": {"name": "inline"}, "for_s": 60, "requests": {"payload": "hi"}, **changes}


def overlays(lab: Lab) -> list[str]:
    now_s = lab.rig.cloud.clock.now_s
    found = lab.rig.store.overlays("shared")
    return [one.component for one in found if one.until_s is None or one.until_s > now_s]


def fleet_version(lab: Lab) -> str:
    pointer = lab.rig.store.fleet_pointer()
    assert pointer is not None
    return pointer.version


def record(lab: Lab, arn: str) -> WarmUpRecord:
    name = arn.rsplit(":", 1)[-1]
    found, _ = lab.rig.store.read_workflow(WORKFLOW, name, WarmUpRecord)
    assert found is not None
    return found


# ---------------------------------------------------------------- the way through


@pytest.mark.enters(
    *(f"{M}:{state}" for state in STATES),
    f"{M}:WaitUntilStart",
    f"{M}:ModelsReady",
    f"{M}:WaitForCopies",
    f"{M}:RequestsSent",
    f"{M}:HoldFloors",
    f"{M}:WarmedUp",
)
def test_models_at_zero_are_ready_in_time_and_go_when_the_window_ends(lab: Lab) -> None:
    rig = lab.rig
    tick(rig, on=True)
    rig.until(lambda: rig.copies("blocks") == 0 and rig.copies("flows") == 0)
    now_s = int(rig.cloud.clock.now_s)
    rig.store.write_workflow(START_UP, "blocks", StartUp(400, 1, now_s), 0, now_s)
    by_s = now_s + 1800
    arn = lab.start(
        {
            "select": {"name": ["blocks", "flows"]},
            "copies": 2,
            "ready_by": datetime.fromtimestamp(by_s, UTC).isoformat(),
            "for_s": 1200,
            "start_up_s": 900,
            "requests": {"payload": "hi", "requests": 2},
        }
    )
    rig.cloud.run_for(1)
    starts = {one.component: one.from_s for one in record(lab, arn).targets}
    assert starts == {"blocks": by_s - 400 - 120, "flows": by_s - 900 - 120}
    rig.cloud.run_until(by_s - 900 - 120 - 5)
    assert overlays(lab) == []  # stopped before, it would leave nothing
    rig.cloud.run_until(by_s)
    assert (rig.current("blocks"), rig.current("flows")) == (2, 2)
    rig.cloud.run_until(by_s + 1190)
    assert (rig.current("blocks"), rig.current("flows")) == (2, 2)
    assert rig.records()[-1].steps[-1] == f"Overlay 2 by warm_up/{arn.rsplit(':', 1)[-1]}"
    seen = lab.finish(arn)
    assert seen["output"]["verdict"] == "Ready", seen
    assert (seen["output"]["ready"], seen["output"]["late"]) == (["blocks", "flows"], {})
    assert overlays(lab) == []
    rig.until(lambda: rig.copies("blocks") == 0 and rig.copies("flows") == 0)


ALONE = f"""{FLEET.partition("models:")[0].rstrip()}
  typing: {{variants: {{main: {{instance_type: ml.g5.2xlarge, max_instances: 4}}}}}}
models:
  - {{name: inline, class: critical, endpoint: shared}}
  - {{name: [blocks, flows], endpoint: shared}}
  - {{name: typing, kind: variant, endpoint: typing, max_copies: 4}}
"""


def test_a_single_model_variant_has_its_instances_in_time(lab: Lab) -> None:
    rig = lab.rig
    rig.create_single_model_endpoint("typing")
    rig.publish(ALONE, fleet_version(lab))
    tick(rig, on=True)

    def instances() -> tuple[int, int]:
        (variant,) = rig.sagemaker.describe_endpoint(EndpointName="typing")["ProductionVariants"]
        return variant["DesiredInstanceCount"], variant["CurrentInstanceCount"]

    assert instances() == (1, 1)
    arn = lab.start(
        {"select": {"name": "typing"}, "copies": 3, "for_s": 1500, "requests": {"payload": "hi"}}
    )
    rig.cloud.run_for(1)
    rig.until(lambda: record(lab, arn).targets[0].asked, limit_s=1500, step_s=60)
    assert instances() == (3, 3)
    seen = lab.finish(arn)
    assert (seen["output"]["verdict"], seen["output"]["late"]) == ("Ready", {}), seen
    rig.until(lambda: instances()[0] < 3)
    rig.publish(GROUPED, fleet_version(lab))


def test_late_models_are_reported_with_the_reason(lab: Lab) -> None:
    rig = lab.rig
    tick(rig, on=True)
    rig.until(lambda: rig.copies("flows") == 0)
    rig.store.set_paused(True, model="flows")
    told = rig.listen("WarmUpLate")
    seen = lab.run(
        {"select": {"name": ["flows", "flows-2"]}, "for_s": 120, "start_up_s": 0, "margin_s": 0}
    )
    rig.store.set_paused(False, model="flows")
    assert seen["status"] == "SUCCEEDED"
    assert seen["output"]["verdict"] == "Late"
    late = seen["output"]["late"]
    assert late["flows-2"] == "the component does not exist"
    assert late["flows"].startswith("it is paused")
    # Told when they became late, not at the end of the window, and once.
    (event,) = told()
    assert sorted(event["detail"]["Late"]) == ["flows", "flows-2"]
    ended_s = int(rig.cloud.clock.now_s)
    assert datetime.fromisoformat(event["time"]).timestamp() <= ended_s - 100


def test_a_stopped_warm_up_ends_with_its_window(lab: Lab) -> None:
    arn = lab.start(warm_already(for_s=300))
    lab.rig.cloud.run_for(30)
    assert overlays(lab) == ["inline"]
    lab.stop(arn)
    lab.rig.cloud.run_for(280)
    assert overlays(lab) == []


def test_a_schedule_of_eventbridge_scheduler_starts_it(lab: Lab) -> None:
    scheduler: Any = lab.rig.cloud.client("scheduler")
    scheduler.create_schedule(
        Name="before-office",
        ScheduleExpression="rate(1 hour)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": lab.arn,
            "RoleArn": lab.rig.stack.outputs["WarmUpScheduleRoleArn"],
            "Input": json.dumps(warm_already()),
        },
    )
    lab.rig.cloud.run_for(3700)
    scheduler.delete_schedule(Name="before-office")
    api: Any = lab.rig.cloud.client("stepfunctions")
    newest = api.list_executions(stateMachineArn=lab.arn)["executions"][0]
    seen = lab.finish(newest["executionArn"])
    assert seen["output"]["ready"] == ["inline"]


@pytest.mark.enters(f"{M}:WaitBeforeRequests")
def test_first_requests_go_out_a_few_at_a_time_and_their_errors_are_told(lab: Lab) -> None:
    lab.rig.cloud.faults.fail(
        "sagemaker-runtime",
        "InvokeEndpoint",
        code="ModelError",
        status=424,
        message="out of memory",
    )
    tick(lab.rig, on=True)
    seen = lab.run(
        {
            "select": {"name": ["inline", "blocks"]},
            "for_s": 1500,
            "requests": {"payload": "hi", "requests": 10},
        }
    )
    assert seen["output"]["verdict"] == "Ready", seen
    assert seen["output"]["failed_requests"] == {"blocks": "ModelError: out of memory"}


def test_the_command_waits_for_the_end_and_tells_who_was_late(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("warm", "inline", "--for", "60", "--payload", "hi", "--name", "w")
    done = command(lab, monkeypatch, *asked)
    assert done.exit_code == 0, done.stderr
    again = command(lab, monkeypatch, *asked)
    assert (again.exit_code, "choose another" in again.stderr) == (3, True)
    assert "CheckReady: 1 of 1 models are ready" in done.stderr
    late = command(lab, monkeypatch, "warm", "flows-2", "--for", "60")
    assert late.exit_code == 4
    assert "late: flows-2: the component does not exist" in late.stderr
    wrong = command(lab, monkeypatch, "warm", "--for", "60")
    assert wrong.exit_code == 1
    assert "selects nothing" in wrong.stderr


# ---------------------------------------------------------------- what passes by itself


def test_every_state_is_tried_again(lab: Lab) -> None:
    lab.outlive_lost_calls(STATES, warm_already())


def test_every_state_outlives_a_table_that_fails_for_a_moment(lab: Lab) -> None:
    lab.outlive_a_failing_table(STATES, warm_already())


# ---------------------------------------------------------------- failures


@pytest.mark.enters(
    *(f"{M}:{state}!RecordFailure" for state in STATES),
    f"{M}:RecordFailure",
    f"{M}:NotWarmedUp",
)
def test_a_failed_warm_up_takes_its_floors_off(lab: Lab) -> None:
    for state in STATES:
        lab.break_for_good(state)
        seen = lab.run(warm_already())
        lab.mend()
        assert seen["status"] == "FAILED", state
        assert "injected failure" in seen["cause"]
        assert overlays(lab) == [], state
    assert record(lab, lab.started[-1]).phase is Phase.FAILED


@pytest.mark.enters(f"{M}:RecordFailure!FailureNotRecorded", f"{M}:FailureNotRecorded")
def test_when_even_recording_fails_the_window_ends_all_the_same(lab: Lab) -> None:
    lab.break_for_good("CheckReady")
    lab.break_for_good("RecordFailure")
    assert lab.run(warm_already())["error"] == "FailureNotRecorded"
    lab.rig.cloud.run_for(120)
    assert overlays(lab) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"select": {}}, "selects nothing", id="nothing"),
        pytest.param({"select": {"name": "inlin"}}, "no such model", id="unknown name"),
        pytest.param({"select": {"group": "morning"}}, "no model", id="empty group"),
        pytest.param({"copies": 9}, "above the ceiling of inline (8)", id="ceiling"),
        pytest.param({"until": "12:00 Europe/Berlin"}, "one of them", id="two ends"),
        pytest.param({"ready_by": "2027-03-01T09:00:00"}, "no zone", id="no zone"),
        pytest.param({"ready_by": "25:00 Europe/Berlin"}, "not a time of day", id="no time"),
        pytest.param({"ready_by": "08:55 Europe/Berln"}, "Europe/Berlin", id="unknown zone"),
    ],
)
def test_wrong_input_is_told_by_key(lab: Lab, changes: dict[str, Any], says: str) -> None:
    seen = lab.run(warm_already(**changes))
    assert seen["status"] == "FAILED"
    assert says in seen["cause"]
