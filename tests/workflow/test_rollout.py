"""Rolling updates under traffic, with requests that get no answer counted.

Each scene has a cloud of its own; what runs in seconds of computing is marked slow.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from icscaler_sim.world import ServiceProfile
from tests.e2e.rig import ENDPOINT, Rig
from tests.workflow.rollouts import (
    FAST,
    FLEET,
    IMAGE,
    NEW_IMAGE,
    Rollouts,
    arrived,
    lost,
    play_until,
    scene,
    traffic,
    until_phase,
)


def test_eight_copies_in_batches_of_two_lose_no_request(tmp_path: Path) -> None:
    with scene(tmp_path, "chat", floor=8) as rollouts:
        rig = rollouts.rig
        rollouts.scale("chat", 8)
        rollouts.start(components={"names": ["chat"]}, batch={"copies": 2})
        ended = play_until(rollouts, "r1", chat=1200)
        assert ended["status"] == "SUCCEEDED", ended
        assert rollouts.image("chat") == NEW_IMAGE
        assert rig.copies("chat") == rig.current("chat") == 8
        job = rollouts.jobs()["chat"]
        assert job.most_copies == 10, "two at a time beside the eight"
        assert arrived(rig, "chat") >= 1200 * 5
        assert lost(rig, "chat") == 0


class Leak:
    """A version whose copies answer a little slower after each request they have served."""

    def __init__(self, rig: Rig, image: str, s_per_request: float) -> None:
        self.rig, self.image, self.s_per_request = rig, image, s_per_request
        self.served: dict[str, int] = {}

    def minute(self, rollouts: Rollouts, **per_minute: int) -> None:
        """A minute of traffic."""
        self.rig.play(1, **per_minute)
        for name, count in per_minute.items():
            if rollouts.image(name) == self.image:
                self.served[name] = self.served.get(name, 0) + count
                slow_s = FAST["base_s"] + self.served[name] * self.s_per_request
                profile = ServiceProfile(**FAST | {"base_s": slow_s})
                self.rig.cloud.world.age(name, profile, image=self.image)


@pytest.mark.slow
def test_a_slow_leak_is_caught_in_the_second_wave_and_rolled_back_in_reverse(
    tmp_path: Path,
) -> None:
    names = ("a", "b", "c", "d")
    with scene(tmp_path, *names) as rollouts:
        rig = rollouts.rig
        # Fresh copies are as fast as ever. The first wave's traffic is too light to fill the leak.
        leak, traffic = Leak(rig, NEW_IMAGE, 0.001), {"a": 20, "b": 120, "c": 30, "d": 120}
        rig.play(35, **traffic)
        rollouts.start(
            components={"names": list(names)},
            waves=[{"components": ["a"]}, {"components": ["c", "b"]}, {"percent": 100}],
            gate={"bake_s": 900, "min_requests": 50, "no_traffic_wait_s": 300},
        )
        while (ended := rollouts.described(rollouts.names["r1"]))["status"] == "RUNNING":
            leak.minute(rollouts, **traffic)
        assert (ended["status"], ended["error"]) == ("FAILED", "RolledBack")
        record, jobs = rollouts.record(), rollouts.jobs()
        assert "b: latency" in record.reason
        assert record.wave == 1
        # Not at once: the gate had looked before, and found nothing.
        baking, breached = (
            max(entry.at_s for entry in record.log if entry.what == what)
            for what in ("Baking", "GateBreached")
        )
        assert breached - baking >= 120
        assert {name: rollouts.image(name) for name in names} == dict.fromkeys(names, IMAGE)
        assert jobs["d"].phase == "Waiting"
        back = sorted("abc", key=lambda name: jobs[name].ended_s or 0)
        assert back == ["b", "c", "a"], "the newest first"
        assert lost(rig, *names) == 0


@pytest.mark.slow
def test_a_failing_image_costs_no_request(tmp_path: Path) -> None:
    with scene(tmp_path, "chat", floor=4) as rollouts:
        broken = ServiceProfile(image_gb=0.5, weights_gb=0.5, fails_health_check=True)
        rollouts.rig.cloud.world.profiles.set("chat", broken, image=NEW_IMAGE)
        rollouts.scale("chat", 4)
        startup = {"StartupParameters": {"ContainerStartupHealthCheckTimeoutInSeconds": 60}}
        patch = {"Container": {"Image": NEW_IMAGE}, **startup}
        rollouts.start(components={"names": ["chat"]}, patch=patch, batch={"copies": 2})
        ended = play_until(rollouts, "r1", chat=600)
        assert (ended["status"], ended["error"]) == ("FAILED", "RolledBack")
        assert rollouts.phases() == {"chat": "Restored"}
        assert "health check" in rollouts.record().reason
        assert (rollouts.image("chat"), rollouts.rig.current("chat")) == (IMAGE, 4)
        assert lost(rollouts.rig, "chat") == 0


@pytest.mark.slow
def test_adapters_follow_their_base(tmp_path: Path) -> None:
    """Named with their base, in an order that would put them first, and on the way back too."""
    with scene(tmp_path, "base") as rollouts:
        rig = rollouts.rig
        for name in ("adapter-1", "adapter-2"):
            rig.sagemaker.create_inference_component(
                InferenceComponentName=name,
                EndpointName=ENDPOINT,
                Specification={
                    "BaseInferenceComponentName": "base",
                    "Container": {"ArtifactUrl": f"s3://models/{name}/1"},
                },
            )
        adapters = ("adapter-1", "adapter-2")
        rig.until(lambda: all(rig.status(name) == "InService" for name in adapters))
        rig.publish(
            FLEET.format(names="base", instances=2, floor=1, ceiling=16)
            + "  - {name: [adapter-1, adapter-2], adapter_of: base}\n",
            expected=rig.store.fleet_pointer().version,
        )
        rollouts.start(
            components={"names": ["adapter-1", "base", "adapter-2"]},
            patch={"Container": {"ArtifactUrl": "s3://models/new/"}},
        )
        until_phase(rollouts, "base", "Updating")
        assert {rollouts.phases()[name] for name in adapters} == {"Waiting"}
        ended = play_until(rollouts, "r1", base=120)
        assert ended["status"] == "SUCCEEDED", ended
        assert len(rollouts.record().plan.waves) == 1
        jobs = rollouts.jobs()
        updated = sorted(jobs, key=lambda name: jobs[name].ended_s or 0)
        assert updated[0] == "base"
        for name in ("base", *adapters):
            container = rig.describe(name)["Specification"]["Container"]
            assert container["ArtifactUrl"] == "s3://models/new/"
        assert lost(rig, "base") == 0


def alarm(rig: Rig, name: str, state: str) -> None:
    cloudwatch = rig.cloud.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace="Shop",
        MetricName="Complaints",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0.0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore",
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")


@pytest.mark.slow
def test_an_alarm_before_refuses_and_during_rolls_back(tmp_path: Path) -> None:
    with scene(tmp_path, "chat", floor=4) as rollouts:
        rig = rollouts.rig
        rollouts.scale("chat", 4)
        alarm(rig, "complaints", "ALARM")
        gate = {"alarms": ["complaints"], "bake_s": 60, "no_traffic_wait_s": 0}
        rollouts.start("before", components={"names": ["chat"]}, gate=gate)
        assert rollouts.end("before")["error"] == "Refused"
        alarm(rig, "complaints", "OK")
        rollouts.start("during", components={"names": ["chat"]}, gate=gate)
        until_phase(rollouts, "chat", "Updating", "during")
        rig.play(1, chat=300)
        alarm(rig, "complaints", "ALARM")
        ended = play_until(rollouts, "during", chat=300)
        assert (ended["status"], ended["error"]) == ("FAILED", "RolledBack")
        assert rollouts.phases("during") == {"chat": "Restored"}
        assert "complaints" in rollouts.record("during").reason
        assert (rollouts.image("chat"), rig.copies("chat")) == (IMAGE, 4)
        assert lost(rig, "chat") == 0


@pytest.mark.slow
@pytest.mark.parametrize("by_alarm", [True, False], ids=["by alarm", "switch off"])
def test_abort_in_the_middle_of_a_component(tmp_path: Path, by_alarm: bool) -> None:
    with scene(tmp_path, "chat", floor=4) as rollouts:
        rig = rollouts.rig
        rollouts.scale("chat", 4)
        rollouts.start(components={"names": ["chat"]}, abort_by_alarm=by_alarm)
        until_phase(rollouts, "chat", "Updating")
        rig.play(2, chat=300)
        rig.store.abort_rollout("r1", "ada", "wrong version")
        rollouts.answer("r1")
        ended = play_until(rollouts, "r1", chat=300)
        assert (ended["status"], ended["error"]) == ("FAILED", "RolledBack")
        assert "aborted by ada: wrong version" in rollouts.record().reason
        expected = "Restored" if by_alarm else "RolledBack"
        assert rollouts.phases() == {"chat": expected}
        assert (rollouts.image("chat"), rig.copies("chat")) == (IMAGE, 4)
        assert lost(rig, "chat") == 0
        assert rollouts.holds() == {}


@pytest.mark.slow
def test_pause_and_resume_act_between_components(tmp_path: Path) -> None:
    with scene(tmp_path, "a", "b") as rollouts:
        rollouts.start(components={"names": ["a", "b"]}, waves=[{"percent": 100}])
        rig, traffic = rollouts.rig, {"a": 300, "b": 300}
        until_phase(rollouts, "a", "Updating")
        rig.store.pause_rollout("r1", True, "ada")
        while rollouts.record().status != "Paused":
            rig.play(1, **traffic)
        rig.play(20, **traffic)
        assert rollouts.phases() == {"a": "Updated", "b": "Waiting"}
        rig.store.pause_rollout("r1", False, "ada")
        rollouts.answer("r1")
        assert play_until(rollouts, "r1", **traffic)["status"] == "SUCCEEDED"
        assert lost(rig, "a", "b") == 0


@pytest.mark.slow
def test_instances_that_do_not_come_end_in_the_old_version(tmp_path: Path) -> None:
    with scene(tmp_path, "chat", floor=8) as rollouts:
        rig = rollouts.rig
        rollouts.scale("chat", 8)
        rig.cloud.world.faults.obtainable_instances["ml.p4d.24xlarge"] = 1
        rollouts.start(components={"names": ["chat"]}, component_time_limit_s=600)
        ended = play_until(rollouts, "r1", chat=300)
        assert (ended["status"], ended["error"]) == ("FAILED", "RolledBack")
        assert rollouts.phases() == {"chat": "Restored"}
        assert (rollouts.image("chat"), rig.current("chat")) == (IMAGE, 8)
        assert lost(rig, "chat") == 0


@pytest.mark.slow
def test_no_room_is_refused(tmp_path: Path) -> None:
    with scene(tmp_path, "chat", floor=8, instances=1) as rollouts:
        rig = rollouts.rig
        rollouts.scale("chat", 8)
        rig.play(5, chat=1200)
        rollouts.start(components={"names": ["chat"]})
        ended = play_until(rollouts, "r1", chat=1200)
        assert (ended["error"], "has no room" in ended["cause"]) == ("Refused", True)
        rig.play(5, chat=1200)
        assert (lost(rig, "chat"), rig.current("chat")) == (0, 8)
        assert rig.calls("UpdateInferenceComponent") == 0


@pytest.mark.slow
@pytest.mark.parametrize("works", [True, False], ids=["works", "does not start"])
def test_a_model_at_zero_is_updated_woken_proven_and_put_back(tmp_path: Path, works: bool) -> None:
    with scene(tmp_path, "quiet", "other", floor=0) as rollouts:
        rig = rollouts.rig
        if not works:
            broken = ServiceProfile(image_gb=0.5, weights_gb=0.5, fails_health_check=True)
            rig.cloud.world.profiles.set("quiet", broken, image=NEW_IMAGE)
        rollouts.scale("quiet", 0)
        traffic(rig, other=300)
        startup = {"StartupParameters": {"ContainerStartupHealthCheckTimeoutInSeconds": 60}}
        rollouts.start(
            components={"names": ["quiet"]},
            patch={"Container": {"Image": NEW_IMAGE}, **startup},
            component_time_limit_s=3600,
        )
        ended = rollouts.end()
        what = [entry.what for entry in rollouts.jobs()["quiet"].log]
        assert "Wake" in what
        rig.until(lambda: rig.copies("quiet") == 0)
        if works:
            assert ended["status"] == "SUCCEEDED", ended
            assert ("PutBack" in what, rollouts.image("quiet")) == (True, NEW_IMAGE)
        else:
            assert ended["error"] == "RolledBack", ended
            assert rollouts.image("quiet") == IMAGE
        assert arrived(rig, "other") >= 300 * 2
        assert lost(rig, "other") == 0


@pytest.mark.slow
def test_a_model_at_zero_that_is_asked_for_meanwhile_keeps_its_copy(tmp_path: Path) -> None:
    """Requests are refused until its first copy serves, as at any zero; none after that."""
    with scene(tmp_path, "quiet", "other", floor=0) as rollouts:
        rig = rollouts.rig
        rig.cloud.world.profiles.set("quiet", ServiceProfile(**FAST | {"engine_s": 300.0}))
        rollouts.scale("quiet", 0)
        rollouts.start(components={"names": ["quiet"]})
        until_phase(rollouts, "quiet", "Proving")
        traffic(rig, other=300, quiet=60)
        rig.until(lambda: rig.current("quiet") == 1, step_s=10)
        refused, waited_s = lost(rig, "quiet"), rig.cloud.clock.now_s
        assert refused <= arrived(rig, "quiet")
        assert rollouts.end()["status"] == "SUCCEEDED"
        assert rollouts.image("quiet") == NEW_IMAGE
        assert "Kept" in [entry.what for entry in rollouts.jobs()["quiet"].log]
        rig.cloud.run_for(1200)
        assert rig.current("quiet") == 1
        assert arrived(rig, "quiet") > refused + (rig.cloud.clock.now_s - waited_s) * 0.9
        assert (lost(rig, "quiet"), lost(rig, "other")) == (refused, 0)


@pytest.mark.slow
def test_an_execution_stopped_from_outside_leaves_no_hold(tmp_path: Path) -> None:
    with scene(tmp_path, "chat", floor=4) as rollouts:
        rollouts.scale("chat", 4)
        traffic(rollouts.rig, chat=300)
        arn = rollouts.start(components={"names": ["chat"]})
        until_phase(rollouts, "chat", "Updating")
        assert set(rollouts.holds()) == {"chat"}
        rollouts.api.stop_execution(executionArn=arn)
        rollouts.rig.cloud.run_for(121)
        assert rollouts.holds() == {}
        assert rollouts.record().status == "Abandoned"
        rollouts.rig.cloud.run_for(1800)
        assert all(one["status"] != "RUNNING" for one in rollouts.children())
        assert rollouts.holds() == {}
        assert lost(rollouts.rig, "chat") == 0


@pytest.mark.slow
def test_a_surge_meets_copies_raised_beforehand(tmp_path: Path) -> None:
    """Yesterday at this hour it needed three times as many; meanwhile it can't be scaled."""
    with scene(tmp_path, "chat", ceiling=8) as rollouts:
        rig = rollouts.rig
        # Without looks the day passes quickly, and nobody else changes copies.
        for schedule in rig.cloud.client("scheduler").list_schedules()["Schedules"]:
            rig.cloud.client("scheduler").delete_schedule(Name=schedule["Name"])
        rollouts.scale("chat", 2)
        rig.play(30, chat=1500)
        rig.cloud.run_for(86_400 - 3600)
        rig.play(40, chat=400)
        rollouts.start(components={"names": ["chat"]}, on_peak="raise", batch={"copies": 4})
        rig.play(8, chat=400)
        ended = play_until(rollouts, "r1", chat=1500)
        assert ended["status"] == "SUCCEEDED", ended
        assert rollouts.jobs()["chat"].step.raise_to == 8
        assert rig.current("chat") == 8
        assert lost(rig, "chat") == 0


@pytest.mark.slow
def test_a_surge_that_nobody_foresaw_is_met_once_the_component_is_proven(tmp_path: Path) -> None:
    """Meanwhile SageMaker refuses to scale it, and its siblings are scaled as ever."""
    with scene(tmp_path, "chat", "code", ceiling=8) as rollouts:
        rig, calm, surge = rollouts.rig, {"chat": 300, "code": 300}, {"chat": 5000, "code": 2000}
        rollouts.scale("chat", 2)
        rig.play(20, **calm)
        rollouts.start(components={"names": ["chat"]}, wait_interval_s=300)
        until_phase(rollouts, "chat", "Updating")
        rig.play(8, **surge)
        assert (rollouts.phases()["chat"], rig.copies("chat") <= 2) == ("Updating", True)
        assert rig.current("code") > 1, "the neighbour is scaled meanwhile"
        ended = play_until(rollouts, "r1", **surge)
        assert ended["status"] == "SUCCEEDED", ended
        rig.play(15, **surge)
        assert rig.current("chat") >= 4
        before = lost(rig, "chat")
        print(f"lost {before} of {arrived(rig, 'chat')}")
        # Two copies serve 2,650 of the 5,000 a minute, and more cannot be had while it is updated.
        assert 0 < before < 0.47 * arrived(rig, "chat")
        assert lost(rig, "code") < 2000, "its neighbour loses less than a minute's requests"
        rig.play(10, **surge)
        assert lost(rig, "chat") == before, "from then on nothing is lost"


SMALLER = {"ComputeResourceRequirements": {"NumberOfAcceleratorDevicesRequired": 1}}


@pytest.mark.slow
@pytest.mark.parametrize("escrow", [True, False], ids=["with escrow", "without"])
def test_a_rollback_that_would_not_fit_without_escrow(tmp_path: Path, escrow: bool) -> None:
    """The new version needs half the GPUs; a busy neighbour grows into what it sets free."""
    with scene(tmp_path, "big", "eager", instances=1, floor=2, ceiling=8) as rollouts:
        rig = rollouts.rig
        needs = {
            "NumberOfAcceleratorDevicesRequired": 2,
            "NumberOfCpuCoresRequired": 4,
            "MinMemoryRequiredInMb": 16384,
        }
        rig.sagemaker.update_inference_component(
            InferenceComponentName="big",
            Specification={
                "Container": {"Image": IMAGE, "ArtifactUrl": "s3://models/big/"},
                "ComputeResourceRequirements": needs,
            },
        )
        rig.until(lambda: rig.status("big") == "InService")
        rollouts.scale("big", 2)
        rollouts.start(
            components={"names": ["big"]},
            patch={"Container": {"Image": NEW_IMAGE}, **SMALLER},
            escrow=escrow,
            gate={"bake_s": 1200, "no_traffic_wait_s": 0},
            component_time_limit_s=600,
        )
        until_phase(rollouts, "big", "Updated")
        rig.play(12, eager=6000, big=60)
        rig.store.abort_rollout("r1", "ada", "not this one")
        rollouts.answer("r1")
        ended = play_until(rollouts, "r1", eager=6000, big=60)
        assert lost(rig, "big") == 0
        if escrow:
            assert ended["error"] == "RolledBack", ended
            assert (rollouts.image("big"), rig.current("big")) == (IMAGE, 2)
        else:
            assert ended["error"] == "Stuck", ended
            assert rollouts.phases() == {"big": "Stuck"}
