"""What makes the controller look between its ticks: endpoint changes, wakes, spike alarms.

Endpoint state changes reach it as EventBridge's events do. A caller that is refused may ask for a
wake at once (`WakeRequested`). A spike alarm watches requests in flight per copy every ten seconds
and asks for a look when one point of the last six breaches; it speaks when it goes into ALARM.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from icscaler import alarm_plan
from icscaler_sim.metrics.store import Series
from icscaler_sim.simulate.controller import Controller
from icscaler_sim.simulate.driver import Driver
from icscaler_sim.simulate.fleet import Fleet
from icscaler_sim.simulate.places import copies_of
from icscaler_sim.simulate.policies import Job
from icscaler_sim.simulate.sight import in_flight_series

EVENT_POLL_S = 30
"""How often the world is asked whether endpoints changed, on the half minute as in local cloud."""
EVENT_DELAY_S = 0.6875
"""From an event to its look, through bus, dispatch and queue."""
WAKE_EVERY_S = 60
ALARM_POINTS = 6
POINT_S = 10
_QUIET_S = 90.0


def connect(driver: Driver, controller: Controller, fleet: Fleet, job: Job) -> None:
    """Let events reach the controller during a run."""
    changes = EndpointChanges(driver, controller)
    driver.every(EVENT_POLL_S, changes.look)
    if job.wake_events:
        wakes = WakeRequests(driver, controller)
        driver.on_called(wakes.called)
    if job.spike_alarms:
        spikes = SpikeAlarms(driver, controller, fleet)
        driver.on_called(spikes.called)
        driver.every(POINT_S, spikes.evaluate, first_s=POINT_S / 2)


class EndpointChanges:
    """A look at every endpoint whose status or instance counts changed."""

    def __init__(self, driver: Driver, controller: Controller) -> None:
        self._driver = driver
        self._controller = controller
        self._last: dict[str, tuple[Any, ...]] = {}

    def look(self) -> None:
        """Compare every endpoint with what it was."""
        for view in self._driver.world.endpoints():
            counts = [(v.current_instances, v.desired_instances) for v in view.variants]
            state = (view.status, *counts)
            before = self._last.get(view.name)
            self._last[view.name] = state
            if before is not None and before != state:
                self._driver.soon(EVENT_DELAY_S, partial(self._controller.look_at, view.name))


class WakeRequests:
    """Callers that meet no copy ask for one, at most every `WAKE_EVERY_S` a model takes effect."""

    def __init__(self, driver: Driver, controller: Controller) -> None:
        self._driver = driver
        self._controller = controller
        self._asked_s: dict[str, float] = {}

    def called(self, name: str, requests: int, from_s: float, until_s: float) -> None:
        """Requests arrive evenly: the first of them at half of their distance."""
        first_s = from_s + (until_s - from_s) / requests / 2
        asked_s = self._asked_s.get(name)
        if asked_s is not None and first_s - asked_s < WAKE_EVERY_S:
            return
        world = self._driver.world
        if copies_of(world, name).current:
            return
        self._asked_s[name] = first_s
        self._driver.at(first_s, lambda: self._ask(name))

    def _ask(self, name: str) -> None:
        if not copies_of(self._driver.world, name).current:
            self._driver.soon(EVENT_DELAY_S, partial(self._controller.wake, name))


@dataclass(slots=True)
class _Alarm:
    endpoint: str
    component: str
    threshold: float
    series: Series
    since_s: int
    breaches: deque[bool] = field(default_factory=lambda: deque(maxlen=ALARM_POINTS))
    raised: bool = False
    watch_until_s: float = 0.0


class SpikeAlarms:
    """The alarms that a published fleet has (`alarm_plan`), evaluated on what can be read."""

    def __init__(self, driver: Driver, controller: Controller, fleet: Fleet) -> None:
        world = driver.world
        self._driver = driver
        self._controller = controller
        self._alarms: dict[str, _Alarm] = {}
        homes = {model.name: endpoint.name for endpoint, model in fleet.members()}
        for alarm in alarm_plan.wanted(fleet.endpoints.values(), "").values():
            name = alarm.name.removeprefix(alarm_plan.SPIKE)
            series = in_flight_series(world, name)
            if series is not None:
                self._alarms[name] = _Alarm(
                    homes[name], name, alarm.threshold, series, int(world.now_s) // 10 * 10
                )

    def called(self, name: str, requests: int, from_s: float, until_s: float) -> None:
        """Without traffic nothing is in flight: an alarm that is quiet stays quiet."""
        alarm = self._alarms.get(name)
        if alarm is not None:
            alarm.watch_until_s = max(alarm.watch_until_s, until_s + _QUIET_S)

    def evaluate(self) -> None:
        """Read new points; whoever goes into ALARM makes the controller look."""
        now_s = self._driver.world.now_s
        for alarm in self._alarms.values():
            if now_s <= alarm.watch_until_s and self._breaches(alarm, now_s):
                look = partial(self._controller.look_at, alarm.endpoint)
                self._driver.soon(EVENT_DELAY_S, look)

    def _breaches(self, alarm: _Alarm, now_s: float) -> bool:
        """Whether the alarm goes into ALARM now."""
        start_s = max(alarm.since_s, int(now_s) - ALARM_POINTS * POINT_S - 60)
        for at_s, datum in alarm.series.points(start_s, now_s, now_s):
            alarm.breaches.append(datum.maximum > alarm.threshold)
            alarm.since_s = at_s + POINT_S
        before, alarm.raised = alarm.raised, any(alarm.breaches)
        return alarm.raised and not before
