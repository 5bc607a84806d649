"""Adoption by tag: entries of the fleet for components that say themselves how they are managed.

A component with the fleet file's adoption tag, on an endpoint of the file, is managed as if it were
listed by name. The tag's value is its class (`managed`: the default class; `off`: not managed).
Tags `<tag>:<key>` are its own settings. Endpoint, variant and resources are those it has; all else
comes from defaults, class and patterns. What the file lists by name is not taken from tags.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from icscaler.config.problems import Problem, did_you_mean
from icscaler.config.values import is_pattern
from icscaler.entities import CopyResources

MANAGED, OFF = "managed", "off"
MIN_MEMORY_MB = 128


@dataclass(frozen=True, slots=True)
class Tagged:
    """A component that carries the tag, as SageMaker describes it."""

    name: str
    endpoint: str
    variant: str
    resources: CopyResources
    tags: Mapping[str, str]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"must be a whole number, not {text!r}")
    return int(text)


def _idle(text: str) -> int | str:
    return text if text == "never" else _number(text)


_KEYS: Mapping[str, Callable[[str], Any]] = {
    "min_copies": _number,
    "max_copies": _number,
    "idle_s": _idle,
    "group": str,
    "owner": str,
}


def listed_names(data: Mapping[str, Any]) -> set[str]:
    """The exact names in the raw `models` of a file."""
    entries = data.get("models")
    names: set[str] = set()
    for entry in entries if isinstance(entries, list) else []:
        name = entry.get("name") if isinstance(entry, dict) else None
        names.update(n for n in (name if isinstance(name, list) else [name]) if isinstance(n, str))
    return {name for name in names if not is_pattern(name)}


def entries(
    tag: str, found: Sequence[Tagged], listed: set[str]
) -> tuple[list[dict[str, Any]], list[Problem]]:
    """Raw entries for `models`, and what is wrong with the tags."""
    result: list[dict[str, Any]] = []
    problems: list[Problem] = []
    for one in sorted(found, key=lambda each: each.name):
        if one.tags.get(tag, OFF) == OFF or one.name in listed:
            continue
        problems += _unknown(tag, one)
        entry = _entry(tag, one)
        for key, read in _KEYS.items():
            value = one.tags.get(f"{tag}:{key}")
            if value is not None:
                try:
                    entry[key] = read(value)
                except ValueError as error:
                    problems.append(_problem(one, f"{tag}:{key}", str(error)))
        result.append(entry)
    return result, problems


def _entry(tag: str, one: Tagged) -> dict[str, Any]:
    resources: dict[str, Any] = {
        "gpus": one.resources.gpus,
        "memory_mb": max(one.resources.memory_mb, MIN_MEMORY_MB),
    }
    if one.resources.cpus:
        resources["cpus"] = one.resources.cpus
    entry: dict[str, Any] = {
        "name": one.name,
        "endpoint": one.endpoint,
        "variant": one.variant,
        "resources": resources,
    }
    if one.tags[tag] not in (MANAGED, ""):
        entry["class"] = one.tags[tag]
    return entry


def _unknown(tag: str, one: Tagged) -> Iterator[Problem]:
    for key in one.tags:
        name = key.removeprefix(f"{tag}:")
        if name != key and name not in _KEYS:
            remedy = did_you_mean(name, _KEYS) or f"known are: {', '.join(_KEYS)}"
            yield _problem(one, key, "unknown tag", remedy)


def _problem(one: Tagged, key: str, problem: str, remedy: str = "") -> Problem:
    return Problem(f"tags of {one.name}", 0, 0, key, problem, remedy or "change the tag's value")
