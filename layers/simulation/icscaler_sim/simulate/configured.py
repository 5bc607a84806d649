"""icscaler's settings in a simulation: any number, switch or word of the compiled fleet file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from icscaler.entities import EndpointConfig
from icscaler_sim.simulate.errors import SimulationError
from icscaler_sim.simulate.policies import ICSCALER, nearest

_IDENTITY = frozenset(
    {"name", "version", "variant", "class_name", "adapter_of", "group", "owner", "models"}
    | {"policy", "objective", "kind"}
)


def our_settings(endpoints: Iterable[EndpointConfig]) -> dict[str, object]:
    """What can be set, with a value it has now: of endpoints, then models, then their policies."""
    found: dict[str, object] = {}
    for endpoint in endpoints:
        for part in _parts(endpoint):
            for item in fields(part):
                value = getattr(part, item.name)
                plain = value is None or isinstance(value, (bool, int, float, str))
                if plain and item.name not in _IDENTITY and found.get(item.name) is None:
                    found[item.name] = value
    return found


def configured(
    config: EndpointConfig,
    settings: Mapping[str, object],
    known: Mapping[str, object] | None = None,
) -> EndpointConfig:
    """The configuration with settings changed: of the endpoint, else of all its models, else of
    their policies and limits, whichever has one of that name.

    `known` is what the whole fleet has; what this endpoint lacks of it stays away. Raises
    `SimulationError` for a setting that nobody has.
    """
    known = our_settings([config]) if known is None else known
    for name, value in settings.items():
        if name not in known:
            raise SimulationError(f"{ICSCALER} has no setting '{name}'", nearest(name, known))
        if not _fits(known[name], value):
            kind = "a number" if known[name] is None else _kind(known[name])
            raise SimulationError(
                f"{ICSCALER}: {name} cannot be {value!r}", f"give it {kind}; it is {known[name]!r}"
            )
        if hasattr(config, name):
            config = replace(config, **{name: value})  # type: ignore[arg-type]
            continue
        models = {key: _changed(model, name, value) for key, model in config.models.items()}
        config = replace(config, models=models)
    return config


# What a model's configuration is made of; it has a policy or an objective.
_PARTS = ("policy", "objective", "limits")


def _parts(endpoint: EndpointConfig) -> Iterator[Any]:
    yield endpoint
    for model in endpoint.models.values():
        yield model
        yield from (getattr(model, part) for part in _PARTS if getattr(model, part) is not None)


def _changed(model: Any, name: str, value: object) -> Any:
    if hasattr(model, name):
        return replace(model, **{name: value})
    for part in _PARTS:
        if hasattr(getattr(model, part), name):
            return replace(model, **{part: replace(getattr(model, part), **{name: value})})
    return model


def _fits(now: object, value: object) -> bool:
    if isinstance(now, (bool, str)):
        return type(value) is type(now)
    if value is None:
        return now is None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(float(str(value))) or float(str(value)) < 0:
        return False
    return not (isinstance(now, int) and isinstance(value, float))


def _kind(now: object) -> str:
    if isinstance(now, bool):
        return "true or false"
    if isinstance(now, str):
        return "a word"
    return "a whole number, 0 or more" if isinstance(now, int) else "a number, 0 or more"
