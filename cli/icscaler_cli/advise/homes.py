"""A fleet file in which some models have an endpoint of their own.

What stays is as it was written, comments apart: defaults, classes, patterns, schedules, calendars.
An entry for several names becomes one for each, so that each can have a place of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import yaml

from icscaler.config.compile import CompiledFleet
from icscaler.config.document import read_document
from icscaler.config.values import is_pattern
from icscaler.entities import ModelConfig

VARIANT = "AllTraffic"
_OWN = "-own"
_MOST_NAME = 63
# What an inference component has and a variant cannot have, or has otherwise.
_OF_COMPONENTS = ("resources", "idle_s", "min_copies", "max_copies", "variant")
HEAD = """\
# Written by `icscaler advise`: models for which it pays have an endpoint of their own.
# Compare it with what is in force (icscaler fleet diff), then create the new endpoints before
# it is published (icscaler fleet publish).
"""


@dataclass(frozen=True, slots=True)
class OwnHome:
    """An endpoint for one model, whose instances each serve as many requests at once as
    `copies_per_instance` copies do.
    """

    instance_type: str
    copies_per_instance: int
    max_instances: int


def rehomed(text: str, source: str, homes: Mapping[str, OwnHome], fleet: CompiledFleet) -> str:
    """The fleet file `text`, compiled to `fleet`, with these models at home there."""
    models = {n: m for endpoint in fleet.endpoints.values() for n, m in endpoint.models.items()}
    data: dict[str, Any] = deepcopy(read_document(text, source).data)
    if homes and len(data["endpoints"]) == 1:
        _name_endpoint(data)
    data["models"] = [one for entry in data["models"] for one in _entries(entry, homes, models)]
    for name, endpoint in fleet.endpoints.items():
        if endpoint.models.keys() <= homes.keys():
            del data["endpoints"][name]
    for name, home in homes.items():
        hardware = {"instance_type": home.instance_type, "max_instances": home.max_instances}
        data["endpoints"][endpoint_name(name)] = {"variants": {VARIANT: hardware}}
    return HEAD + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def _name_endpoint(data: dict[str, Any]) -> None:
    """In a file with one endpoint its models need not say where they are; with more they do."""
    (only,) = data["endpoints"]
    for entry in data["models"]:
        names = entry["name"] if isinstance(entry["name"], list) else [entry["name"]]
        if not all(is_pattern(name) for name in names) and "adapter_of" not in entry:
            entry.setdefault("endpoint", only)


def retyped(text: str, source: str, kinds: Mapping[str, tuple[str, int | None]]) -> str:
    """The fleet file with other instances: endpoint -> (type, most of them)."""
    data: dict[str, Any] = deepcopy(read_document(text, source).data)
    for endpoint, (kind, most) in kinds.items():
        for keys in data["endpoints"][endpoint]["variants"].values():
            keys.pop("hardware", None)
            keys.pop("usd_per_hour", None)
            keys["instance_type"] = kind
            if most is not None:
                keys["max_instances"] = most
    return HEAD + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def resized(text: str, source: str, amounts: Mapping[str, Mapping[str, float]]) -> str:
    """The fleet file with other `resources` keys for these models, whatever else is stated."""
    data: dict[str, Any] = deepcopy(read_document(text, source).data)
    models: list[dict[str, Any]] = []
    for entry in data["models"]:
        names = entry["name"] if isinstance(entry["name"], list) else [entry["name"]]
        stay = [name for name in names if name not in amounts]
        if stay:
            models.append({**entry, "name": stay[0] if len(stay) == 1 else stay})
        for name in (name for name in names if name in amounts):
            resources = {**entry.get("resources", {}), **amounts[name]}
            models.append({**entry, "name": name, "resources": resources})
    data["models"] = models
    return HEAD + yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def endpoint_name(model: str) -> str:
    """Of the endpoint that a model has to itself; within SageMaker's 63 characters."""
    return model[: _MOST_NAME - len(_OWN)].rstrip("-") + _OWN


def _entries(
    entry: Mapping[str, Any], homes: Mapping[str, OwnHome], models: Mapping[str, ModelConfig]
) -> Iterable[dict[str, Any]]:
    said = entry["name"]
    names = said if isinstance(said, list) else [said]
    moved = [name for name in names if name in homes]
    stay = [name for name in names if name not in homes]
    if not moved:
        yield dict(entry)
        return
    if stay:
        yield {**entry, "name": stay[0] if len(stay) == 1 else stay}
    for name in moved:
        yield _own_entry(entry, homes[name], models[name])


def _own_entry(entry: Mapping[str, Any], home: OwnHome, model: ModelConfig) -> dict[str, Any]:
    """Copies are instances here: what is stated per copy is stated per instance."""
    kept = {key: value for key, value in entry.items() if key not in _OF_COMPONENTS}
    each = home.copies_per_instance
    floor = -(-model.min_copies // each)
    keys: dict[str, Any] = {
        **kept,
        "name": model.name,
        "kind": "variant",
        "endpoint": endpoint_name(model.name),
        "max_copies": home.max_instances,
    }
    if floor > 1:
        keys["min_copies"] = floor
    if model.concurrent_requests_per_copy is not None:
        keys["concurrent_requests_per_copy"] = model.concurrent_requests_per_copy * each
    if model.policy is not None:
        tracking = dict(kept.get("policy", {}).get("target_tracking", {}))
        tracking["target_value"] = model.policy.target_value * each
        keys["policy"] = {"target_tracking": tracking}
    return keys
