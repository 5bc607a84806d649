"""The samples of what the state machines and the schedule send are steps that exist."""

import json
import re
from pathlib import Path

import pytest

from icscaler.adapters.rollouts import entry

ROOT = Path(__file__).parents[3]


def sample(name: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((ROOT / "events" / f"{name}.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("name", ["rollout_sweep", "rollout_step_watch"])
def test_the_step_of_a_sample_exists(name: str) -> None:
    assert sample(name)["action"] in entry.STEPS


def test_the_schedule_sends_the_sample() -> None:
    inputs = re.findall(r"Input: '(.+)'", (ROOT / "template.yaml").read_text("utf-8"))
    assert sample("rollout_sweep") in [json.loads(text) for text in inputs]


def test_a_step_names_what_the_machine_knows() -> None:
    machine = (ROOT / "statemachines/update_component.asl.json").read_text("utf-8")
    for key in sample("rollout_step_watch"):
        assert re.search(rf'"{key}(\\.\\$)?":', machine), key
