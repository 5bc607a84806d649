"""What copies reserve against what they used, and the fleet file that reserves less."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from icscaler.config.compile import CompiledFleet
from icscaler.entities import ModelConfig
from icscaler_cli.advise.homes import HEAD
from icscaler_sim.advice import Reservation, ReservationRules, reservations
from icscaler_sim.traces import MeasuredUse, Resource, Trace

Reservations = Mapping[str, Mapping[Resource, Reservation]]
"""By model and resource."""
_KEYS: tuple[Resource, ...] = ("cpus", "memory_mb")
"""Of `resources` in a fleet file, those that may be lowered."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What was measured, what is asked of it, and whether the fleet file is to follow."""

    uses: Mapping[str, Mapping[Resource, MeasuredUse]] = field(default_factory=dict)
    rules: ReservationRules = field(default_factory=ReservationRules)
    resize: bool = False

    def judge(self, fleet: CompiledFleet, trace: Trace) -> Reservations:
        """Every model of the fleet; `trace` tells who was called."""
        called = {name for name, totals in trace.totals().items() if totals.requests}
        return {
            name: reservations(
                model.resources,
                self.uses.get(name, {}),
                self.rules,
                component=model.kind == "component",
                called=name in called,
            )
            for name, model in models_of(fleet).items()
        }


def models_of(fleet: CompiledFleet) -> dict[str, ModelConfig]:
    """All models of a fleet by name."""
    return {n: model for one in fleet.endpoints.values() for n, model in one.models.items()}


def lowered(found: Reservations) -> dict[str, dict[str, float]]:
    """New `resources` keys by model, of those that may reserve less."""
    kept: dict[str, dict[str, float]] = {
        name: {str(key): _plain(mine[key].could) for key in _KEYS if mine[key].lower}
        for name, mine in found.items()
    }
    return {name: keys for name, keys in kept.items() if keys}


def stated(text: str, fleet: CompiledFleet, found: Reservations, margin_fraction: float) -> str:
    """The fleet file `text` with what reserves less now said in its head.

    `found`: as it was before; models that have an instance to themselves reserve nothing any more.
    """
    lines = list(_changes(models_of(fleet), found))
    if not lines:
        return text
    head = (
        f"# These reserve less than before: the most that was measured and {margin_fraction:.0%}."
        " Change the\n# components first (icscaler rollout), then publish: this file only says what"
        " icscaler counts with.\n"
    )
    return HEAD + head + "".join(f"#   {line}\n" for line in lines) + text.removeprefix(HEAD)


def _changes(models: Mapping[str, ModelConfig], found: Reservations) -> Iterator[str]:
    for name, keys in sorted(lowered(found).items()):
        if models[name].kind == "component":
            was = [
                f"{key} {_plain(found[name][key].reserved)} -> {keys[key]}"
                for key in _KEYS
                if key in keys
            ]
            yield f"{name}: {', '.join(was)}"


def _plain(value: float | None) -> float:
    """Whole numbers as such: `memory_mb` is one."""
    assert value is not None
    return int(value) if value == int(value) else value
