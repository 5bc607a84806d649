"""Which models are released, and what each of them needs. Pure.

A model that the controller has put to zero copies would stay there when nobody wakes it any more,
so a release gives it copies again. Not those that are somebody else's care, or at zero by the
fleet file's own word.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from icscaler import bounds
from icscaler.entities import ComponentView, EndpointConfig, Hold, ModelConfig
from icscaler_cli.controller import Fleet


class State(StrEnum):
    """How it stands with a released model."""

    LEFT = "left as it is"
    TO_WAKE = "to be woken"
    ASKED = "asked for, not in service yet"
    REFUSED = "not woken"
    HELD = "held by somebody else"
    FAILED = "can't be woken"
    READY = "in service"


@dataclass(slots=True)
class Released:
    """A model that is released. `floor`: the copies it should have at least; 0: it is left alone.

    `view` is how it was last seen, None when it does not exist or was not read yet. `text` says
    why it is left, or what AWS answered last.
    """

    endpoint: str
    model: ModelConfig
    floor: int
    state: State
    text: str = ""
    view: ComponentView | None = None

    @property
    def name(self) -> str:
        """The component's name."""
        return self.model.name

    @property
    def copies(self) -> str:
        """Copies for people: desired, and those in service where they differ."""
        if self.view is None:
            return "-"
        desired, current = self.view.desired_copies, self.view.current_copies
        return str(desired) if desired == current else f"{desired} ({current} in service)"


def selected(
    fleet: Fleet, *, every: bool, endpoints: Collection[str], models: Collection[str]
) -> list[tuple[EndpointConfig, ModelConfig]]:
    """Models of the fleet that are meant, those worth most first: they take the room first."""
    chosen = [
        (config, model)
        for config in fleet.endpoints.values()
        for model in config.models.values()
        if every or config.name in endpoints or model.name in models
    ]
    return sorted(chosen, key=lambda pair: (-pair[1].worth, pair[0].name, pair[1].name))


def released(
    chosen: Iterable[tuple[EndpointConfig, ModelConfig]], *, floor: int, leave: bool, at_s: int
) -> list[Released]:
    """What the fleet file lets us do with each; `judge` adds what is seen."""
    return [_released(config, model, floor, leave, at_s) for config, model in chosen]


def _released(
    config: EndpointConfig, model: ModelConfig, floor: int, leave: bool, at_s: int
) -> Released:
    ceiling = bounds.bounds_at(config, model, at_s).ceiling.copies
    reason = ""
    if leave:
        reason = "handed back as it is"
    elif model.adapter_of is not None:
        reason = f"adapter, served by copies of {model.adapter_of}"
    elif model.kind == "variant":
        reason = "a variant of its own, which always runs"
    elif config.paused or bounds.paused(model, at_s):
        reason = "paused by the fleet file"
    elif ceiling == 0:
        reason = "its max_copies is 0"
    if reason:
        return Released(config.name, model, 0, State.LEFT, reason)
    return Released(config.name, model, min(floor, ceiling), State.TO_WAKE)


def judge(
    each: Released,
    views: Mapping[str, ComponentView | None],
    owned_elsewhere: Collection[str],
    holds: Mapping[str, Hold],
    at_s: int,
) -> None:
    """Bring a model up to date with what was observed; one that was not read stays as it was."""
    if each.name not in views:
        return
    view = each.view = views[each.name]
    if each.floor == 0:
        return
    reason = _reason_to_leave(view, each.name in owned_elsewhere)
    hold = holds.get(each.name)
    if view is None or reason:
        each.state, each.text = State.LEFT, reason
    elif view.status == "Failed":
        each.state = State.FAILED
        each.text = f"it has failed: {view.failure_reason or 'SageMaker gives no reason'}"
    elif view.current_copies >= each.floor <= view.desired_copies:
        each.state, each.text = State.READY, ""
    elif view.desired_copies >= each.floor:
        each.state, each.text = State.ASKED, view.failure_reason or ""
    elif hold is not None and hold.until_s > at_s:
        each.state, each.text = State.HELD, f"held by {hold.holder}"
    elif each.state not in (State.REFUSED, State.FAILED):
        each.state, each.text = State.TO_WAKE, ""


def _reason_to_leave(view: ComponentView | None, owned_elsewhere: bool) -> str:
    if view is None:
        return "it does not exist on the endpoint"
    if owned_elsewhere:
        return "Application Auto Scaling sets its copies"
    return "it is being deleted" if view.status == "Deleting" else ""


def pending(every: Iterable[Released]) -> list[Released]:
    """Those that waiting may still help."""
    waiting = (State.TO_WAKE, State.ASKED, State.REFUSED, State.HELD)
    return [each for each in every if each.state in waiting]
