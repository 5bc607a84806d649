"""The reference part of `docs/fleet-file.md`, written from the models that check the file."""

import json
from collections.abc import Iterator
from typing import Any

from pydantic.fields import FieldInfo

from icscaler.config import schema, settings, when
from icscaler.config.schema import part_json_schema
from icscaler.config.settings import Part

BEGINS = (
    "<!-- Below this line everything is written from the schema: run tests/unit/config with "
    "ICSCALER_GOLDEN=1. -->"
)

# Every mapping of the file: where it stands, and the class that checks it. Keys that come from
# `Settings` are shown once, under their own heading.
SECTIONS: tuple[tuple[str, type[Part]], ...] = (
    ("The file", schema.FleetFile),
    ("`defaults`", settings.DefaultKeys),
    ("`classes.<name>`", settings.ClassKeys),
    ("`endpoints.<name>`", schema.EndpointKeys),
    ("`endpoints.<name>.variants.<name>`", schema.VariantKeys),
    ("`endpoints.<name>.variants.<name>.hardware`", schema.HardwareKeys),
    ("`endpoints.<name>.variants.<name>.scale_in`", schema.ScaleInKeys),
    ("`models[]`", schema.ModelEntry),
    ("Settings of `defaults`, classes and models", settings.Settings),
    ("`resources`", settings.ResourcesKeys),
    ("`policy`", settings.PolicyKeys),
    ("`policy.target_tracking`", settings.TargetTrackingKeys),
    ("`limits`", settings.LimitsKeys),
    ("`ceilings`", schema.CeilingsKeys),
    ("`adoption`", schema.AdoptionKeys),
    ("`schedules[]`", when.ScheduleEntry),
    ("`calendars.<name>`", when.CalendarKeys),
    ("`overrides[]`", when.OverrideEntry),
    ("`select` of `schedules[]` and `overrides[]`", when.Selector),
)
_SHARED = frozenset(settings.Settings.model_fields)
_FORMATS = {"date-time": "time with zone", "date": "date"}
_TYPES = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
}


def reference() -> str:
    """Every key with its values, its meaning and an example, as Markdown."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    for heading, part in SECTIONS:
        properties = part_json_schema(part)["properties"]
        shared = issubclass(part, settings.Settings) and part is not settings.Settings
        yield f"### {heading}\n\n{part.__doc__}\n"
        if shared:
            yield "The shared settings below, and:\n"
        yield "| key | value | meaning | example |\n| --- | --- | --- | --- |"
        for name, field in part.model_fields.items():
            if not (shared and name in _SHARED):
                key = field.alias or name
                yield _row(key, field, properties[key])
        yield ""


def _row(key: str, field: FieldInfo, found: dict[str, Any]) -> str:
    required = " (required)" if field.is_required() else ""
    example = "<br>".join(f"`{key}: {_flow(one)}`" for one in field.examples or ())
    return f"| `{key}` | {_values(found)}{required} | {field.description} | {example} |"


def _values(found: dict[str, Any]) -> str:
    """What may stand there, in words."""
    if "anyOf" in found:
        return " or ".join(_values(one) for one in found["anyOf"])
    if "const" in found:
        return f"`{found['const']}`"
    if "enum" in found:
        return " or ".join(f"`{one}`" for one in found["enum"])
    if "$ref" in found or "type" not in found:
        return "mapping"
    low = _bound(found, "minimum", "exclusiveMinimum", "above")
    high = _bound(found, "maximum", "exclusiveMaximum", "below")
    limits = {
        (True, True): f", {low} to {high}",
        (True, False): f", {low} or more",
        (False, True): f", up to {high}",
        (False, False): "",
    }[bool(low), bool(high)]
    word = _FORMATS.get(found.get("format", "")) or _TYPES[found["type"]]
    return word + limits


def _bound(found: dict[str, Any], inclusive: str, exclusive: str, word: str) -> str:
    if inclusive in found:
        return f"{found[inclusive]:g}" if found[inclusive] < 1e6 else str(found[inclusive])
    return f"{word} {found[exclusive]:g}" if exclusive in found else ""


def _flow(value: Any) -> str:
    """A value in YAML's flow style, as the examples write it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value) if value[:1] in "*&!@%{[" or ": " in value else value
    return json.dumps(value)
