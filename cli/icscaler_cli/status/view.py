"""How a fleet stands, as people and programs read it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.table import Table

from icscaler_cli.moments import iso, span, utc
from icscaler_cli.output import number
from icscaler_cli.status.standing import EndpointStanding, ModelStanding, Next
from icscaler_sim.report.wording import explain_step


def heading(one: EndpointStanding, at_s: int) -> str:
    """Endpoint, instances, GPUs, price and the last look, in a line."""
    parts = [one.status or "missing, or may not be described"]
    if one.instances is not None:
        most = f" of at most {one.max_instances}" if one.max_instances is not None else ""
        parts.append(f"{number(one.instances, 'instance')}{most}")
    parts.append(_gpus(one))
    parts.append(f"GPU price {one.gpu_price:g}" if one.gpu_price else "nobody waits for a GPU")
    looked = "not looked at yet" if one.looked_s is None else f"looked {_ago(at_s, one.looked_s)}"
    switches = [word for word, on in (("PAUSED", one.paused), ("observed only", one.observe)) if on]
    return f"{one.name}: {', '.join([*switches, *parts, looked])}"


def _gpus(one: EndpointStanding) -> str:
    if one.gpus is None:
        return f"{one.gpus_held} GPUs held"
    free = one.gpus - one.gpus_held
    lacking = f"{-free} more wanted than there are" if free < 0 else f"{free} free"
    return f"GPUs: {one.gpus_held} held, {lacking}"


def models_table(models: Sequence[ModelStanding], at_s: int) -> Table:
    """One row a model, with the first thing that comes next."""
    found = Table(box=None, pad_edge=False)
    owners = any(model.owner for model in models)
    titles = ["model", "copies", "bounds", *(["owner"] if owners else []), "why", "since", "next"]
    for title in titles:
        found.add_column(title, overflow="fold")
    for model in models:
        owner = [model.owner or "-"] if owners else []
        ahead = _soon(model.next[0], at_s) if model.next else ""
        bounds = f"{model.floor} to {model.ceiling}"
        since = "-" if model.moved_s is None else span(at_s - model.moved_s)
        found.add_row(model.name, copies(model), bounds, *owner, why(model), since, ahead)
    return found


def copies(model: ModelStanding) -> str:
    """`2`, `2 (1 in service)`, `2, wants 3`."""
    if model.desired is None:
        return "-"
    text = str(model.desired)
    if model.current != model.desired:
        text += f" ({model.current} in service)"
    if model.wanted is not None and model.wanted != model.desired:
        text += f", wants {model.wanted}"
    return text


def why(model: ModelStanding) -> str:
    """What keeps it from being written to, then the chain of reasons of the last look."""
    reasons = [explain_step(step) for step in model.steps] or ["not decided about yet"]
    return "; ".join([*model.blocks, *reasons])


def details(model: ModelStanding, at_s: int) -> Iterator[str]:
    """Everything about one model, a line each."""
    yield f"{model.name} ({model.class_name}{f', {model.owner}' if model.owner else ''})"
    yield f"  copies   {copies(model)}"
    yield f"  floor    {model.floor} ({model.floor_by})"
    yield f"  ceiling  {model.ceiling} ({model.ceiling_by})"
    for block in model.blocks:
        yield f"  blocked  {block}"
    for step in model.steps:
        yield f"  reason   {explain_step(step)}"
    if model.since_s is not None:
        yield f"  decided  so since {utc(model.since_s)} ({span(at_s - model.since_s)})"
    if model.moved_s is not None:
        yield f"  changed  {utc(model.moved_s)} ({_ago(at_s, model.moved_s)})"
    if model.taken_over_s is not None:
        yield f"  taken    over from Application Auto Scaling {utc(model.taken_over_s)}"
    for one in model.next:
        yield f"  next     {_next(one, at_s)}"


def _next(one: Next, at_s: int) -> str:
    when = "" if one.at_s is None else f" ({utc(one.at_s)} UTC)"
    return f"{_soon(one, at_s)}{when}"


def _soon(one: Next, at_s: int) -> str:
    return one.what if one.at_s is None else f"in {span(one.at_s - at_s)}: {one.what}"


def _ago(at_s: int, then_s: int) -> str:
    return f"{span(at_s - then_s)} ago"


def as_dict(one: EndpointStanding) -> dict[str, Any]:
    """For programs; times in ISO 8601."""
    found = asdict(one)
    found["looked_at"] = iso(found.pop("looked_s"))
    for model in found["models"]:
        model["since"] = iso(model.pop("since_s"))
        model["moved"] = iso(model.pop("moved_s"))
        model["taken_over"] = iso(model.pop("taken_over_s"))
        model["next"] = [{"what": n["what"], "at": iso(n["at_s"])} for n in model["next"]]
    return found
