"""What a person is told, and what is held meanwhile: vanished metrics, a change made by hand.

The tests are one story on one deployment and run in order. The person has an SQS queue subscribed
to the notification topic.
"""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from icscaler_cli import clock
from icscaler_localcloud.faults.physics import PhysicsFaults
from tests.e2e.rig import ENDPOINT, Rig, bare_rig
from tests.unit.cli.shell import run

MODELS = [f"model-{number}" for number in range(6)]
FLEET = f"""
version: 1
defaults:
  max_copies: 2
  idle_s: 60
  resources: {{gpus: 1, cpus: 4, memory_mb: 16384}}
  policy: {{target_tracking: {{metric: concurrency, target_value: 16}}}}
  limits: {{minimum_life_s: 0, manual_change_hold_s: 900}}
endpoints:
  {ENDPOINT}:
    variants:
      main: {{instance_type: ml.p4d.24xlarge, max_instances: 2}}
models:
  - {{name: [{", ".join(MODELS)}]}}
"""
GAP_MINUTES = 25


class Person:
    """Reads what the topic sent."""

    def __init__(self, stage: Rig) -> None:
        self._sqs, sns = stage.cloud.client("sqs"), stage.cloud.client("sns")
        self._url = self._sqs.create_queue(QueueName="person")["QueueUrl"]
        arn = "arn:aws:sqs:us-east-1:123456789012:person"
        topic = stage.stack.outputs["NotificationTopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    def news(self) -> list[str]:
        """Messages since the last time."""
        found: list[str] = []
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            found += [json.loads(one["Body"])["Message"] for one in messages]
            for one in messages:
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=one["ReceiptHandle"])
        return found


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with bare_rig(tmp_path_factory.mktemp("told")) as opened:
        opened._folder = Path(tmp_path_factory.mktemp("fleet"))
        opened.create_endpoint(ENDPOINT, *MODELS)
        opened.publish(FLEET)
        yield opened


@pytest.fixture(scope="module")
def person(stage: Rig) -> Person:
    return Person(stage)


@pytest.fixture(autouse=True)
def at_the_clock(stage: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "ICSCALER_TABLE", "ICSCALER_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(clock, "now_s", lambda: stage.cloud.clock.now_s)


def copies(stage: Rig) -> list[int]:
    return [stage.copies(name) for name in MODELS]


def test_when_all_metrics_vanish_nothing_scales_in_and_a_person_is_told(
    stage: Rig, person: Person
) -> None:
    stage.play(3, **dict.fromkeys(MODELS, 60))
    PhysicsFaults(stage.cloud.world).metric_gap(seconds=GAP_MINUTES * 60)
    stage.play(GAP_MINUTES)
    assert copies(stage) == [1] * len(MODELS)
    # Six models are blind; the controller's own alarms aside, one message says so.
    (told,) = [text for text in person.news() if "AlarmName" not in text]
    assert told.startswith("The fleet, ")
    assert "MetricsVanished: The metrics of 6 of 6 loaded models, on 1 endpoint, vanished" in told
    assert "Nothing scales in" in told
    assert "nothing scales in" in run("status").stderr


def test_afterwards_no_more_leave_at_once_than_the_fleet_allows(stage: Rig, person: Person) -> None:
    counts = [sum(copies(stage))]
    while counts[-1] and len(counts) < 30:
        stage.play(1)
        counts.append(sum(copies(stage)))
    assert counts[-1] == 0
    assert max(before - after for before, after in pairwise(counts)) == 3
    assert "nothing scales in" not in run("status").stderr


def test_a_change_by_hand_is_told_shown_honoured_and_returned(stage: Rig, person: Person) -> None:
    # Alone, nothing has looked at the models yet: what a first look finds is nobody's change.
    stage.until(lambda: sum(copies(stage)) == 0, limit_s=1800)
    person.news()
    stage.sagemaker.update_inference_component_runtime_config(
        InferenceComponentName="model-0", DesiredRuntimeConfig={"CopyCount": 2}
    )
    stage.play(8)
    assert stage.copies("model-0") == 2
    (told,) = [text for text in person.news() if "ManualChange" in text]
    assert "model-0 was set to 2 copies by somebody else" in told
    said = run("status", "--model", "model-0").stdout
    assert "blocked  somebody set it by hand" in said
    assert "the manual change is honoured no longer" in said
    assert "somebody else" in run("history", "model-0").stdout
    stage.until(lambda: stage.copies("model-0") == 0, limit_s=1800)
    assert "by hand" not in run("status", "--model", "model-0").stdout
