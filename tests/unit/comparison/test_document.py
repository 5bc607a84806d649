"""The JSON document: as its schema says, the same every time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from icscaler_sim.comparison import Entry, document, document_json
from icscaler_sim.simulate import Job, run_job
from tests.unit.comparison.made_up import JOBS, SCENARIO, content, played, scores

SCHEMA = Path(__file__).parents[3] / "docs" / "simulate.schema.json"


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_it_is_as_the_schema_says(validator: Draft202012Validator) -> None:
    assert [
        error.message for error in validator.iter_errors(json.loads(document_json(content())))
    ] == []


def _objects(schema: Any) -> list[dict[str, Any]]:
    """Every part of the schema that names properties."""
    if isinstance(schema, list):
        return [found for one in schema for found in _objects(one)]
    if not isinstance(schema, dict):
        return []
    own = [schema] if "properties" in schema else []
    return own + [found for one in schema.values() for found in _objects(one)]


def test_the_schema_allows_nothing_else_and_requires_everything() -> None:
    parts = _objects(json.loads(SCHEMA.read_text()))
    assert len(parts) > 15
    for part in parts:
        assert part["additionalProperties"] is False
        assert part["required"] == list(part["properties"])


def test_it_has_what_scripts_rely_on() -> None:
    shown = content()
    assert [one["name"] for one in shown["policies"]] == list(JOBS)
    first = shown["policies"][0]
    assert first.keys() >= {
        "settings",
        "gpu_hours",
        "instance_hours",
        "dollars",
        "requests",
        "model_lost_mean",
    }
    assert first["requests"]["total"] == shown["run"]["requests"]
    assert shown["run"]["period"]["hours"] == 1.5
    assert shown["run"]["in_time_s"] == {"usual": 30.0, "classes": {"critical": 5.0}}


def test_the_same_run_gives_the_same_document_but_for_its_speed() -> None:
    again = [Entry(run_job(SCENARIO, Job(name))) for name in JOBS]
    found = [json.loads(document_json(one)) for one in (content(), document(played(), again))]
    for one in found:
        for policy in one["policies"]:
            del policy["speed"]
    assert found[0] == found[1]


def test_how_gaps_were_played_is_said() -> None:
    shown = document(played(), [Entry(scores()[0], "recorded"), Entry(scores()[0], "filled")])
    assert [one["gaps"] for one in shown["policies"]] == ["recorded", "filled"]
