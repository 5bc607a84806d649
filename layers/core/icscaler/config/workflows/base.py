"""What the inputs of workflows share: reading them, and saying what is wrong with them."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from typing import Annotated, Any, TypeVar

import jmespath
from pydantic import AfterValidator, Field, JsonValue, ValidationError, WithJsonSchema

from icscaler.config.problems import Path, key_path
from icscaler.config.schema import part_json_schema
from icscaler.config.settings import Part
from icscaler.config.wording import worded
from icscaler.config.zones import zone_info
from icscaler.rollout.entities import Expectation, Probe

P = TypeVar("P", bound=Part)

HINT = "08:55 Europe/Berlin, or date, time and zone like 2026-12-01T08:55:00+01:00"


class InputError(Exception):
    """The input of an execution can't be used: every problem with its key and what to do."""


def read_input(kind: type[P], given: Any) -> P:
    """The checked input. Raises `InputError`."""
    if not isinstance(given, Mapping):
        raise InputError(f"the input must be a mapping, not {type(given).__name__}")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        raise InputError("; ".join(_problems(kind, error))) from None


def _problems(kind: type[Part], invalid: ValidationError) -> list[str]:
    said = []
    for path, problem, remedy in input_problems(kind, invalid):
        key = f"{key_path(path)}: " if path else ""
        said.append(f"{key}{problem}" + (f" ({remedy})" if remedy else ""))
    return said


def input_problems(kind: type[Part], invalid: ValidationError) -> Iterator[tuple[Path, str, str]]:
    """Path, problem and remedy of everything that is wrong."""
    schema = part_json_schema(kind)
    for error in invalid.errors(include_url=False):
        path = tuple(part for part in error["loc"] if part != "[key]")
        yield (path, *worded(error, path, schema))


def input_schema(kind: type[Part], workflow: str) -> dict[str, Any]:
    """The JSON Schema of a workflow's input (draft 2020-12)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:icscaler:{workflow}",
        **part_json_schema(kind),
    }


# ---------------------------------------------------------------- times


def _time_point(value: str) -> str:
    resolve(value, 0)
    return value


def resolve(text: str, after_s: int) -> int:
    """Epoch seconds of `2027-03-01T08:55:00+01:00`, or of the next `08:55 Europe/Berlin` after
    `after_s`. Raises `ValueError`: "problem; remedy"."""
    clock_time, _, name = text.partition(" ")
    if not name:
        return _instant_s(text)
    try:
        wanted = time.fromisoformat(clock_time)
    except ValueError:
        raise ValueError(f"not a time of day: {clock_time!r}; write {HINT}") from None
    zone = zone_info(name)
    day = datetime.fromtimestamp(after_s, zone).date()
    while True:
        at_s = int(datetime.combine(day, wanted.replace(tzinfo=zone)).timestamp())
        if at_s > after_s:
            return at_s
        day += timedelta(days=1)


def _instant_s(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"not a time: {text!r}; write {HINT}") from None
    if at.tzinfo is None:
        raise ValueError(f"the time {text} has no zone; write {HINT}")
    return int(at.timestamp())


TimePoint = Annotated[
    str,
    AfterValidator(_time_point),
    WithJsonSchema({"type": "string", "examples": ["08:55 Europe/Berlin"]}),
]


# ---------------------------------------------------------------- probes


def _jmespath(value: str) -> str:
    try:
        jmespath.compile(value)
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError(
            f"not a JMESPath expression: {value!r} ({error.__class__.__name__}); "
            "write it like usage.completion_tokens"
        ) from None
    return value


class ExpectKeys(Part):
    """What the JSON of an answer must have."""

    path: Annotated[str, AfterValidator(_jmespath)] = Field(
        description="Where in the answer, as a JMESPath expression.",
        examples=["usage.completion_tokens"],
    )
    equals: JsonValue = Field(
        default=None,
        description="The value it must have. Left out: any value but null.",
        examples=[16],
    )


class ProbeKeys(Part):
    """Requests to the model, and what counts as an answer."""

    payload: JsonValue = Field(
        description="The request's body: text as it is, anything else as JSON.",
        examples=[{"inputs": "ping", "parameters": {"max_new_tokens": 16}}],
    )
    content_type: str = Field(
        default="application/json",
        description="The request's Content-Type.",
        examples=["application/json"],
    )
    requests: Annotated[int, Field(ge=1, le=20)] = Field(
        default=1, description="How many requests, one after the other.", examples=[3]
    )
    max_latency_s: Annotated[float, Field(gt=0, le=60)] | None = Field(
        default=None, description="No answer may take longer. Left out: any time.", examples=[20]
    )
    expect: Annotated[tuple[ExpectKeys, ...], Field(strict=False)] = Field(
        default=(),
        description="What each answer must have, besides status 200.",
        examples=[[{"path": "usage.completion_tokens", "equals": 16}]],
    )

    def probe(self) -> Probe:
        """As the workflows use it."""
        payload = self.payload if isinstance(self.payload, str) else json.dumps(self.payload)
        return Probe(
            payload,
            self.content_type,
            self.requests,
            self.max_latency_s,
            tuple(
                Expectation(one.path, one.equals, "equals" not in one.model_fields_set)
                for one in self.expect
            ),
        )
