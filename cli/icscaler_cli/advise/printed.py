"""Advice for people, with a picture of the endpoints, and for programs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from icscaler.entities import EndpointConfig
from icscaler_cli.advise.play import Advice, ModelAdvice
from icscaler_cli.advise.player import Played
from icscaler_cli.advise.reserved_table import (
    reservations_dict,
    reserved_lines,
    reserved_table,
)
from icscaler_sim.advice import Place, busiest_step, shelves

_SIGNS = ascii_uppercase + ascii_lowercase + digits
_MODELS_SHOWN = 60
_FREE = "."
_WIDE = 110


def print_advice(console: Console, advice: Advice) -> None:
    """Models, the fleets' figures, the endpoints that are advised."""
    ordered = sorted(advice.models, key=lambda one: -one.shared.dollars)
    console.print(_models(ordered[:_MODELS_SHOWN], wide=console.width >= _WIDE))
    if len(ordered) > _MODELS_SHOWN:
        console.print(f"... and {len(ordered) - _MODELS_SHOWN} more: --json has all", style="dim")
    if advice.settled.places:
        console.print(_candidates(ordered))
    if advice.measurement.uses:
        names = [one.model.name for one in ordered[:_MODELS_SHOWN]]
        console.print(reserved_table(advice.reservations, names))
    for line in reserved_lines(advice.measurement, advice.reservations):
        console.print(Text(line, "dim"))
    console.print(_fleets(advice))
    for note in advice.notes:
        console.print(Text(note, "yellow"))
    console.print(
        Text(f"Endpoints of the fleet that is advised, each at its busiest {_step(advice)}:")
    )
    for line in picture(advice.best):
        console.print(Text(line))
    if advice.best.score.on_reference.estimated_price:
        console.print("Some prices are estimates: see the price table.", style="dim")
    console.print(f"{advice.runs} runs, of at most {advice.most_runs}.", style="dim")
    console.print(
        "Own endpoints are taken to serve as fast as their GPUs' memory is, unless --speed says "
        "how fast. Requests lost: not begun within the time limit.",
        style="dim",
    )


def _models(models: list[ModelAdvice], *, wide: bool) -> Table:
    """Narrow: what decides. Wide: also GPUs a copy, the floor, and why."""
    table = Table(box=None, pad_edge=False)
    table.add_column("Model", min_width=18, overflow="fold")
    table.add_column("Advice", overflow="fold")
    for title in ("Used", "Shared $", "lost", "Alone $", "lost"):
        table.add_column(title, justify="right", no_wrap=True)
    for title in ("GPUs", "Floor", "Why") if wide else ():
        table.add_column(title, no_wrap=True, style="dim")
    for one in models:
        more = (str(one.model.resources.gpus), str(floor_of(one)), one.verdict.why)
        table.add_row(
            *_cells(one), *(more if wide else ()), style="bold" if one.verdict.own else ""
        )
    return table


def _candidates(models: list[ModelAdvice]) -> Table:
    """Who was played alone: what the shared endpoint costs less without it, and what follows."""
    table = Table(box=None, pad_edge=False)
    table.add_column("Played alone", min_width=18, overflow="fold")
    for title in ("Frees $", "Costs $"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("Moves?", overflow="fold")
    for one in models:
        frees = one.verdict.frees_dollars
        if one.own is None or frees is None:
            continue
        moves = "moves" if one.verdict.own else "stays"
        table.add_row(
            one.model.name,
            f"{'' if one.verdict.own else '~'}{frees:,.0f}",
            f"{one.own.dollars:,.0f}",
            f"{moves}: {one.verdict.why}",
            style="bold" if one.verdict.own else "",
        )
    return table


def _cells(one: ModelAdvice) -> tuple[str, ...]:
    own = one.own
    estimate = "-" if one.own_estimate is None else f"~{one.own_estimate:,.0f}"
    if one.model.kind == "variant":
        place = (f"{one.shared.dollars:,.0f}", _share(one.shared.lost_fraction, 2))
        return (one.model.name, "alone already", _share(one.usage.fraction, 0), "-", "", *place)
    return (
        one.model.name,
        f"alone, {one.host.kind.name}" if one.verdict.own and one.host else "shared",
        _share(one.usage.fraction, 0),
        f"{one.shared.dollars:,.0f}",
        _share(one.shared.lost_fraction, 2),
        estimate if own is None else f"{own.dollars:,.0f}",
        "" if own is None else _share(own.lost_fraction, 2),
    )


def floor_of(one: ModelAdvice) -> int:
    """Copies, or instances of an own endpoint, that stay whatever the demand."""
    if not one.verdict.own or one.host is None:
        return one.model.min_copies
    return max(1, -(-one.model.min_copies // one.host.workers))


def _fleets(advice: Advice) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("Fleet", overflow="fold")
    for title in ("endpoints", "instance-hours", "dollars", "lost", "lost by models"):
        table.add_column(title, justify="right", no_wrap=True)
    for played in fleets(advice):
        table.add_row(
            f"{played.label} (advised)" if played is advice.best else played.label,
            str(len(played.fleet.endpoints)),
            f"{played.score.on_reference.instance_hours:,.0f}",
            f"{played.dollars:,.0f}",
            _share(played.score.lost_fraction, 2),
            _share(played.score.model_lost_mean, 1),
            style="bold" if played is advice.best else "",
        )
    return table


def fleets(advice: Advice) -> list[Played]:
    """Every fleet that was played, once."""
    settled = advice.settled
    order = (advice.now, advice.smaller, advice.shared, settled.alone, *settled.tried)
    return list({played.label: played for played in order}.values())


def picture(played: Played) -> Iterator[str]:
    """A row for each instance: a letter for each GPU, the letters explained below.

    Drawn from the copies held in each endpoint's busiest step, packed biggest first; where
    SageMaker puts them is its own affair.
    """
    for name, endpoint in sorted(played.fleet.endpoints.items()):
        gpus = {model: played.scenario.fleet.shapes[model].gpus for model in endpoint.models}
        held = {model: played.score.timeline[model] for model in endpoint.models}
        at = busiest_step(held, gpus)
        copies = {model: math.ceil(line[at] - 1e-9) for model, line in held.items() if line}
        yield from _endpoint(name, endpoint, copies, gpus)


def _endpoint(
    name: str, endpoint: EndpointConfig, copies: Mapping[str, int], gpus: Mapping[str, int]
) -> Iterator[str]:
    variant = next(iter(endpoint.variants.values()))
    most = f", at most {variant.max_instances}" if variant.max_instances else ""
    yield f"{name}: {variant.instance_type}{most}"
    present = sorted(model for model, count in copies.items() if count)
    signs = {model: _SIGNS[at % len(_SIGNS)] for at, model in enumerate(present)}
    for shelf in shelves(copies, gpus, variant.gpus):
        cells = [signs[model] * gpus[model] for model in shelf.copies]
        yield f"  [{'|'.join([*cells, *([_FREE * shelf.free] if shelf.free else [])])}]"
    if present:
        yield "  " + ", ".join(f"{signs[model]} {model} x{copies[model]}" for model in present)
    idle = len(copies) - len(present)
    if idle:
        yield f"  and {idle} at zero copies"


def advice_dict(advice: Advice) -> dict[str, Any]:
    """Everything, for `--json`."""
    return {
        "reference_type": advice.rules.reference.name,
        "models": [
            _model_dict(one)
            | {"reservations": reservations_dict(advice.reservations[one.model.name])}
            for one in advice.models
        ],
        "margin_fraction": advice.measurement.rules.margin_fraction,
        "fleets": [
            {
                "name": played.label,
                "advised": played is advice.best,
                "endpoints": len(played.fleet.endpoints),
                "instance_hours": round(played.score.on_reference.instance_hours, 2),
                "gpu_hours": round(played.score.gpu_hours, 2),
                "dollars": round(played.dollars, 2),
                "lost_fraction": round(played.score.lost_fraction, 6),
                "model_lost_mean": round(played.score.model_lost_mean, 6),
            }
            for played in fleets(advice)
        ],
        "runs": advice.runs,
        "most_runs": advice.most_runs,
        "notes": list(advice.notes),
        "fleet_file": advice.file_text,
    }


def _model_dict(one: ModelAdvice) -> dict[str, Any]:
    frees = one.verdict.frees_dollars
    return {
        "name": one.model.name,
        "own_endpoint": one.verdict.own,
        "instance_type": one.host.kind.name if one.host else None,
        "gpus_per_copy": one.model.resources.gpus,
        "floor": floor_of(one),
        "shared": _place_dict(one.shared),
        "alone": _place_dict(one.own),
        "alone_estimated_dollars": None if one.own_estimate is None else round(one.own_estimate, 2),
        "reserved_gpu_hours": round(one.usage.reserved_gpu_hours, 3),
        "used_gpu_hours": round(one.usage.used_gpu_hours, 3),
        "kind": one.model.kind,
        "why": one.verdict.why,
        "frees_dollars": None if frees is None else round(frees, 2),
    }


def _place_dict(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    lost = place.lost_fraction
    return {
        "dollars": round(place.dollars, 2),
        "gpu_hours": round(place.gpu_hours, 3),
        "lost_fraction": None if lost is None else round(lost, 6),
    }


def _share(fraction: float | None, places: int) -> str:
    return "-" if fraction is None else f"{100 * fraction:.{places}f} %"


def _step(advice: Advice) -> str:
    return f"{advice.best.score.step_s // 60} minutes"
