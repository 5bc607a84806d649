"""Which spike alarms a published fleet should have, and what to change so that it does. Pure.

A spike alarm watches the requests in flight per copy of one component, a metric with points every
ten seconds, and asks for a look before the next tick would. One breaching point raises it and six
quiet ones end it, so it is fast to speak and asks at most about once a minute. It decides nothing:
a missing alarm costs time, a wrong one costs a look.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil, sqrt

from icscaler.entities import EndpointConfig, ModelConfig
from icscaler.learned import ASSUMED_DEVIATIONS

# What CloudFormation makes up has no slash, so no alarm of anybody else is taken for one of ours.
SPIKE = "spike/"
REFUSED_REQUESTS = "refused-requests"

# US East (N. Virginia), a month; CloudWatch pricing page as of 2026-11.
PRICES_AS_OF = "2026-11"
HIGH_RESOLUTION_ALARM_USD = 0.30
ANALYSED_METRIC_USD = 0.10


@dataclass(frozen=True, slots=True)
class MetricAlarm:
    """An alarm on one statistic of one metric, in full: two equal ones behave alike.

    `datapoints` of `periods` must breach. `actions` are the ARNs of all states together.
    """

    name: str
    description: str
    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    statistic: str
    period_s: int
    periods: int
    datapoints: int
    comparison: str
    threshold: float
    missing_data: str
    actions_enabled: bool = True
    actions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AlarmPlan:
    """What to do, in this order: delete, create, update. Each tuple is in the order of names."""

    delete: tuple[str, ...] = ()
    create: tuple[MetricAlarm, ...] = ()
    update: tuple[MetricAlarm, ...] = ()

    @property
    def put(self) -> tuple[MetricAlarm, ...]:
        """All alarms to write."""
        return (*self.create, *self.update)


def spike_alarm(
    prefix: str, endpoint: str, component: str, threshold: float, variant: str | None = None
) -> MetricAlarm:
    """The alarm of one component: more in flight per copy than a full one has, or its target.

    `variant`: the one that it has to itself, whose metric has another name and dimensions.
    """
    metric = "ConcurrentRequestsPerCopy"
    dimensions: tuple[tuple[str, str], ...] = (("InferenceComponentName", component),)
    if variant is not None:
        metric = "ConcurrentRequestsPerModel"
        dimensions = (("EndpointName", endpoint), ("VariantName", variant))
    return MetricAlarm(
        name=f"{prefix}{SPIKE}{component}",
        description=(
            f"icscaler: more requests in flight per copy of {component} than {threshold:g}. "
            f"Asks for a look at {endpoint}; nobody needs to act."
        ),
        namespace="AWS/SageMaker",
        metric=metric,
        dimensions=dimensions,
        statistic="Maximum",
        period_s=10,
        periods=6,
        datapoints=1,
        comparison="GreaterThanThreshold",
        threshold=threshold,
        missing_data="notBreaching",
    )


def wanted(configs: Iterable[EndpointConfig], prefix: str) -> dict[str, MetricAlarm]:
    """By name: one for each model that asks for it, where a look could add a copy."""
    alarms = [
        spike_alarm(
            prefix,
            config.name,
            model.name,
            threshold,
            model.variant if model.kind == "variant" else None,
        )
        for config in configs
        for model in config.models.values()
        if model.spike_alarm and _may_grow(config, model) and (threshold := _threshold(model))
    ]
    return {alarm.name: alarm for alarm in alarms}


def _threshold(model: ModelConfig) -> float | None:
    """In flight per copy: the target, or the peak of a full copy. None: it follows another.

    A copy that serves 32 at once and is just full has 32 in flight on average and 49 at its peak
    (`policies.accepted_load`). An alarm at 32 would be up from 19 on average, and silent at a rise.
    """
    slots = model.concurrent_requests_per_copy
    if model.policy is None:
        return None if slots is None else float(ceil(slots + ASSUMED_DEVIATIONS * sqrt(slots)))
    return model.policy.target_value if model.policy.metric == "concurrency" else None


def _may_grow(config: EndpointConfig, model: ModelConfig) -> bool:
    """Whether it can ever have a second copy; a first one is a wake's business."""
    ceilings = [model.max_copies, *(one.max_copies or 0 for one in model.overrides)]
    ceilings += [config.schedules[name].max_copies or 0 for name in model.schedules]
    return max(ceilings) > 1


def plan(
    wanted_alarms: Mapping[str, MetricAlarm], found: Mapping[str, MetricAlarm | None]
) -> AlarmPlan:
    """Orphans go, missing ones come, drifted ones are written anew.

    `found` holds every alarm that has one of our names; None is one of another kind.
    """
    names = sorted(wanted_alarms)
    return AlarmPlan(
        delete=tuple(sorted(found.keys() - wanted_alarms.keys())),
        create=tuple(wanted_alarms[name] for name in names if name not in found),
        update=tuple(
            wanted_alarms[name]
            for name in names
            if name in found and found[name] != wanted_alarms[name]
        ),
    )


def usd_per_month(spike_alarms: int, watched_components: int) -> float:
    """What the alarms cost at most: the fleet-wide one by the components that had refusals."""
    cost = spike_alarms * HIGH_RESOLUTION_ALARM_USD + watched_components * ANALYSED_METRIC_USD
    return round(cost, 2)
