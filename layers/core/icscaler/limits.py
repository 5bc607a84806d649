"""Limits: what an endpoint's instances can hold now, and what is already spoken for.

The limit of a variant is its maximum of instances: the fleet file's, or the endpoint's own where
that is lower; without managed instance scaling it is what is there. Of a single-model variant the
copies are the instances, so nothing but the file's maximum limits it. When instances that were
asked for did not come for `instance_patience_s`, what was obtained is believed to be all there is
for `shortage_memory_s`; then more is hoped for again.
"""

from dataclasses import replace

from icscaler import variants
from icscaler.entities import (
    CopyResources,
    EndpointConfig,
    EndpointState,
    Snapshot,
    VariantView,
)
from icscaler.learned import VariantState

# More than any ceiling allows.
MOST_INSTANCES = 10_000


def follow_instances(
    config: EndpointConfig, state: EndpointState, seen: Snapshot
) -> dict[str, VariantState]:
    """What is remembered of instances that did not come, after this look."""
    after: dict[str, VariantState] = {}
    for name in config.variants:
        view = seen.endpoint.variants.get(name)
        before = state.variants.get(name, VariantState())
        after[name] = replace(_after(config, before, seen.at_s, view), launches_s=before.launches_s)
    return after


def _after(
    config: EndpointConfig, before: VariantState, at_s: int, view: VariantView | None
) -> VariantState:
    if view is None or view.current_instances >= view.desired_instances:
        return _remembered(before, at_s, None, view)
    since_s = before.short_since_s if before.short_since_s is not None else at_s
    if at_s - since_s < config.instance_patience_s:
        return _remembered(before, at_s, since_s, view)
    return VariantState(since_s, view.current_instances, at_s + config.shortage_memory_s)


def _remembered(
    before: VariantState, at_s: int, since_s: int | None, view: VariantView | None
) -> VariantState:
    obtainable = before.obtainable_instances
    outgrown = obtainable is not None and view is not None and view.current_instances > obtainable
    if obtainable is None or outgrown or before.until_s <= at_s:
        return VariantState(since_s)
    return VariantState(since_s, obtainable, before.until_s)


def instances(
    config: EndpointConfig, states: dict[str, VariantState], seen: Snapshot
) -> dict[str, int]:
    """How many instances each variant may count on."""
    result = {}
    alone = {model.variant for model in variants.single(config).values()}
    for name, variant in config.variants.items():
        view = seen.endpoint.variants.get(name)
        limit = variant.max_instances
        if name in alone:
            limit = MOST_INSTANCES if limit is None else limit
        elif view is not None:
            offered = view.max_instances
            if offered is None:
                offered = max(view.current_instances, view.desired_instances)
            limit = offered if limit is None else min(limit, offered)
        obtainable = states[name].obtainable_instances
        if obtainable is not None:
            limit = obtainable if limit is None else min(limit, obtainable)
        result[name] = limit or 0
    return result


def reserved(config: EndpointConfig, seen: Snapshot, variant: str) -> list[CopyResources]:
    """Copies that must find room if a workflow rolls back (escrow), on this variant."""
    copies: list[CopyResources] = []
    for name, hold in seen.holds.items():
        model, view = config.models.get(name), seen.components.get(name)
        if hold.until_s <= seen.at_s or model is None or model.variant != variant:
            continue
        copy = (view.resources if view is not None else None) or model.resources
        # The extra copies of a batch are on these places already.
        used = 0 if view is None else max(0, view.current_copies - view.desired_copies)
        left = hold.reserved_copies if hold.scalable else max(0, hold.reserved_copies - used)
        copies.extend([hold.reserved_resources or copy] * left)
    return copies


def unmanaged(config: EndpointConfig, seen: Snapshot, variant: str) -> list[CopyResources]:
    """Copies of components that are on the variant but in no fleet file: counted, never touched."""
    copies: list[CopyResources] = []
    for name, view in seen.components.items():
        if name not in config.models and view.variant == variant and view.resources is not None:
            copies.extend([view.resources] * max(view.desired_copies, view.current_copies))
    return copies
