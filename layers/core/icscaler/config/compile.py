"""From the fleet file to what a look reads: one `EndpointConfig` per endpoint, under one version.

The version is a hash of the compiled content: the same fleet has the same version wherever and
however often it is compiled, whatever the order of keys, comments or spelling of its file.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from icscaler.config.hardware import variant_config
from icscaler.config.problems import Problem
from icscaler.config.resolve import (
    DEFAULT_PRICE,
    OBJECTIVE,
    TARGET_TRACKING,
    Parts,
    Resolved,
    resolve,
    selected,
)
from icscaler.config.schema import EndpointKeys, FleetFile
from icscaler.config.shares import with_ceilings
from icscaler.config.timing import schedule
from icscaler.config.when import OverrideEntry
from icscaler.config.zones import zone
from icscaler.entities import (
    CopyResources,
    EndpointConfig,
    Limits,
    ModelConfig,
    Objective,
    Override,
    TargetTracking,
    VariantConfig,
)

VERSION_DIGITS = 12


@dataclass(frozen=True, slots=True)
class CompiledFleet:
    """A fleet ready to publish; endpoints and models in the order of their names."""

    version: str
    endpoints: dict[str, EndpointConfig]
    warnings: tuple[Problem, ...] = ()


def compile_fleet(
    fleet: FleetFile, usd_per_hour: Mapping[str, float] | None = None
) -> CompiledFleet:
    """Compile a fleet file that `load_fleet` accepted. Total for such files.

    `usd_per_hour`: public prices by instance type, for variants that state none of their own. They
    are for reports and change no version: the same fleet file has one version everywhere.
    """
    parts = Parts.of(fleet)
    models = {model.name: model for model in resolve(parts)}
    unversioned = {
        name: _endpoint(name, keys, models, fleet) for name, keys in sorted(fleet.endpoints.items())
    }
    ceilings = fleet.ceilings
    unversioned = with_ceilings(unversioned, ceilings.classes, ceilings.owners)
    version = _version(unversioned.values())
    endpoints = {
        name: replace(one, version=version, variants=_priced(one.variants, usd_per_hour or {}))
        for name, one in unversioned.items()
    }
    return CompiledFleet(version, endpoints, fleet.warnings)


def _priced(
    variants: Mapping[str, VariantConfig], usd_per_hour: Mapping[str, float]
) -> dict[str, VariantConfig]:
    return {
        name: replace(one, usd_per_hour=one.usd_per_hour or usd_per_hour.get(one.instance_type))
        for name, one in variants.items()
    }


def _version(endpoints: Iterable[EndpointConfig]) -> str:
    content = json.dumps([asdict(one) for one in endpoints], sort_keys=True, allow_nan=False)
    return hashlib.sha256(content.encode()).hexdigest()[:VERSION_DIGITS]


def _endpoint(
    name: str, keys: EndpointKeys, models: dict[str, Resolved], fleet: FleetFile
) -> EndpointConfig:
    here = sorted(
        (model for model in models.values() if model.get("endpoint") == name),
        key=lambda one: one.name,
    )
    used = [one for one in fleet.schedules if any(selected(model, one.select) for model in here)]
    schedules = {one.name: schedule(one, fleet.calendars) for one in used}
    return EndpointConfig(
        name=name,
        version="",
        variants={
            variant: variant_config(variant_keys)
            for variant, variant_keys in sorted(keys.variants.items())
        },
        models={model.name: _model(model, models, fleet) for model in here},
        observe=keys.observe,
        paused=keys.paused,
        metric_settled_s=keys.metric_settled_s,
        blind_after_s=keys.blind_after_s,
        instance_patience_s=keys.instance_patience_s,
        shortage_memory_s=keys.shortage_memory_s,
        schedules=schedules,
        zones={one.zone: zone(one.zone) for one in schedules.values()},
        price=float(fleet.defaults.price or DEFAULT_PRICE),
    )


def _model(model: Resolved, models: dict[str, Resolved], fleet: FleetFile) -> ModelConfig:
    """An adapter lives in its base's copies: it reserves nothing and scales with the base."""
    adapter_of = model.get("adapter_of")
    scaling = models[adapter_of] if adapter_of else model
    idle_s = scaling.get("idle_s")
    return ModelConfig(
        name=model.name,
        variant=model.get("variant"),
        resources=CopyResources(0, 0.0, 0) if adapter_of else copy_resources(model),
        policy=_target_tracking(scaling),
        objective=_objective(scaling),
        concurrent_requests_per_copy=scaling.get("concurrent_requests_per_copy"),
        class_name=scaling.get("class"),
        worth=float(scaling.get("worth")),
        protected=scaling.get("protected", default=False),
        min_copies=scaling.get("min_copies", default=0),
        max_copies=scaling.get("max_copies"),
        idle_s=None if idle_s == "never" else idle_s,
        observe=model.get("observe", default=False),
        paused=model.get("paused", default=False),
        adapter_of=adapter_of,
        group=model.get("group"),
        owner=model.get("owner"),
        max_gpus=scaling.get("max_gpus"),
        limits=Limits(**_limits(scaling)),
        overrides=tuple(_override(one) for one in fleet.overrides if selected(model, one.select)),
        schedules=tuple(one.name for one in fleet.schedules if selected(model, one.select)),
        spike_alarm=not adapter_of and model.get("spike_alarm", default=False),
        kind=model.get("kind"),
        labels=tuple(sorted(model.group_of("labels").items())),
    )


def copy_resources(model: Resolved) -> CopyResources:
    """What one copy reserves; for a model whose GPUs and memory are known."""
    return CopyResources(
        gpus=model.get("resources", "gpus"),
        cpus=float(model.get("resources", "cpus", default=0.0)),
        memory_mb=model.get("resources", "memory_mb"),
    )


def _target_tracking(model: Resolved) -> TargetTracking | None:
    if model.policy_kind != TARGET_TRACKING:
        return None
    keys = model.group_of(*TARGET_TRACKING)
    return TargetTracking(**_floats(keys, "target_value", "scale_in_tolerance_fraction"))


def _objective(model: Resolved) -> Objective | None:
    if model.policy_kind != OBJECTIVE:
        return None
    return Objective(**_floats(model.group_of(*OBJECTIVE), "rare_per_s", "deadline_s"))


def _limits(model: Resolved) -> dict[str, Any]:
    keys = model.group_of("limits")
    return _floats(keys, "scale_out_step_fraction", "scale_in_step_fraction")


def _floats(keys: dict[str, Any], *names: str) -> dict[str, Any]:
    """`24` and `24.0` are the same setting, and must give the same version."""
    return {key: float(value) if key in names else value for key, value in keys.items()}


def _override(entry: OverrideEntry) -> Override:
    return Override(
        until_s=int(entry.until.timestamp()),
        reason=entry.reason,
        from_s=int(entry.from_.timestamp()) if entry.from_ is not None else 0,
        min_copies=entry.min_copies,
        max_copies=entry.max_copies,
        paused=bool(entry.paused),
    )
