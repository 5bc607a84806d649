"""The lines of the fleet file that say what onboarding has registered.

Plain YAML, written here: the functions have no YAML library.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from icscaler.onboarding.description import Description

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_NOT_TEXT = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})


def model_entry(description: Description, endpoint: str, variant: str) -> dict[str, Any]:
    """The entry under `models`."""
    place = {} if description.adapter_of else {"endpoint": endpoint, "variant": variant}
    return {"name": description.component, **place, **description.entry}


def endpoint_entry(description: Description) -> dict[str, Any] | None:
    """The entry under `endpoints` for an endpoint that onboarding has made."""
    new = description.new_endpoint
    if new is None:
        return None
    kind = {"instance_type": new.hardware.instance_type, "max_instances": new.max_instances}
    return {new.name: {"variants": {new.variant: kind}}}


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
