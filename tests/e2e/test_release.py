"""`icscaler release`, `pause`, `resume` and `look` on the deployed controller, in virtual time."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from icscaler_cli import clock
from icscaler_cli.main import app
from icscaler_localcloud.cloud import LocalCloud
from tests.e2e.rig import ENDPOINT, FLEET, Rig
from tests.e2e.rig import rig as open_rig

QUICK = FLEET.replace("idle_s: 600", "idle_s: 60")
SPIKES = QUICK.replace("  - {name: inline, class", "  - {name: inline, spike_alarm: true, class")
UPDATE = "UpdateInferenceComponentRuntimeConfig"


class Operator:
    """Somebody at the command line, on the clock of the local cloud."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud

    def run(self, line: str) -> Any:
        """A command as it is typed; an exception that gets out is a stack trace for them."""
        result: Any = CliRunner().invoke(app, line.split())
        assert result.exception is None or isinstance(result.exception, SystemExit), (
            result.exception
        )
        return result


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Rig]:
    """As everywhere, but models go to zero within eight minutes."""
    with open_rig(tmp_path, QUICK) as opened:
        yield opened


@pytest.fixture
def operator(stage: Rig, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return at_the_clock(stage, monkeypatch)


def at_the_clock(stage: Rig, monkeypatch: pytest.MonkeyPatch) -> Operator:
    for name in ("AWS_PROFILE", "AWS_REGION", "ICSCALER_TABLE", "ICSCALER_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(clock, "now_s", lambda: stage.cloud.clock.now_s)
    monkeypatch.setattr(clock, "sleep", stage.cloud.sleep)
    return Operator(stage.cloud)


@pytest.fixture
def asleep(stage: Rig) -> Rig:
    """Blocks and flows were not used for long: they are at zero copies."""
    stage.play(9)
    assert [stage.copies(name) for name in ("inline", "blocks", "flows")] == [1, 0, 0]
    return stage


@pytest.fixture
def spiky(tmp_path: Path) -> Iterator[Rig]:
    """A fleet of which one model has an alarm made at run time."""
    with open_rig(tmp_path, SPIKES) as opened:
        opened.until(lambda: alarms(opened), step_s=300)
        yield opened


def alarms(stage: Rig, prefix: str = "icscaler/spike/") -> list[str]:
    found = stage.cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix)
    return [alarm["AlarmName"] for alarm in found["MetricAlarms"]]


class TestRelease:
    def test_models_at_zero_are_woken_and_stay_awake(self, asleep: Rig, operator: Operator) -> None:
        result = operator.run("release --all --yes")
        assert result.exit_code == 0, result.output
        assert "3 models in service with the copies wanted" in result.stderr
        assert "sam delete --stack-name icscaler" in result.stderr
        assert [asleep.current(name) for name in ("inline", "blocks", "flows")] == [1, 1, 1]
        assert asleep.invoke("blocks") == 200
        # Idle for long: without the pause they would go back to zero.
        asleep.play(15)
        assert [asleep.copies(name) for name in ("inline", "blocks", "flows")] == [1, 1, 1]
        assert asleep.failures() == []

    def test_again_is_nothing_new(self, asleep: Rig, operator: Operator) -> None:
        operator.run("release --all --yes")
        writes = asleep.calls(UPDATE)
        result = operator.run("release --all --yes")
        assert result.exit_code == 0
        assert "3 models in service" in result.stderr
        assert asleep.calls(UPDATE) == writes

    def test_dry_run_shows_it_and_does_nothing(self, asleep: Rig, operator: Operator) -> None:
        writes = asleep.calls(UPDATE)
        result = operator.run("release --all --dry-run")
        assert result.exit_code == 0
        rows = {line.split()[1]: line.split() for line in result.stdout.splitlines()}
        assert rows["blocks"] == ["shared", "blocks", "interactive", "0", "to", "1", "copy"]
        assert rows["inline"] == ["shared", "inline", "critical", "1", "in", "service"]
        assert asleep.calls(UPDATE) == writes
        pointer = asleep.store.fleet_pointer()
        assert pointer is not None
        assert not pointer.paused

    def test_nobody_to_confirm_does_nothing(self, asleep: Rig, operator: Operator) -> None:
        result = operator.run("release --all")
        assert result.exit_code == 2
        assert "--yes" in result.stderr
        assert asleep.copies("blocks") == 0

    def test_leave_pauses_and_wakes_nothing(self, asleep: Rig, operator: Operator) -> None:
        result = operator.run("release --all --leave --yes")
        assert result.exit_code == 0
        assert "blocks stays at zero copies, its requests fail" in result.stderr
        asleep.wake("blocks")
        asleep.play(10)
        assert asleep.copies("blocks") == 0

    def test_one_model_leaves_the_others_in_care(self, asleep: Rig, operator: Operator) -> None:
        result = operator.run("release --model blocks --yes")
        assert result.exit_code == 0, result.output
        assert "icscaler resume --model blocks" in result.stderr
        assert (asleep.current("blocks"), asleep.copies("flows")) == (1, 0)
        asleep.play(12, inline=3000)
        assert (asleep.copies("blocks"), asleep.copies("flows")) == (1, 0)
        assert asleep.copies("inline") > 1

    def test_a_floor_is_cut_at_the_ceiling(self, asleep: Rig, operator: Operator) -> None:
        text = QUICK.replace("[blocks, flows]}", "blocks}\n  - {name: flows, max_copies: 2}")
        asleep.publish(text, asleep.store.fleet_pointer().version)  # type: ignore[union-attr]
        result = operator.run("release --endpoint shared --floor 3 --yes")
        assert result.exit_code == 0, result.output
        assert [asleep.current(name) for name in ("inline", "blocks", "flows")] == [3, 3, 2]

    def test_what_finds_no_room_is_told(self, asleep: Rig, operator: Operator) -> None:
        result = operator.run("release --all --floor 8 --wait 1500 --yes")
        assert result.exit_code == 4
        assert "Run the same command again" in result.stderr
        assert "sam delete" not in result.stderr
        # Sixteen GPUs: the critical model was asked for first and got what it was to get.
        assert asleep.current("inline") == 8
        told = [line for line in result.stderr.splitlines() if "on shared: " in line]
        assert {line.split()[0] for line in told} <= {"blocks", "flows"}
        assert "flows on shared: not woken: ValidationException: There is not enough" in told[-1]
        assert "Room comes from" in result.stderr

    def test_only_asking_takes_no_time(self, asleep: Rig, operator: Operator) -> None:
        began_s = asleep.cloud.clock.now_s
        result = operator.run("release --all --wait 0 --yes")
        assert result.exit_code == 4
        assert "blocks on shared: asked for, not in service yet" in result.stderr
        assert asleep.cloud.clock.now_s - began_s < 30
        assert asleep.copies("blocks") == 1

    def test_a_change_in_flight_is_waited_for(self, asleep: Rig, operator: Operator) -> None:
        asleep.wake("blocks")
        asleep.cloud.run_for(3)
        assert asleep.status("blocks") == "Updating"
        assert operator.run("release --all --floor 2 --yes").exit_code == 0
        assert asleep.current("blocks") == 2

    def test_a_look_under_way_is_waited_for(self, asleep: Rig, operator: Operator) -> None:
        at_s = int(asleep.cloud.clock.now_s)
        assert asleep.store.acquire_lease(ENDPOINT, "a slow look", at_s, 40)
        result = operator.run("release --all --yes")
        assert result.exit_code == 0
        assert "a look at shared is under way" in result.stderr
        assert asleep.current("blocks") == 1

    @pytest.mark.parametrize(
        "trouble",
        [
            pytest.param(lambda stage: throttle(stage, UPDATE), id="writes throttled"),
            pytest.param(lambda stage: throttle(stage, "DescribeInferenceComponent"), id="reads"),
        ],
    )
    def test_throttling_costs_time_only(
        self, asleep: Rig, operator: Operator, trouble: Callable[[Rig], None]
    ) -> None:
        trouble(asleep)
        assert operator.run("release --all --yes").exit_code == 0
        assert asleep.current("blocks") == 1

    def test_what_application_auto_scaling_owns_is_left(
        self, asleep: Rig, operator: Operator
    ) -> None:
        asleep.cloud.client("application-autoscaling").register_scalable_target(
            ServiceNamespace="sagemaker",
            ResourceId="inference-component/flows",
            ScalableDimension="sagemaker:inference-component:DesiredCopyCount",
            MinCapacity=0,
            MaxCapacity=2,
        )
        result = operator.run("release --all --yes")
        assert result.exit_code == 0
        assert "flows stays at zero copies" in result.stderr
        assert "Application Auto Scaling" in result.stderr
        assert (asleep.copies("blocks"), asleep.copies("flows")) == (1, 0)

    def test_a_component_that_is_gone_is_told(self, asleep: Rig, operator: Operator) -> None:
        asleep.sagemaker.delete_inference_component(InferenceComponentName="flows")
        asleep.cloud.run_for(120)
        result = operator.run("release --all --yes")
        assert result.exit_code == 0
        row = next(line for line in result.stdout.splitlines() if " flows " in line)
        assert "does not exist" in row

    @pytest.mark.parametrize(
        ("line", "says"),
        [
            pytest.param("--model blokcs", "blokcs (did you mean blocks?)", id="model"),
            pytest.param("--endpoint shard", "shard (did you mean shared?)", id="endpoint"),
            pytest.param("--endpoint blocks", "no such endpoint", id="a model as an endpoint"),
        ],
    )
    def test_a_wrong_name_does_nothing(
        self, stage: Rig, operator: Operator, line: str, says: str
    ) -> None:
        result = operator.run(f"release {line} --yes")
        assert result.exit_code == 1
        assert says in result.stderr
        pointer = stage.store.fleet_pointer()
        assert pointer is not None
        assert (pointer.paused_models, pointer.paused_endpoints) == ((), ())


def throttle(stage: Rig, operation: str) -> None:
    stage.cloud.faults.throttle("sagemaker", operation, times=12)


class TestAlarms:
    def test_alarms_made_at_run_time_are_removed_and_stay_away(
        self, spiky: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        operator = at_the_clock(spiky, monkeypatch)
        before = alarms(spiky, "icscaler")
        cloudwatch = spiky.cloud.client("cloudwatch")
        foreign = {
            "Namespace": "Theirs",
            "MetricName": "Errors",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanThreshold",
        }
        for name in ("icscaler-spike", "icscaler2/spike/inline"):
            cloudwatch.put_metric_alarm(AlarmName=name, **foreign)
        result = operator.run("release --all --yes")
        assert result.exit_code == 0
        assert "1 alarm removed" in result.stderr
        spiky.play(16)  # the function that keeps them runs every 15 minutes
        left = {*before, "icscaler-spike", "icscaler2/spike/inline"} - {"icscaler/spike/inline"}
        assert set(alarms(spiky, "icscaler")) == left

    def test_a_model_takes_its_own_alarm_with_it(
        self, spiky: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        operator = at_the_clock(spiky, monkeypatch)
        operator.run("release --model blocks --yes")
        assert alarms(spiky) == ["icscaler/spike/inline"]
        operator.run("release --model inline --yes")
        assert alarms(spiky) == []

    def test_with_a_table_alone_the_prefix_is_asked_for(
        self, spiky: Rig, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        operator = at_the_clock(spiky, monkeypatch)
        table = spiky.stack.outputs["StateTableName"]
        result = operator.run(f"release --all --table {table} --yes")
        assert result.exit_code == 0
        assert "--alarm-prefix" in result.stderr
        assert alarms(spiky) == ["icscaler/spike/inline"]
        result = operator.run(f"release --all --table {table} --alarm-prefix icscaler/ --yes")
        assert result.exit_code == 0
        assert alarms(spiky) == []


def test_an_empty_fleet_has_nothing_to_hand_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_rig(tmp_path, None) as stage:
        operator = at_the_clock(stage, monkeypatch)
        result = operator.run("release --all --yes")
        assert result.exit_code == 0
        assert "Nothing is published" in result.stderr
        assert stage.store.fleet_pointer() is None
        assert operator.run("look").exit_code == 0
        assert operator.run("pause --fleet").exit_code == 1
        stage.publish(FLEET)
        pointer = stage.store.fleet_pointer()
        assert pointer is not None
        assert not pointer.paused


class TestSwitches:
    def test_paused_models_keep_their_copies_until_resumed(
        self, stage: Rig, operator: Operator
    ) -> None:
        result = operator.run("pause --model blocks")
        assert result.exit_code == 0
        assert "Paused: blocks" in result.stderr
        stage.play(9)
        assert (stage.copies("blocks"), stage.copies("flows")) == (1, 0)
        result = operator.run("resume --model blocks")
        assert "Resumed: blocks" in result.stderr
        stage.play(3)
        assert stage.copies("blocks") == 0

    def test_endpoint_and_fleet(self, stage: Rig, operator: Operator) -> None:
        operator.run("pause --endpoint shared")
        result = operator.run("pause --fleet")
        assert "Paused now: the whole fleet, endpoint shared" in result.stderr
        stage.play(9)
        assert stage.copies("flows") == 1
        result = operator.run("resume --fleet")
        assert "Paused now: endpoint shared" in result.stderr
        stage.play(9)
        assert stage.copies("flows") == 1

    def test_a_switch_that_outlives_its_model_can_be_cleared(
        self, stage: Rig, operator: Operator
    ) -> None:
        operator.run("pause --model flows")
        stage.publish(
            QUICK.replace("[blocks, flows]", "blocks"),
            stage.store.fleet_pointer().version,  # type: ignore[union-attr]
        )
        assert operator.run("pause --model flows").exit_code == 1
        assert operator.run("resume --model flows").exit_code == 0
        pointer = stage.store.fleet_pointer()
        assert pointer is not None
        assert pointer.paused_models == ()

    def test_wrong_names(self, stage: Rig, operator: Operator) -> None:
        result = operator.run("pause --model inlne --endpoint shared")
        assert result.exit_code == 1
        assert "inlne (did you mean inline?)" in result.stderr
        pointer = stage.store.fleet_pointer()
        assert pointer is not None
        assert pointer.paused_endpoints == ()


class TestLook:
    def test_a_look_comes_at_once(self, stage: Rig, operator: Operator) -> None:
        stage.cloud.run_for(60 - stage.cloud.clock.now_s % 60 + 20)  # between two ticks
        before = len(stage.looks())
        result = operator.run("look")
        assert result.exit_code == 0
        assert "Asked for 1 look: shared" in result.stderr
        stage.cloud.run_for(5)
        assert len(stage.looks()) == before + 1

    def test_a_wrong_name(self, stage: Rig, operator: Operator) -> None:
        stage.cloud.run_for(60 - stage.cloud.clock.now_s % 60 + 20)
        before = len(stage.looks())
        result = operator.run("look share shared")
        assert result.exit_code == 1
        assert "share (did you mean shared?)" in result.stderr
        stage.cloud.run_for(2)
        assert len(stage.looks()) == before

    def test_a_function_that_fails_is_told(self, stage: Rig, operator: Operator) -> None:
        stage.cloud.faults.fail("dynamodb", "GetItem", times=9)
        stage.cloud.faults.fail("dynamodb", "Query", times=9)
        assert operator.run("look").exit_code == 3
