"""CloudWatch's metric store: what was published, and what a reader can see of it when."""

from icscaler_sim.metrics.data import Datum
from icscaler_sim.metrics.store import MetricKey, MetricStore, Series, key_of

__all__ = ["Datum", "MetricKey", "MetricStore", "Series", "key_of"]
