"""Inputs of the workflows: schema and samples that ship are current and right; times of day.

After a change of a schema run these with ICSCALER_GOLDEN=1, which writes the files anew.
"""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from icscaler.adapters.workflow_steps import read_event
from icscaler.config.settings import Part
from icscaler.config.workflows.base import InputError, input_schema, read_input, resolve
from icscaler.config.workflows.onboarding import OnboardModel
from icscaler.config.workflows.retirement import RetireModel
from icscaler.config.workflows.warm_up import WarmUpInput
from icscaler.entities import CopyResources
from icscaler.lifecycle.run import RefusedError
from icscaler.onboarding.lines import fleet_lines, model_entry

ROOT = Path(__file__).parents[3]
KINDS: list[tuple[str, str, type[Part]]] = [
    ("onboard_model", "onboard_model_input", OnboardModel),
    ("warm_up", "warm_up_input", WarmUpInput),
    ("retire_model", "retire_model_input", RetireModel),
]


def sample(name: str) -> Any:
    return json.loads((ROOT / "events" / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize(("name", "given", "kind"), KINDS)
def test_json_schema_is_current_and_the_sample_is_right(
    name: str, given: str, kind: type[Part]
) -> None:
    schema = json.dumps(input_schema(kind, name), indent=2, sort_keys=True) + "\n"
    path = ROOT / "docs" / f"{name}.schema.json"
    if os.environ.get("ICSCALER_GOLDEN"):
        path.write_text(schema, "utf-8")
    assert path.read_text("utf-8") == schema, f"run with ICSCALER_GOLDEN=1 to renew {path.name}"
    read_input(kind, sample(given))


def test_the_sample_becomes_a_description_and_lines() -> None:
    described = read_input(OnboardModel, sample("onboard_model_input")).description()
    assert described.resources == CopyResources(1, 4.0, 16384)
    assert (described.model.max_copies, described.model.concurrent_requests_per_copy) == (4, 16)
    assert described.model.objective is not None
    assert described.data_caching
    lines = fleet_lines(model_entry(described, "shared", "main"))
    assert lines.startswith("models:\n  - name: codegen-review\n    endpoint: shared\n")
    assert "    concurrent_requests_per_copy: 16\n" in lines
    assert "      memory_mb: 16384\n" in lines
    assert "    owner: codegen-team\n" in lines


def test_a_class_of_the_fleet_file_needs_its_worth() -> None:
    given = sample("onboard_model_input")
    given["scaling"]["class"] = "nightly"
    with pytest.raises(InputError, match="class nightly is not built in"):
        read_input(OnboardModel, given)
    given["scaling"]["worth"] = 0.5
    described = read_input(OnboardModel, given).description()
    assert (described.model.class_name, described.model.worth) == ("nightly", 0.5)
    assert "worth" not in described.entry


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(InputError) as told:
        read_input(WarmUpInput, {"select": {"name": "x"}, "copies": 0, "minutes": 5})
    assert "copies: must be at least 1, not 0" in str(told.value)
    assert "minutes: unknown key" in str(told.value)
    with pytest.raises(InputError, match="the input must be a mapping, not list"):
        read_input(RetireModel, [])


@pytest.mark.parametrize(
    ("text", "after", "wanted"),
    [
        ("08:55 Europe/Berlin", "2026-11-29T08:00:00+01:00", "2026-11-29T08:55:00+01:00"),
        ("08:55 Europe/Berlin", "2026-11-29T08:55:00+01:00", "2026-11-30T08:55:00+01:00"),
        # The clocks go back in the night before: still five to nine by the clock on the wall.
        ("08:55 Europe/Berlin", "2026-10-24T12:00:00+02:00", "2026-10-25T08:55:00+01:00"),
        # This time does not exist that day: the clocks jump from two to three.
        ("02:30 Europe/Berlin", "2026-03-28T12:00:00+01:00", "2026-03-29T03:30:00+02:00"),
        ("2027-03-01T09:00:00+01:00", "2020-01-01T00:00:00Z", "2027-03-01T09:00:00+01:00"),
    ],
)
def test_times_of_day(text: str, after: str, wanted: str) -> None:
    after_s = int(datetime.fromisoformat(after).timestamp())
    assert resolve(text, after_s) == int(datetime.fromisoformat(wanted).timestamp())


def test_a_steps_event_is_read_and_anything_else_is_refused() -> None:
    seen = read_event(sample("onboard_step"), "request-1", 0)
    assert (seen.action, seen.component) == ("MakeComponent", "codegen-review")
    assert seen.run.arn.endswith(seen.run.name)
    assert seen.started_s == 1_795_939_200
    with pytest.raises(RefusedError, match="start an execution of it"):
        read_event({"hello": "world"}, "request-1", 0)
