"""`icscaler compare` after an hour of observing a fleet that somebody else has sized, virtually."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from icscaler_cli import clock
from icscaler_sim.pricing import load_prices
from tests.e2e.rig import ENDPOINT, Rig
from tests.e2e.rig import rig as open_rig
from tests.unit.cli.shell import run

OBSERVED = """
version: 1
defaults:
  observe: true
  max_copies: 8
  idle_s: 600
  resources: {gpus: 1, cpus: 4, memory_mb: 16384}
  policy: {target_tracking: {metric: concurrency, target_value: 16}}
endpoints:
  shared: {variants: {main: {instance_type: ml.p4d.24xlarge, max_instances: 2}}}
  typing: {variants: {main: {instance_type: ml.g5.2xlarge, max_instances: 4}}}
models:
  - {name: inline, endpoint: shared, class: critical}
  - {name: inline-lora, adapter_of: inline}
  - {name: [blocks, flows], endpoint: shared}
  - {name: typing, kind: variant, endpoint: typing}
"""
MINUTES = 40


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Inline is called all the time, blocks at the beginning, flows has two copies for nobody.

    An adapter of inline is called too, and typing, which has two instances to itself.
    """
    with open_rig(tmp_path_factory.mktemp("comparing"), None) as opened:
        opened.create_single_model_endpoint("typing", instances=2)
        opened.cloud.world.alias("typing", "typing", "main")
        opened.adapt("inline-lora", "inline")
        opened.publish(OBSERVED)
        opened.cloud.run_until(-(-opened.cloud.clock.now_s // 600) * 600)
        opened.sagemaker.update_inference_component_runtime_config(
            InferenceComponentName="flows", DesiredRuntimeConfig={"CopyCount": 2}
        )
        steady = {"inline": 120, "inline-lora": 30, "typing": 60}
        opened.play(5, blocks=7, **steady)
        opened.play(MINUTES - 5, **steady)
        opened.cloud.run_for(900)
        yield opened


@pytest.fixture(autouse=True)
def at_the_clock(stage: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "ICSCALER_TABLE", "ICSCALER_STACK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(clock, "now_s", lambda: stage.cloud.clock.now_s)


def compared(*words: str) -> Any:
    line = ("compare", "--from", "40m", "--warm-up", "10m", *words)
    result = run(*line)
    assert result.exit_code == 0, result.output
    return result


def test_what_ran_beside_what_icscaler_would_have_done(stage: Rig) -> None:
    found = json.loads(compared("--json").stdout)
    models = {one["model"]: one for one in found["models"]}
    hours = 30 / 60  # whole tens of minutes, without the last fifteen
    assert {name: one["ran_hours"] for name, one in models.items()} == pytest.approx(
        {"inline": hours, "blocks": hours, "flows": 2 * hours, "typing": 2 * hours}
    )
    assert all(one["known_fraction"] == 1 for one in models.values())
    # The adapter's are counted once: the local cloud has them in the base's own metrics too.
    assert models["inline"]["requests"] == (120 + 30) * 30
    assert found["adapters"] == {"inline": ["inline-lora"]}
    assert found["left_out"] == []
    assert models["inline"]["our_hours"] == pytest.approx(hours, rel=0.1)
    assert models["flows"]["our_hours"] < models["flows"]["ran_hours"]
    assert (models["typing"]["kind"], models["typing"]["requests"]) == ("variant", 60 * 30)
    assert models["typing"]["our_hours"] == pytest.approx(hours, rel=0.1)
    per_gpu = load_prices().get("ml.p4d.24xlarge").usd_per_hour / 8
    saved = models["flows"]["ran_hours"] - models["flows"]["our_hours"]
    assert models["flows"]["saved_usd"] == pytest.approx(saved * per_gpu)
    assert stage.calls("UpdateInferenceComponentRuntimeConfig") == 1  # by hand


def test_for_people_with_its_method_and_limits() -> None:
    result = compared("--endpoint", ENDPOINT)
    assert result.stdout.splitlines()[-1].startswith("all")
    assert "replayed in the simulator" in result.stderr
    assert "Adapters counted for their base inline: inline-lora" in result.stderr
    assert "Copies of a single-model variant" not in result.stderr, "typing is not on this endpoint"
    assert "what was late in reality is not known" in result.stderr


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("--from 5m", 2, "less than ten minutes"),
        ("--from 20d", 2, "CloudWatch keeps minutes for 15 days"),
        ("--from 40m --endpoint nosuch", 1, "no such endpoint"),
        ("--from 3d --to 2d", 3, "no look saw these models in that time"),
        ("--from monday", 2, "no such time"),
    ],
)
def test_what_cannot_be_compared_is_said(line: str, code: int, says: str) -> None:
    result = run("compare", *line.split())
    assert result.exit_code == code
    assert says in result.stderr
