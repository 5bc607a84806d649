"""The input of a rolling update: samples are read, mistakes are named, the schema is current."""

import json
from pathlib import Path
from typing import Any

import pytest

from icscaler.config.rollout_request import read_request, request_json_schema
from icscaler.config.workflows.base import InputError
from icscaler.rollout.entities import BatchWish, Expectation, Request, Selector

AT_S = 1_795_989_300  # 2026-11-29T21:55:00Z, 22:55 in Berlin
ROOT = Path(__file__).parents[3]
MINIMAL: dict[str, Any] = {
    "rollout_id": "r1",
    "components": {"names": ["a"]},
    "patch": {"Container": {"Image": "llm:2"}},
}


def test_what_is_not_said_has_the_defaults_of_the_core() -> None:
    core = Request("r1", Selector(names=("a",)), patch={"Container": {"Image": "llm:2"}})
    assert read_request(MINIMAL, AT_S) == core


@pytest.mark.parametrize("sample", sorted((ROOT / "events").glob("rollout_start_*.json")))
def test_samples_are_read(sample: Path) -> None:
    request = read_request(json.loads(sample.read_text(encoding="utf-8")), AT_S)
    assert request.rollout_id
    assert request.patch


def test_everything_that_is_said_arrives() -> None:
    sample = ROOT / "events/rollout_start_fleet.json"
    request = read_request(json.loads(sample.read_text(encoding="utf-8")), AT_S)
    assert request.batch == BatchWish(percent=25)
    assert [wave.percent for wave in request.waves] == [None, 10, 50, 100]
    assert request.gate.alarms == ("chat-slow",)
    assert request.approve_waves == (2,)
    assert request.probes[0].expect == (Expectation("usage.completion_tokens", 8),)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rollout_id": "no spaces"}, "rollout_id: must be 1 to 40 letters"),
        ({"components": {"name": ["a"]}}, "components.name: unknown key"),
        ({"components": {"names": "a"}}, "components.names: must be a list"),
        ({"patch": None}, "name a specification or a patch"),
        ({"batch": {}}, "batch: name either copies or percent"),
        ({"batch": {"copies": 1, "percent": 5}}, "batch: name either copies or percent"),
        ({"waves": [{"count": 1, "percent": 5}]}, "waves[0]: name one of"),
        ({"wait_interval_s": 3601}, "wait_interval_s: must be at most 3600"),
        ({"component_time_limit_s": 60}, "component_time_limit_s: must be at least 600"),
        ({"gate": {"no_traffic": "maybe"}}, "gate.no_traffic: "),
        ({"start_at": "02:00 Europe/Berln"}, "start_at: there is no time zone"),
        ({"start_at": "2027-03-01"}, "start_at: "),
        ({"start_at": "2030-01-01T00:00:00Z"}, "start_at: more than 7 days ahead"),
        ({"wave": []}, "wave: unknown key"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_mistakes_are_named(change: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as told:
        read_request({**MINIMAL, **change}, AT_S)
    assert says in str(told.value)


@pytest.mark.parametrize(
    ("start_at", "start_s", "quieter"),
    [
        ("02:00 Europe/Berlin", AT_S + 3 * 3600 + 5 * 60, False),
        ("2026-11-30T00:00:00Z", AT_S + 2 * 3600 + 5 * 60, False),
        ("quieter", None, True),
        (None, None, False),
    ],
)
def test_when_it_is_to_start(start_at: str | None, start_s: int | None, quieter: bool) -> None:
    request = read_request({**MINIMAL, "start_at": start_at}, AT_S)
    assert (request.start_s, request.start_quieter) == (start_s, quieter)


def test_the_published_schema_is_current() -> None:
    published = json.loads((ROOT / "docs/rollout.schema.json").read_text(encoding="utf-8"))
    assert published == request_json_schema()
