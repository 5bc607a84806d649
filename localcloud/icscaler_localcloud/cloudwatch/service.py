"""CloudWatch of the local cloud: metrics and alarms are ours, dashboards are kept by moto."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from icscaler_localcloud.apikit.gate import CallGate
from icscaler_localcloud.apikit.validation import validate
from icscaler_localcloud.cloudwatch.dashboards import Dashboards
from icscaler_localcloud.cloudwatch.put import put_metric_data
from icscaler_localcloud.cloudwatch.queries import get_metric_data
from icscaler_localcloud.cloudwatch.reads import get_metric_statistics, list_metrics
from icscaler_localcloud.services import ServiceError
from icscaler_sim.metrics.store import MetricStore

if TYPE_CHECKING:
    from icscaler_localcloud.alarms import Alarms


class Clock(Protocol):
    """Anything that knows the virtual time."""

    @property
    def now_s(self) -> float: ...


Spoil = Callable[[Mapping[str, Any], Sequence[Mapping[str, Any]]], Mapping[str, Any]]


def _as_it_is(answer: Mapping[str, Any], _: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return answer


class CloudWatchService:
    """The metric API over a MetricStore, alarms, and dashboards.

    `alarms` evaluates and delivers in a cloud; by default it only keeps what it is told.
    `spoil(answer, queries)` is where faults change what GetMetricData answers.
    `lag_s` is how long a published custom metric stays unreadable (AWS names no figure).
    `series_requested` counts the metrics asked of GetMetricData, which is what AWS bills.
    """

    def __init__(
        self,
        store: MetricStore,
        clock: Clock,
        *,
        account: str,
        region: str,
        lag_s: float = 0.0,
        alarms: Alarms | None = None,
        spoil: Spoil = _as_it_is,
    ) -> None:
        self.store = store
        self.alarms = alarms or _kept_alarms(store, clock, account, region)
        self.gate = CallGate(throttling_code="Throttling")
        self.gate.add_hook(self.alarms.meter)
        self._dashboards = Dashboards(account, region)
        self.lag_s = lag_s
        self.series_requested = 0
        self._clock = clock
        self._account = account
        self._spoil = spoil

    def call(self, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Answer one operation; ServiceError with AWS's code and text where it refuses."""
        now_s = self._clock.now_s
        self.gate.admit(operation, now_s)
        validate("cloudwatch", operation, params, code="ValidationError")
        match operation:
            case "PutMetricData":
                put_metric_data(self.store, params, now_s, self.lag_s)
                return None
            case "GetMetricData":
                self.series_requested += sum("MetricStat" in q for q in params["MetricDataQueries"])
                answer = get_metric_data(self.store, params, now_s, self._account)
                return self._spoil(answer, params["MetricDataQueries"])
            case "GetMetricStatistics":
                return get_metric_statistics(self.store, params, now_s)
            case "ListMetrics":
                return list_metrics(self.store, params)
        if self._dashboards.answers(operation, params):
            return self._dashboards.call(operation, params)
        if operation in self.alarms.operations:
            return self.alarms.call(operation, params)
        raise ServiceError(
            "UnknownOperationException",
            f"CloudWatch's {operation} is not supported by the local cloud.",
        )


def _kept_alarms(store: MetricStore, clock: Clock, account: str, region: str) -> Alarms:
    """Alarms that nothing evaluates."""
    from icscaler_localcloud.alarms import Alarms, AlarmSettings  # needs this package's math

    settings = AlarmSettings(throttle=False)
    return Alarms(store, clock, account=account, region=region, settings=settings)
