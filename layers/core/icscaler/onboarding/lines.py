"""The lines of the fleet file that say what onboarding has registered.

Plain YAML, written here: the functions have no YAML library.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from icscaler.entities import EndpointConfig, VariantConfig
from icscaler.onboarding.description import Description

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_NOT_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def model_entry(description: Description, endpoint: str, variant: str) -> dict[str, Any]:
    """The entry under `models`."""
    place = {} if description.adapter_of else {"endpoint": endpoint, "variant": variant}
    return {"name": description.component, **place, **description.entry}


def endpoint_entry(
    home: EndpointConfig | None, known: Callable[[str], VariantConfig | None]
) -> dict[str, Any] | None:
    """The entry under `endpoints` for one that is in no fleet file; hardware where it must say."""
    if home is None:
        return None
    variants = {}
    for name, variant in home.variants.items():
        kind: dict[str, Any] = {"instance_type": variant.instance_type}
        if variant.max_instances is not None:
            kind["max_instances"] = variant.max_instances
        there = known(variant.instance_type)
        figures = {key: getattr(variant, key) for key in ("gpus", "cpus", "memory_mb")}
        if there is None or any(getattr(there, key) != value for key, value in figures.items()):
            kind["hardware"] = figures
        variants[name] = kind
    return {home.name: {"variants": variants}}


def fleet_lines(entry: Mapping[str, Any], endpoint: Mapping[str, Any] | None = None) -> str:
    """The lines to put into the fleet file."""
    lines = []
    if endpoint is not None:
        lines += ["endpoints:", *_mapping(endpoint, 1)]
    first, *rest = _mapping(entry, 2)
    return "\n".join([*lines, "models:", "  - " + first.strip(), *rest]) + "\n"


def _mapping(values: Mapping[str, Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield f"{indent}{key}:"
            yield from _mapping(value, depth + 1)
        else:
            yield f"{indent}{key}: {_scalar(value)}"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _NOT_TEXT:
        return value
    return json.dumps(value, ensure_ascii=False)
