"""Single-model variants: production variants that run one model, one copy on each instance.

Everything that decides sees such a variant as a component whose copies are its instances. What is
different is here and in `bounds`: nothing lists or describes it but DescribeEndpoint; it keeps one
instance; and while its endpoint is Updating no variant of the endpoint can be changed, so of
several changes the first is made and the others wait. Source: SageMaker API Reference,
UpdateEndpointWeightsAndCapacities (the capacity of one variant a call), DescribeEndpoint.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from icscaler.entities import (
    Change,
    ComponentView,
    Decision,
    EndpointConfig,
    EndpointView,
    ModelConfig,
    VariantView,
)
from icscaler.reasons import Reason


def single(config: EndpointConfig) -> dict[str, ModelConfig]:
    """The models that have a variant of their own, by name."""
    return {name: model for name, model in config.models.items() if model.kind == "variant"}


def hosts_components(config: EndpointConfig) -> bool:
    """Whether inference components may be on the endpoint at all."""
    taken = {model.variant for model in single(config).values()}
    return not config.variants.keys() <= taken


def views(
    config: EndpointConfig,
    endpoint: EndpointView,
    before: Mapping[str, ComponentView],
    at_s: int,
) -> dict[str, ComponentView]:
    """Single-model variants as components, by model; `before` is what earlier looks saw.

    One that is not on the endpoint is left out. Who else sets its instances is asked by `observe`:
    `described_at_s` is when that was done last.
    """
    found: dict[str, ComponentView] = {}
    for name, model in single(config).items():
        variant = endpoint.variants.get(model.variant)
        if variant is not None:
            found[name] = _view(model, endpoint, variant, before.get(name), at_s)
    return found


def standing(name: str, variant: str, endpoint: EndpointView, at_s: int) -> ComponentView | None:
    """How a model's single-model variant stands, for who remembers no look; None: there is none.

    While the endpoint is Updating an instance that came may still load its model, so none counts.
    """
    found = endpoint.variants.get(variant)
    if found is None:
        return None
    current = found.current_instances if endpoint.status == "InService" else 0
    return ComponentView(
        name=name,
        variant=variant,
        status=endpoint.status,
        desired_copies=found.desired_instances,
        current_copies=current,
        last_modified_s=endpoint.last_modified_s,
        described_at_s=at_s,
    )


def _view(
    model: ModelConfig,
    endpoint: EndpointView,
    variant: VariantView,
    before: ComponentView | None,
    at_s: int,
) -> ComponentView:
    current = variant.current_instances
    if before is not None and endpoint.status != "InService":
        # An instance that came may still load its model: it counts when the endpoint is through.
        current = min(current, before.current_copies)
    return ComponentView(
        name=model.name,
        variant=variant.name,
        status=endpoint.status,
        desired_copies=variant.desired_instances,
        current_copies=current,
        last_modified_s=endpoint.last_modified_s,
        described_at_s=at_s if before is None else before.described_at_s,
        scalable_target=before is not None and before.scalable_target,
        resources=model.resources,
    )


def one_at_a_time(
    config: EndpointConfig, changes: Sequence[Change], decisions: dict[str, Decision]
) -> list[Change]:
    """The changes that can be made now; blocks the decisions of the others, in place."""
    made: list[Change] = []
    busy = False
    for change in changes:
        name, model = change.component, config.models[change.component]
        if model.kind == "component":
            made.append(change)
        elif busy:
            decisions[name] = replace(decisions[name], blocked=Reason.IN_FLIGHT)
        else:
            made.append(replace(change, variant=(config.name, model.variant)))
            busy = True
    return made
