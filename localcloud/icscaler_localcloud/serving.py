"""A local cloud for other processes: on a loopback port, its time passing by itself.

    with LocalCloud() as cloud, Served(cloud, port=4580, speed=60) as served:
        served.run()  # until served.stop()

One thread does everything that happens in the cloud, the one that calls `run`: timers when they are
due, requests in between. So a request is answered at an instant of virtual time, and sees nothing
half done. Beside AWS's services, three paths of its own (`steering.py`).
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from types import TracebackType
from typing import TYPE_CHECKING

from icscaler_localcloud.desk import DeskClosed
from icscaler_localcloud.door import Door
from icscaler_localcloud.http_front import HttpFront, HttpRequest
from icscaler_localcloud.moto_seams import new_id
from icscaler_localcloud.steering import PREFIX, Steering
from icscaler_localcloud.wire import ApiReply

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

# Longest sleep or piece of work of the loop in real seconds: how late the live line may be.
_LONGEST_WAIT_S = 0.5
# Further behind than this, in real seconds, lost time is not made up for.
_PATIENCE_S = 2.0
_MOST_AT_ONCE = 100


class Pace:
    """Where virtual time should be: `speed` virtual seconds for each real one."""

    def __init__(self, speed: float, clock: Callable[[], float] = time.monotonic) -> None:
        if not speed >= 0:
            raise ValueError(f"speed is {speed}, not 0 or more")
        self.speed = speed
        self._clock = clock
        self._from_s, self._real_s = 0.0, clock()

    def restart(self, now_s: float) -> None:
        """Virtual time is `now_s` and goes on from here."""
        self._from_s, self._real_s = now_s, self._clock()

    def target_s(self) -> float:
        """Where virtual time should be now."""
        return self._from_s + (self._clock() - self._real_s) * self.speed

    def wait_s(self, at_s: float | None) -> float:
        """Real seconds until virtual `at_s`, at most the longest wait; None: no such moment."""
        if at_s is None or self.speed == 0:
            return _LONGEST_WAIT_S
        return min(_LONGEST_WAIT_S, max(0.0, (at_s - self.target_s()) / self.speed))


class Served:
    """One cloud on one port. OSError when the port cannot be had."""

    def __init__(self, cloud: LocalCloud, *, port: int = 0, speed: float = 1.0) -> None:
        self.cloud = cloud
        self.pace = Pace(speed)
        self.requests = 0
        """AWS calls that came in over HTTP, refused ones included."""
        self._door = Door(cloud)
        self._steering = Steering(self)
        self._stopped = False
        self._front = HttpFront(self._ask, port=port)

    @property
    def url(self) -> str:
        """What AWS_ENDPOINT_URL is set to."""
        return self._front.url

    def run(self, each_round: Callable[[], None] = lambda: None) -> None:
        """Let time pass and answer requests until `stop`; `each_round` about twice a second."""
        self.pace.restart(self.cloud.clock.now_s)
        while not self._stopped:
            self._catch_up()
            each_round()
            if not self._stopped:
                wait_s = self.pace.wait_s(self.cloud.loop.next_at_s())
                self.cloud.desk.serve(wait_s, before=self._catch_up)

    def stop(self) -> None:
        """Let `run` return. Safe in any thread and in a signal handler."""
        self._stopped = True
        self.cloud.desk.wake()

    def close(self) -> None:
        """Stop listening."""
        self._front.close()

    def _catch_up(self) -> None:
        """Run what is due, an instant at a time; requests that wait get their turn in between."""
        cloud, began_s = self.cloud, time.monotonic()
        while not self._stopped and time.monotonic() - began_s < _LONGEST_WAIT_S:
            target_s, due_s = self.pace.target_s(), cloud.loop.next_at_s()
            # A handler that slept may have taken the clock further than the pace.
            if due_s is None or due_s > target_s:
                cloud.run_until(max(target_s, cloud.clock.now_s))
                return
            cloud.run_until(max(due_s, cloud.clock.now_s))
            self._answer_waiting()
            if target_s - cloud.clock.now_s > _PATIENCE_S * self.pace.speed:
                self.pace.restart(cloud.clock.now_s)

    def _answer_waiting(self) -> None:
        """Not more than so many, or a flood of requests would keep time from passing."""
        for _ in range(_MOST_AT_ONCE):
            if not self.cloud.desk.serve(0):
                return

    def _ask(self, request: HttpRequest) -> ApiReply | None:
        """On a connection's thread: have the cloud's thread answer."""
        try:
            return self.cloud.desk.ask(lambda: self._answer(request))
        except DeskClosed:
            return None

    def _answer(self, request: HttpRequest) -> ApiReply | None:
        if request.target.startswith(PREFIX):
            return self._steering.answer(request)
        self.requests += 1
        try:
            reply = self._door.answer(request)
        except Exception as bug:
            traceback.print_exception(bug, file=sys.stderr)
            reply = _internal_failure(bug)
        return reply and self._dated(reply)

    def _dated(self, reply: ApiReply) -> ApiReply:
        """With the time it is here, as AWS tells it: clients may compare it with their own."""
        headers = {n: v for n, v in reply.headers.items() if n.lower() != "date"}
        date = formatdate(self.cloud.clock.now_s, usegmt=True)
        return replace(reply, headers={**headers, "Date": date})

    def __enter__(self) -> Served:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _internal_failure(bug: Exception) -> ApiReply:
    """A bug of ours, as AWS would say it."""
    headers = {
        "Content-Type": "application/json",
        "x-amzn-ErrorType": "InternalFailure",
        "x-amzn-RequestId": new_id(),
    }
    error = {"__type": "InternalFailure", "message": f"a bug of the local cloud: {bug!r}"}
    return ApiReply(500, headers, json.dumps(error).encode())
