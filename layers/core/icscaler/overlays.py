"""Overlays: what workflows lay over the published fleet, and how a look merges it.

The fleet file belongs to people; a workflow that needs a floor for an hour, or looks after a model
that is in no file yet, leaves an overlay beside it. A look merges the overlays of its endpoint into
the compiled configuration before it decides, so the snapshot that explains the decision has the
merged one, and `decide` knows no overlays' origin.

* A model of an overlay is managed as if it were in the file, until the file has it: the file wins.
  So is its endpoint (`home`), as long as some overlay says what it is.
* Bounds of overlays only tighten (`bounds`). Several holders' overlays of one component add up.
* What has expired, or names a component or variant that is not there, counts for nothing.

Overlays are read with the endpoint's other items in the look's one query; their writers take no
lease, because nothing they say is lost when a look is under way: the next one merges it.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from icscaler.entities import EndpointConfig, ModelConfig, Override
from icscaler.ports import FleetPointer, Overlay

FOREVER_S = 253_402_300_799  # the last second of the year 9999


class Published(Protocol):
    """The part of a store that says what is in force at an endpoint."""

    def configuration(self, endpoint: str, version: str) -> EndpointConfig | None: ...
    def overlays(self, endpoint: str) -> tuple[Overlay, ...]: ...


def merge(config: EndpointConfig, overlays: Iterable[Overlay], at_s: int) -> EndpointConfig:
    """The configuration with everything that is laid over it at `at_s`."""
    holding = sorted(
        (one for one in overlays if one.until_s is None or at_s < one.until_s),
        key=lambda one: (one.component, one.holder),
    )
    if not holding:
        return config
    models = dict(config.models)
    for overlay in holding:
        model = overlay.model
        if model is not None and model.variant in config.variants:
            models.setdefault(overlay.component, replace(model, name=overlay.component))
    for overlay in holding:
        model = models.get(overlay.component)
        if model is not None and _says_something(overlay):
            models[overlay.component] = _with(model, overlay)
    return replace(config, models=models)


def home(overlays: Iterable[Overlay]) -> EndpointConfig | None:
    """What an endpoint is that no fleet file has, by the overlays on it."""
    return next((one.home for one in overlays if one.home is not None), None)


def published(
    store: Published, pointer: FleetPointer | None, endpoint: str, at_s: int
) -> EndpointConfig | None:
    """An endpoint's configuration in force with what is laid over it; None: it is not managed."""
    config = store.configuration(endpoint, pointer.version) if pointer else None
    return None if config is None else merge(config, store.overlays(endpoint), at_s)


def _says_something(overlay: Overlay) -> bool:
    return overlay.min_copies is not None or overlay.max_copies is not None or overlay.paused


def _with(model: ModelConfig, overlay: Overlay) -> ModelConfig:
    bounds = Override(
        until_s=FOREVER_S if overlay.until_s is None else overlay.until_s,
        reason=overlay.holder,
        from_s=overlay.from_s,
        min_copies=overlay.min_copies,
        max_copies=overlay.max_copies,
        paused=overlay.paused,
    )
    return replace(model, overlays=(*model.overlays, bounds))
