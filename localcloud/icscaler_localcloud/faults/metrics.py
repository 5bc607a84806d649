"""What CloudWatch answers of series that it can't read whole.

GetMetricData says so for each series in StatusCode (CloudWatch API Reference, MetricDataResult):
PartialData comes with some of the points, InternalError and Forbidden with none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from icscaler_localcloud.faults.switch import Switch, Switchboard

SeriesStatus: TypeAlias = Literal["PartialData", "InternalError", "Forbidden"]


@dataclass(slots=True, kw_only=True)
class SeriesSwitch(Switch):
    """A fault of the series whose query contains `about`."""

    status: SeriesStatus
    about: str = ""


class MetricFaults(Switchboard):
    """The switches of GetMetricData's answers."""

    def spoil_series(
        self,
        status: SeriesStatus = "PartialData",
        *,
        about: str = "",
        times: int = 1,
        chance: float = 1.0,
    ) -> Switch:
        """Answer the next `times` series with this status.

        PartialData keeps the older half of the points. `about` is part of the query: a metric's
        name, a component's.
        """
        if status not in get_args(SeriesStatus):
            raise ValueError(f"status is {status!r}, not one of {get_args(SeriesStatus)}")
        switch = SeriesSwitch(
            status=status, about=about, times=times, chance=chance, draws=self._draws()
        )
        return self._add(switch)

    def spoiled(
        self, answer: Mapping[str, Any], queries: Sequence[Mapping[str, Any]]
    ) -> Mapping[str, Any]:
        """GetMetricData's answer after the switches: `answer` itself when none strikes."""
        switches = list(self._of(SeriesSwitch)) if self._switches else []
        if not switches:
            return answer
        asked = {query["Id"]: str(query) for query in queries}
        results = [
            _spoil(result, switches, asked.get(result["Id"], ""))
            for result in answer["MetricDataResults"]
        ]
        return {**answer, "MetricDataResults": results}


def _spoil(
    result: Mapping[str, Any], switches: Sequence[SeriesSwitch], asked: str
) -> Mapping[str, Any]:
    struck = next((s for s in switches if s.about in asked and s.strikes()), None)
    if struck is None:
        return result
    times = result["Timestamps"]
    kept = sorted(times)[: len(times) // 2] if struck.status == "PartialData" else []
    points = [(at, value) for at, value in zip(times, result["Values"], strict=True) if at in kept]
    return {
        **result,
        "Timestamps": [at for at, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": struck.status,
    }
