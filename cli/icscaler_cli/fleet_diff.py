"""What a publication would change: settings, and what the next looks would make of them."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from icscaler.entities import Decision, EndpointConfig
from icscaler.ports import FleetPointer
from icscaler.preview import Effect, Preview, preview
from icscaler.verdicts import steps_text
from icscaler_cli.controller import Controller
from icscaler_cli.fleet_view import Change, changes
from icscaler_cli.output import number, print_json, say

MAX_CHANGES_SHOWN = 40
MAX_NAMES_SHOWN = 10
_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Difference:
    """One changed, added or removed model (or endpoint), and its effect where a look saw it."""

    change: Change
    effect: Effect | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A proposed fleet against the one in force."""

    in_force: str | None
    proposed: str
    differences: tuple[Difference, ...]
    previews: Mapping[str, Preview]

    @property
    def moving(self) -> int:
        """How many models the next looks would treat otherwise."""
        return sum(e.differs for one in self.previews.values() for e in one.effects.values())


def compare(
    controller: Controller,
    pointer: FleetPointer | None,
    before: Mapping[str, EndpointConfig],
    after: Mapping[str, EndpointConfig],
    version: str,
) -> Comparison:
    """Reads what the last looks stored; raises `PortError` when the table can't be read."""
    endpoints = sorted({*before, *after})

    def one(name: str) -> Preview:
        item = controller.store.load(name, version)
        view = controller.endpoint_view(name) if item.state.last_look_s is not None else None
        return preview(before.get(name), after.get(name), item, pointer, view)

    with ThreadPoolExecutor(_WORKERS) as pool:
        previews = dict(zip(endpoints, pool.map(one, endpoints), strict=True))
    differences = tuple(
        Difference(change, previews[change.endpoint].effects.get(change.model))
        for change in changes(before, after)
    )
    return Comparison(pointer.version if pointer else None, version, differences, previews)


def show(found: Comparison) -> None:
    """For people, to stderr like every announcement."""
    effects = _indirect(found)
    lines = [*_direct(found), *effects]
    for line in lines[:MAX_CHANGES_SHOWN]:
        say(f"  {line}")
    if len(lines) > MAX_CHANGES_SHOWN:
        say(f"  and {len(lines) - MAX_CHANGES_SHOWN} more; --json has all of them")
    if not found.differences:
        say("  No setting changes.")
    looked = [one for one in found.previews.values() if one.looked_at_s is not None]
    if looked:
        say(
            f"By what the last looks saw, the next ones would treat {number(found.moving, 'model')}"
            " otherwise than now."
        )
    for endpoint, one in found.previews.items():
        report(endpoint, one.unmanaged, one.missing)


def report(endpoint: str, unmanaged: Iterable[str], missing: Iterable[str] = ()) -> None:
    """Components that are on an endpoint or in the file, but not both."""
    for names, said in (
        (unmanaged, f"On {endpoint} but in no file, and left alone: "),
        (missing, f"In the file but not on {endpoint}: "),
    ):
        listed = list(names)
        if listed:
            more = len(listed) - MAX_NAMES_SHOWN
            tail = f" and {more} more" if more > 0 else ""
            say(f"{said}{', '.join(listed[:MAX_NAMES_SHOWN])}{tail}", "yellow")


def _direct(found: Comparison) -> Iterator[str]:
    for one in found.differences:
        text = str(one.change)
        yield f"{text}; {_effect(one.effect)}" if one.effect and one.effect.differs else text


def _indirect(found: Comparison) -> Iterator[str]:
    """Models whose settings stay but not what comes of them: others take or leave room."""
    named = {(one.change.endpoint, one.change.model) for one in found.differences}
    for endpoint, one in found.previews.items():
        for name, effect in one.effects.items():
            if effect.differs and (endpoint, name) not in named:
                yield f"= {endpoint}/{name}: no setting changes; {_effect(effect)}"


def _effect(effect: Effect) -> str:
    """`3 copies, to 1 (TargetMet 3, MaxCopies 1) instead of 3`."""
    to = f"to {effect.copies_after}{_why(effect.after)}"
    return f"{number(effect.copies, 'copy', 'copies')}, {to} instead of {effect.copies_before}"


def _why(decision: Decision | None) -> str:
    if decision is None:
        return ""
    if decision.blocked:
        return f" ({decision.blocked})"
    return f" ({', '.join(steps_text(decision))})"


def show_json(found: Comparison) -> None:
    """For programs, to stdout."""
    print_json(
        {
            "in_force": found.in_force,
            "proposed": found.proposed,
            "changes": [
                {
                    "kind": one.change.kind,
                    "endpoint": one.change.endpoint,
                    "model": one.change.model or None,
                    "details": list(one.change.details),
                }
                for one in found.differences
            ],
            "effects": [
                {
                    "endpoint": endpoint,
                    "model": name,
                    "copies": effect.copies,
                    "before": _decision_dict(effect.before),
                    "after": _decision_dict(effect.after),
                    "differs": effect.differs,
                }
                for endpoint, one in found.previews.items()
                for name, effect in one.effects.items()
            ],
            "unmanaged": {e: list(one.unmanaged) for e, one in found.previews.items()},
            "missing": {e: list(one.missing) for e, one in found.previews.items()},
            "looked_at_s": {e: one.looked_at_s for e, one in found.previews.items()},
        }
    )


def _decision_dict(decision: Decision | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    return {
        "copies": decision.desired_copies,
        "blocked": decision.blocked,
        "steps": list(steps_text(decision)),
    }
