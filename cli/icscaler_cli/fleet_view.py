"""Fleets as people read them: what is in force, and what a publication would change."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from icscaler.entities import EndpointConfig, ModelConfig


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one model: `added`, `removed` or `changed`, and how."""

    kind: str
    endpoint: str
    model: str
    details: tuple[str, ...] = ()

    def __str__(self) -> str:
        sign = {"added": "+", "removed": "-", "changed": "~"}[self.kind]
        details = f": {', '.join(self.details)}" if self.details else ""
        return (
            f"{sign} {self.endpoint}/{self.model}{details}"
            if self.model
            else (f"{sign} endpoint {self.endpoint}{details}")
        )


def changes(
    before: Mapping[str, EndpointConfig], after: Mapping[str, EndpointConfig]
) -> Iterator[Change]:
    """What changes from one fleet to another, by endpoint and model."""
    for endpoint in sorted({*before, *after}):
        old, new = before.get(endpoint), after.get(endpoint)
        if old is not None and new is not None:
            own = tuple(_differences(_own_keys(old), _own_keys(new)))
            if own:
                yield Change("changed", endpoint, "", own)
        else:
            yield Change("removed" if new is None else "added", endpoint, "")
        yield from _model_changes(endpoint, old, new)


def _model_changes(
    endpoint: str, old: EndpointConfig | None, new: EndpointConfig | None
) -> Iterator[Change]:
    were = old.models if old else {}
    will_be = new.models if new else {}
    for name in sorted({*were, *will_be}):
        if name not in will_be:
            yield Change("removed", endpoint, name, ("no longer managed, its copies stay",))
        elif name not in were:
            yield Change("added", endpoint, name, (_in_short(will_be[name]),))
        elif were[name] != will_be[name]:
            details = tuple(_differences(asdict(were[name]), asdict(will_be[name])))
            yield Change("changed", endpoint, name, details)


def _own_keys(config: EndpointConfig) -> dict[str, Any]:
    return {key: value for key, value in asdict(config).items() if key not in ("models", "version")}


def _differences(old: Any, new: Any, key: str = "") -> Iterator[str]:
    """`limits.minimum_life_s 600 -> 300`, for each value that differs."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in {**old, **new}:
            yield from _differences(old.get(name), new.get(name), f"{key}.{name}" if key else name)
    elif old != new:
        yield f"{key} {_short(old)} -> {_short(new)}"


def _short(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, dict | list | tuple):
        return f"{len(value)} entries"
    return str(value)


def _in_short(model: ModelConfig) -> str:
    return f"{model.class_name}, {model.min_copies} to {model.max_copies} copies"


def fleet_table(endpoints: Mapping[str, EndpointConfig]) -> Table:
    """Every model of a fleet, one a row."""
    table = Table(box=None, pad_edge=False)
    for title in ("endpoint", "model", "class", "copies", "per copy", "policy", "idle", "state"):
        table.add_column(title, overflow="fold")
    for name, config in sorted(endpoints.items()):
        for model in config.models.values():
            table.add_row(name, *_row(config, model))
    return table


def _row(config: EndpointConfig, model: ModelConfig) -> tuple[str, ...]:
    copies = f"{model.min_copies} to {model.max_copies}"
    switches = [
        word
        for word, on in (
            ("paused", config.paused or model.paused),
            ("observe", config.observe or model.observe),
            ("spike alarm", model.spike_alarm),
            (f"adapter of {model.adapter_of}", model.adapter_of is not None),
            (f"{len(model.schedules)} schedule(s)", bool(model.schedules)),
            (f"{len(model.overrides)} override(s)", bool(model.overrides)),
            (f"{len(model.overlays)} overlay(s)", bool(model.overlays)),
        )
        if on
    ]
    if model.policy is None:
        idle, target = "learned", f"objective, {model.concurrent_requests_per_copy} at once"
    else:
        idle = "never" if model.idle_s is None else f"{model.idle_s} s"
        target = f"{model.policy.target_value:g} {model.policy.metric}"
    per_copy = f"{model.resources.gpus} GPUs, {model.resources.memory_mb} MB"
    return (model.name, model.class_name, copies, per_copy, target, idle, ", ".join(switches))
