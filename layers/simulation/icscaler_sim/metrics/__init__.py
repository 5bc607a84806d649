"""CloudWatch's metric store: what was published, and what a reader can see of it when."""

from icscaler_sim.metrics.store import MetricKey, MetricStore

__all__ = ["MetricKey", "MetricStore"]
