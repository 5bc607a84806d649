"""Prices of instances, and what the same traffic costs in other ways."""

from icscaler_sim.pricing.alternatives import (
    Alternative,
    Bill,
    HeldCopies,
    all_always_on,
    endpoint_per_model,
    instances_over_time,
    measured,
    packed_instances,
    static_peak,
)
from icscaler_sim.pricing.table import InstanceType, PriceTable, PriceTableError, load_prices

__all__ = [
    "Alternative",
    "Bill",
    "HeldCopies",
    "InstanceType",
    "PriceTable",
    "PriceTableError",
    "all_always_on",
    "endpoint_per_model",
    "instances_over_time",
    "load_prices",
    "measured",
    "packed_instances",
    "static_peak",
]
