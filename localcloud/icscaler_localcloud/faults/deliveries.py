"""Deliveries that go wrong on their way from one service to the next.

What AWS promises, and what these switches therefore imitate: EventBridge and Scheduler deliver at
least once and in no order; Lambda's own queue of asynchronous events is eventually consistent and
may hand an event over twice, or drop it when it is overrun (Lambda Developer Guide, "How Lambda
handles errors and retries with asynchronous invocation"); SQS loses nothing, but a delete may not
reach every server (SQS Developer Guide, "At-least-once delivery").
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from icscaler_localcloud.faults.switch import Switch, Switchboard


class Lane(StrEnum):
    """Where something is under way."""

    EVENTS = "events"  # EventBridge: a rule to one of its targets
    SCHEDULER = "scheduler"  # EventBridge Scheduler: a schedule to its target
    ASYNC = "async"  # Lambda: an asynchronous event to its function
    QUEUE = "queue"  # Lambda: a received message to its function


class Mishap(Enum):
    """What happens to a delivery."""

    LOSE = auto()
    DUPLICATE = auto()
    DELAY = auto()
    REORDER = auto()
    UNDELETED = auto()


@dataclass(slots=True, kw_only=True)
class DeliverySwitch(Switch):
    """A fault of deliveries whose source or target ARN contains `about`."""

    lane: Lane
    mishap: Mishap
    about: str = ""
    seconds: float = 0.0

    def meets(self, lane: Lane, source: str, target: str) -> bool:
        """Does it strike this delivery?"""
        return (
            self.lane is lane and (self.about in source or self.about in target) and self.strikes()
        )


class DeliveryFaults(Switchboard):
    """The switches of deliveries. `about` is part of a rule's, schedule's, queue's, function's ARN.

    Lanes may be given by their names.
    """

    def lose_deliveries(
        self, lane: Lane | str, *, about: str = "", times: int = 1, chance: float = 1.0
    ) -> Switch:
        """Nobody ever sees it, and no dead letter tells of it. SQS loses nothing: not `QUEUE`."""
        return self._delivery(Mishap.LOSE, lane, about, times, chance)

    def duplicate_deliveries(
        self,
        lane: Lane | str,
        *,
        after_s: float = 2.0,
        about: str = "",
        times: int = 1,
        chance: float = 1.0,
    ) -> Switch:
        """It arrives, and `after_s` later once more. Not `QUEUE`: see `forget_deletes`."""
        return self._delivery(Mishap.DUPLICATE, lane, about, times, chance, after_s)

    def delay_deliveries(
        self,
        lane: Lane | str,
        *,
        seconds: float,
        about: str = "",
        times: int = 1,
        chance: float = 1.0,
    ) -> Switch:
        """It arrives so much later."""
        return self._delivery(Mishap.DELAY, lane, about, times, chance, seconds)

    def reorder_deliveries(
        self,
        lane: Lane | str,
        *,
        within_s: float = 30.0,
        about: str = "",
        times: int = 1,
        chance: float = 1.0,
    ) -> Switch:
        """It is held for a random part of `within_s`, so that later ones may overtake it.

        Messages of one group of a FIFO queue stay in order whatever happens.
        """
        return self._delivery(Mishap.REORDER, lane, about, times, chance, within_s)

    def forget_deletes(self, *, about: str = "", times: int = 1, chance: float = 1.0) -> Switch:
        """A message that was handled is not deleted: when its visibility timeout ends it comes
        again, and the others of its group wait until then."""
        return self._delivery(Mishap.UNDELETED, Lane.QUEUE, about, times, chance)

    def arrivals(self, lane: Lane, source: str, target: str) -> list[float]:
        """In how many seconds each copy of a delivery arrives: [0.0] when nothing is wrong."""
        arrivals = [0.0]
        if not self._switches:
            return arrivals
        for switch in self._of(DeliverySwitch):
            if switch.mishap is Mishap.UNDELETED or not switch.meets(lane, source, target):
                continue
            if switch.mishap is Mishap.LOSE:
                return []
            if switch.mishap is Mishap.DUPLICATE:
                arrivals += [at_s + switch.seconds for at_s in arrivals]
                continue
            late_s = switch.seconds
            if switch.mishap is Mishap.REORDER:
                late_s *= switch.draws.random()
            arrivals = [at_s + late_s for at_s in arrivals]
        return sorted(arrivals)

    def delete_is_forgotten(self, queue: str, function: str) -> bool:
        """Does a message that was handled stay in the queue?"""
        return any(
            switch.mishap is Mishap.UNDELETED and switch.meets(Lane.QUEUE, queue, function)
            for switch in self._of(DeliverySwitch)
        )

    def _delivery(
        self,
        mishap: Mishap,
        lane: Lane | str,
        about: str,
        times: int,
        chance: float,
        seconds: float = 0.0,
    ) -> DeliverySwitch:
        lane = Lane(lane)
        if lane is Lane.QUEUE and mishap in (Mishap.LOSE, Mishap.DUPLICATE):
            raise ValueError("SQS loses no message; a message comes twice by `forget_deletes`")
        switch = DeliverySwitch(
            lane=lane,
            mishap=mishap,
            about=about,
            seconds=seconds,
            times=times,
            chance=chance,
            draws=self._draws(),
        )
        return self._add(switch)
