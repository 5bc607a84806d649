"""What `icscaler endpoint apply` would do: a new endpoint configuration, and what it may cost.

The configuration is the present one with the stated limits and scale-in policy in place. Its name
is made of its content, so a second run finds what the first one made. Pure.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from icscaler.entities import VariantConfig
from icscaler.managed_scaling import Drift

HOURS_PER_MONTH = 730.0
# What DescribeEndpointConfig answers and CreateEndpointConfig takes (botocore's service model).
_COPIED = (
    *("ProductionVariants", "DataCaptureConfig", "KmsKeyId", "AsyncInferenceConfig"),
    *("ExplainerConfig", "ShadowProductionVariants", "ExecutionRoleArn", "VpcConfig"),
    *("EnableNetworkIsolation", "MetricsConfig"),
)
_NAME_LENGTH = 63
_DIGEST = 10


def new_config(
    endpoint: str, present: Mapping[str, Any], stated: Mapping[str, VariantConfig]
) -> dict[str, Any]:
    """The arguments of CreateEndpointConfig."""
    request = {key: deepcopy(present[key]) for key in _COPIED if present.get(key) is not None}
    for variant in request["ProductionVariants"]:
        wanted = stated.get(variant["VariantName"])
        if wanted is not None:
            variant["ManagedInstanceScaling"] = _scaling(variant, wanted)
            scaling = variant["ManagedInstanceScaling"]
            least, most = scaling["MinInstanceCount"], scaling["MaxInstanceCount"]
            # Checked by SageMaker, though the running instances are kept.
            initial = variant.get("InitialInstanceCount", 1)
            variant["InitialInstanceCount"] = max(1, least, min(initial, most))
    return {"EndpointConfigName": _name(endpoint, request), **request}


def _scaling(variant: Mapping[str, Any], wanted: VariantConfig) -> dict[str, Any]:
    scaling = {"Status": "ENABLED", **variant.get("ManagedInstanceScaling", {})}
    if wanted.min_instances is not None:
        scaling["MinInstanceCount"] = wanted.min_instances
    if wanted.max_instances is not None:
        scaling["MaxInstanceCount"] = wanted.max_instances
    scaling.setdefault("MinInstanceCount", 1)
    initial = variant.get("InitialInstanceCount", 1)
    scaling.setdefault("MaxInstanceCount", max(scaling["MinInstanceCount"], initial))
    if wanted.scale_in is not None:
        scaling["ScaleInPolicy"] = {
            "Strategy": wanted.scale_in.strategy,
            "MaximumStepSize": wanted.scale_in.maximum_step_size,
            "CooldownInMinutes": wanted.scale_in.cooldown_minutes,
        }
    return scaling


def _name(endpoint: str, request: Mapping[str, Any]) -> str:
    content = json.dumps(request, sort_keys=True, default=str)
    digest = hashlib.sha256(content.encode()).hexdigest()[:_DIGEST]
    return f"{endpoint[: _NAME_LENGTH - _DIGEST - 1].rstrip('-')}-{digest}"


def price_lines(drifts: tuple[Drift, ...], stated: Mapping[str, VariantConfig]) -> Iterator[str]:
    """What changed limits can cost a month, where the price of an instance is known."""
    for drift in drifts:
        variant = stated[drift.variant]
        if drift.key not in ("min_instances", "max_instances"):
            continue
        word = "at least" if drift.key == "min_instances" else "at most"
        counts = [drift.found, drift.stated]
        if variant.usd_per_hour is None or not all(isinstance(one, int) for one in counts):
            yield f"{drift.variant}: what one {variant.instance_type} costs is not known"
            continue
        usd = [variant.usd_per_hour * HOURS_PER_MONTH * int(one or 0) for one in counts]
        yield (
            f"{drift.variant}: {word} ${usd[1]:,.0f} a month instead of ${usd[0]:,.0f} "
            f"({drift.stated} instead of {drift.found} {variant.instance_type})"
        )
