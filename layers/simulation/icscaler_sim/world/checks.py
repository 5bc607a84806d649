"""What AWS checks before it accepts a call. Each raises `Refusal` and changes nothing.

Ranges: botocore's SageMaker model. Order of checks where AWS documents none is ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from icscaler_sim.world.catalog import instance_type
from icscaler_sim.world.components import Component
from icscaler_sim.world.endpoints import Endpoint
from icscaler_sim.world.instances import Variant
from icscaler_sim.world.refusals import (
    ENDPOINT_HAS_COMPONENTS,
    INTERNAL_STATES,
    NO_ROOM,
    endpoint_in_progress,
    in_progress,
    invalid,
)
from icscaler_sim.world.rolling import check_batch
from icscaler_sim.world.settings import WorldSettings
from icscaler_sim.world.specs import (
    ComponentSpec,
    ManagedScaling,
    Refusal,
    RollingPolicy,
    VariantSpec,
)

_MIN_MEMORY_MB = 128
_MIN_CPUS = 0.25


# --- endpoints
def new_endpoint(
    endpoints: Mapping[str, Endpoint], name: str, variants: Sequence[VariantSpec]
) -> None:
    """Name free, variants well formed."""
    if name in endpoints:
        raise invalid(f'Cannot create already existing endpoint "{name}".')
    if not variants or len({variant.name for variant in variants}) != len(variants):
        raise invalid("An endpoint needs at least one variant, with names that differ.")
    for variant in variants:
        instance_type(variant.instance_type)
        if variant.initial_instances < 1:
            raise invalid("InitialInstanceCount must be at least 1.")
        if variant.managed_scaling is not None:
            if variant.model_name is not None and variant.managed_scaling.enabled:
                raise invalid(
                    "ManagedInstanceScaling is not supported on a variant with a ModelName."
                )
            _limits(variant.managed_scaling)


def _limits(scaling: ManagedScaling) -> None:
    if scaling.min_instances < 0 or scaling.max_instances < max(1, scaling.min_instances):
        raise invalid(
            f"ManagedInstanceScaling needs 0 <= MinInstanceCount <= MaxInstanceCount and "
            f"MaxInstanceCount >= 1, got {scaling.min_instances} and {scaling.max_instances}."
        )
    if not 1 <= scaling.max_step <= 100 or not 5 <= scaling.cooldown_min <= 1440:
        raise invalid("ScaleInPolicy needs MaximumStepSize 1-100 and CooldownInMinutes 5-1440.")


def variant_of(endpoint: Endpoint, name: str) -> Variant:
    """The variant called `name`."""
    found = endpoint.variants.get(name)
    if found is None:
        raise invalid(f'Could not find variant "{name}" of endpoint "{endpoint.name}".')
    return found


def delete_endpoint(endpoint: Endpoint, has_components: bool, settings: WorldSettings) -> None:
    """Settled, and (by switch) without components."""
    if endpoint.status not in ("InService", "Failed"):
        raise endpoint_in_progress(endpoint.name)
    if has_components and not settings.delete_endpoint_with_components:
        raise invalid(ENDPOINT_HAS_COMPONENTS)


def set_instances(variant: Variant, instances: int) -> None:
    """Nothing else under way, nobody else in charge, at least 1, copies keep their instances."""
    if variant.endpoint.status != "InService":
        raise endpoint_in_progress(variant.endpoint.name)
    if variant.managed is not None:
        raise invalid("The instances of this variant are set by managed instance scaling.")
    if instances < 1:
        raise invalid("DesiredInstanceCount must be at least 1.")
    occupied = sum(bool(instance.copies) for instance in variant.in_service())
    if variant.model is None and instances < occupied:
        raise invalid(f"Inference component copies use {occupied} instances of this variant.")


def set_weight(variant: Variant, weight: float) -> None:
    """Nothing else under way, not negative."""
    if variant.endpoint.status != "InService":
        raise endpoint_in_progress(variant.endpoint.name)
    if weight < 0:
        raise invalid("DesiredWeight must be at least 0.")


def managed_scaling(variant: Variant, min_instances: int, max_instances: int) -> ManagedScaling:
    """The variant's managed scaling with other limits."""
    if variant.endpoint.status != "InService":
        raise endpoint_in_progress(variant.endpoint.name)
    if variant.scaling is None:
        raise invalid("This variant has no ManagedInstanceScaling.")
    changed = replace(variant.scaling, min_instances=min_instances, max_instances=max_instances)
    _limits(changed)
    return changed


# --- components
def name_taken(name: str) -> Refusal:
    """Component names are unique in an account and Region."""
    return invalid(f'Cannot create already existing inference component "{name}".')


def no_update(name: str) -> Refusal:
    """There is nothing to roll back."""
    return invalid(f'Inference component "{name}" has no update in progress.')


def base_of(base: Component | None, name: str, variant: Variant) -> Component:
    """An adapter's base: there, in service, on the same variant, no adapter itself."""
    if base is None or base.variant is not variant:
        raise invalid(f'Could not find base inference component "{name}" on this variant.')
    if base.base is not None:
        raise invalid(f'Inference component "{name}" is an adapter itself.')
    if base.status not in ("InService", "Updating"):
        raise invalid(f'Base inference component "{name}" is {base.status}.')
    return base


def new_component(
    variant: Variant, name: str, spec: ComponentSpec, copies: int, settings: WorldSettings
) -> None:
    """The endpoint takes components now, the spec is sound, and there is room for it."""
    if variant.model is not None:
        raise invalid(
            "Inference Components are not supported in this Endpoint. Please make sure this "
            "endpoint can deploy inference components."
        )
    status = variant.endpoint.status
    if status == "Creating" and settings.create_needs_endpoint_in_service:
        raise invalid(f'Endpoint "{variant.endpoint.name}" is {status}, not InService.')
    _endpoint_takes_writes(variant, settings)
    if spec.base is not None:
        if spec.gpus or spec.cpus or spec.memory_mb:
            raise invalid("ComputeResourceRequirements cannot be given for an adapter.")
        return
    if copies < 1:
        raise invalid("CopyCount must be an integer larger than 0.")
    _sound(spec)
    _room(variant, name, spec, copies, settings)


def _endpoint_takes_writes(variant: Variant, settings: WorldSettings) -> None:
    status = variant.endpoint.status
    busy = status == "Updating" and not settings.writes_while_endpoint_updating
    if busy or status in ("Deleting", "Failed"):
        raise endpoint_in_progress(variant.endpoint.name)


def _sound(spec: ComponentSpec) -> None:
    if spec.gpus < 0 or (spec.cpus and spec.cpus < _MIN_CPUS) or spec.memory_mb < _MIN_MEMORY_MB:
        raise invalid(
            "ComputeResourceRequirements needs MinMemoryRequiredInMb >= 128, "
            "NumberOfCpuCoresRequired >= 0.25 and NumberOfAcceleratorDevicesRequired >= 1 "
            "where they are given."
        )


def _room(
    variant: Variant, name: str, spec: ComponentSpec, more: int, settings: WorldSettings
) -> None:
    if settings.no_room == "refuse" and more > 0 and variant.homeless(name, spec, more):
        raise invalid(NO_ROOM)


def _writable(component: Component, verb: str, settings: WorldSettings) -> None:
    """One change at a time."""
    _endpoint_takes_writes(component.variant, settings)
    _settled(component, verb)
    if component.status == "Failed" and not settings.failed_accepts_update:
        raise in_progress(verb, component.name, INTERNAL_STATES["Failed"])


def _settled(component: Component, verb: str) -> None:
    if component.status in ("Creating", "Updating", "Deleting"):
        state = INTERNAL_STATES[component.status]
        if component.operation is not None:
            state = component.operation.internal_state
        raise in_progress(verb, component.name, state)


def set_copies(component: Component, copies: int, settings: WorldSettings) -> None:
    """Settled, a count, and room for it."""
    _writable(component, "updated", settings)
    if copies < 0:
        raise invalid("DesiredRuntimeConfig.CopyCount must be at least 0.")
    if component.base is not None and not settings.adapters_accept_copies:
        raise invalid("The copy count of an adapter is that of its base inference component.")
    more = copies - len(component.logical())
    _room(component.variant, component.name, component.spec, more, settings)


def update(
    component: Component,
    spec: ComponentSpec,
    copies: int,
    rolling: RollingPolicy | None,
    settings: WorldSettings,
) -> None:
    """Settled, the new spec is sound and could run here, the batches are allowed."""
    _writable(component, "updated", settings)
    if spec.base != component.spec.base:
        raise invalid("BaseInferenceComponentName cannot be changed.")
    if spec.base is not None:
        return
    if copies < 0:
        raise invalid("RuntimeConfig.CopyCount must be at least 0.")
    _sound(spec)
    if settings.no_room == "refuse" and not component.variant.fresh.fits(spec):
        raise invalid(NO_ROOM)
    if rolling is not None:
        check_batch(rolling, copies, settings)


def delete_component(component: Component) -> None:
    """Settled, and no adapter stands on it."""
    _settled(component, "deleted")
    if component.adapters:
        names = ", ".join(sorted(component.adapters))
        raise invalid(
            f'Inference component "{component.name}" cannot be deleted while adapter inference '
            f"components use it: {names}."
        )
