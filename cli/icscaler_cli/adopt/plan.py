"""What stands between a model and being scaled by icscaler alone. Pure.

A model that icscaler would not scale is never taken over: then nobody would scale it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from icscaler import bounds
from icscaler.adapters.scaling_targets import ScalingTarget, resource_of
from icscaler.entities import EndpointConfig, ModelConfig
from icscaler.ports import EndpointItem, FleetPointer, Takeover


class Step(StrEnum):
    """What is to be done about a model."""

    NOTHING = "icscaler scales it"
    TAKE_OVER = "to be taken over"
    REFUSED = "not adopted"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why icscaler would not scale a model, and what to do about it."""

    trouble: str
    remedy: str


@dataclass(slots=True)
class Candidate:
    """A model that is to be adopted."""

    endpoint: str
    model: ModelConfig
    target: ScalingTarget | None
    step: Step
    obstacles: tuple[Obstacle, ...] = ()

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    @property
    def target_text(self) -> str:
        """The target in a few words."""
        if self.target is None:
            return "none"
        state = "active" if self.target.active else "suspended"
        return f"{state}, {self.target.min_capacity} to {self.target.max_capacity}"


def candidate(
    item: EndpointItem,
    model: ModelConfig,
    pointer: FleetPointer,
    targets: Mapping[str, ScalingTarget],
    at_s: int,
    *,
    observes: bool,
    take_over: bool,
) -> Candidate:
    """How it stands with one model; `item.config` is there."""
    config = item.config
    assert config is not None
    target = targets.get(resource_of(config, model)[0])
    obstacles = [
        *_unseen(item, model),
        *_obstacles(config, model, pointer, at_s, observes=observes),
    ]
    owned = target is not None and target.active
    if owned and not take_over:
        obstacles.append(
            Obstacle(
                "Application Auto Scaling scales it, and two owners would fight",
                "add --take-over to suspend its target (given back by `icscaler release`), or "
                "deregister the target yourself",
            )
        )
    step = Step.TAKE_OVER if owned else Step.NOTHING
    return Candidate(
        config.name, model, target, Step.REFUSED if obstacles else step, tuple(obstacles)
    )


def _unseen(item: EndpointItem, model: ModelConfig) -> Iterator[Obstacle]:
    if item.state.last_look_s is None:
        yield Obstacle("no look has seen its endpoint yet", "wait a minute, then `icscaler status`")
    elif model.name not in item.views:
        yield Obstacle("it is not on the endpoint", "create it, or take it out of the fleet file")


def _obstacles(
    config: EndpointConfig,
    model: ModelConfig,
    pointer: FleetPointer,
    at_s: int,
    *,
    observes: bool,
) -> Iterator[Obstacle]:
    if observes:
        yield Obstacle("the stack only observes", "deploy it with the parameter Mode=act")
    if config.observe:
        yield Obstacle(
            f"endpoint {config.name} is observed only",
            "take `observe: true` from the endpoint in the fleet file and publish it; "
            "models that are to wait say `observe: true` themselves",
        )
    elif model.observe:
        yield Obstacle(
            "it is observed only", "write `observe: false` for it in the fleet file and publish it"
        )
    if pointer.paused:
        yield Obstacle("the fleet is paused", "icscaler resume --fleet")
    if config.name in pointer.paused_endpoints:
        yield Obstacle("its endpoint is paused", f"icscaler resume --endpoint {config.name}")
    if model.name in pointer.paused_models:
        yield Obstacle("it is paused", f"icscaler resume --model {model.name}")
    if config.paused or bounds.paused(model, at_s):
        yield Obstacle("the fleet file pauses it", "take `paused: true` out and publish it")


def takeover_of(one: Candidate, at_s: int) -> Takeover:
    """What is remembered before its target is suspended."""
    assert one.target is not None
    target = one.target
    return Takeover(one.name, target.resource_id, target.dimension, target.suspended, at_s)
