"""The input of a rolling update: samples are read, mistakes are named, the schema is current."""

import json
from pathlib import Path
from typing import Any

import pytest

from icscaler.config.rollout_request import (
    RolloutRequestError,
    read_request,
    request_json_schema,
)
from icscaler.rollout.entities import BatchWish, Expectation, Request, Selector

ROOT = Path(__file__).parents[3]
MINIMAL: dict[str, Any] = {
    "rollout_id": "r1",
    "components": {"names": ["a"]},
    "patch": {"Container": {"Image": "llm:2"}},
}


def test_what_is_not_said_has_the_defaults_of_the_core() -> None:
    core = Request("r1", Selector(names=("a",)), patch={"Container": {"Image": "llm:2"}})
    assert read_request(MINIMAL) == core


@pytest.mark.parametrize("sample", sorted((ROOT / "events").glob("rollout_start_*.json")))
def test_samples_are_read(sample: Path) -> None:
    request = read_request(json.loads(sample.read_text(encoding="utf-8")))
    assert request.rollout_id
    assert request.patch


def test_everything_that_is_said_arrives() -> None:
    sample = ROOT / "events/rollout_start_fleet.json"
    request = read_request(json.loads(sample.read_text(encoding="utf-8")))
    assert request.batch == BatchWish(percent=25)
    assert [wave.percent for wave in request.waves] == [None, 10, 50, 100]
    assert request.gate.alarms == ("chat-slow",)
    assert request.approve_waves == (2,)
    assert request.probes[0].expect == (Expectation("usage.completion_tokens", 8),)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rollout_id": "no spaces"}, "rollout_id: String should match"),
        ({"components": {"name": ["a"]}}, "components.name: there is no such key"),
        ({"patch": None}, "as a whole: name a specification or a patch"),
        ({"batch": {}}, "batch: name either copies or percent"),
        ({"batch": {"copies": 1, "percent": 5}}, "batch: name either copies or percent"),
        ({"waves": [{"count": 1, "percent": 5}]}, "waves.0: name one of"),
        ({"wait_interval_s": 3601}, "wait_interval_s: Input should be less"),
        ({"component_time_limit_s": 60}, "component_time_limit_s: Input should be greater"),
        ({"gate": {"no_traffic": "maybe"}}, "gate.no_traffic: Input should be 'pass' or 'fail'"),
        ({"wave": []}, "wave: there is no such key"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_mistakes_are_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(RolloutRequestError) as told:
        read_request({**MINIMAL, **change}, "request.yaml")
    assert f"request.yaml: {says}" in str(told.value)


def test_the_published_schema_is_current() -> None:
    published = json.loads((ROOT / "docs/rollout.schema.json").read_text(encoding="utf-8"))
    assert published == request_json_schema()
