"""What can be done to a served cloud beside calling AWS's services: look, move time, break things.

    GET    /_icscaler/status              virtual time, speed, calls, looks, invocations
    POST   /_icscaler/advance             {"seconds": 300}: virtual time passes, then the reply
    GET    /_icscaler/faults              {"on": [...], "switches": [...]}: names, settings, meaning
    POST   /_icscaler/faults              {"fault": "throttle", "service": "sagemaker", "times": 2}
    DELETE /_icscaler/faults              every fault switch off

Replies are JSON; 400 with "error" says what was wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.faults.levers import LeverError, Levers, catalogue
from icscaler_localcloud.http_front import HttpRequest
from icscaler_localcloud.wire import ApiReply

if TYPE_CHECKING:
    from icscaler_localcloud.serving import Served

PREFIX = "/_icscaler/"
# Advancing further in one request would keep all others waiting for minutes.
_LONGEST_ADVANCE_S = 86_400.0


class _BadRequest(Exception):  # noqa: N818  (a reply, with the text that says what was wrong)
    """The request makes no sense."""


class Steering:
    """Answers the paths under PREFIX. To be used by the thread that owns the cloud."""

    def __init__(self, served: Served) -> None:
        self._served = served
        self._levers = Levers(served.cloud)
        self._paths = {
            ("GET", "status"): self._status,
            ("POST", "advance"): self._advance,
            ("GET", "faults"): self._faults,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
        }

    def answer(self, request: HttpRequest) -> ApiReply:
        """One reply; 404 for a path that is none."""
        act = self._paths.get((request.method, request.target.removeprefix(PREFIX)))
        if act is None:
            return _reply(404, {"error": f"no {request.method} {request.target}"})
        try:
            return _reply(200, act(_body(request)))
        except _BadRequest as bad:
            return _reply(400, {"error": str(bad)})

    def _status(self, _: Mapping[str, Any]) -> dict[str, Any]:
        cloud, served = self._served.cloud, self._served
        calls, tally = sorted(cloud.gateway.calls.items()), cloud.world.tally
        return {
            "virtual_time": cloud.iso_now(),
            "virtual_time_s": cloud.clock.now_s,
            "speed": served.pace.speed,
            "requests": served.requests,
            "invocations": dict(sorted(cloud.functions.invocations.items())),
            "endpoints": len(cloud.world.endpoints()),
            "inference_components": len(cloud.world.components()),
            "model_requests": {
                view.name: tally.requests(view.name).arrived for view in cloud.world.components()
            },
            "calls": {f"{service}:{operation}": n for (service, operation), n in calls},
            "undelivered": list(cloud.undelivered[-20:]),
        }

    def _advance(self, body: Mapping[str, Any]) -> dict[str, Any]:
        seconds = body.get("seconds")
        if not isinstance(seconds, int | float) or not 0 <= seconds <= _LONGEST_ADVANCE_S:
            raise _BadRequest(f"seconds is {seconds!r}, not a number from 0 to a day's")
        cloud = self._served.cloud
        cloud.run_for(float(seconds))
        self._served.pace.restart(cloud.clock.now_s)
        return {"virtual_time": cloud.iso_now(), "virtual_time_s": cloud.clock.now_s}

    def _faults(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"on": self._levers.on(), "switches": catalogue()}

    def _add_fault(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """`given` is a list of settings in their order, for those who do not name them."""
        settings = dict(body)
        name, given = settings.pop("fault", None), settings.pop("given", [])
        if not isinstance(given, list):
            raise _BadRequest(f"given is {given!r}, not a list")
        try:
            return {"fault": name, **self._levers.put_on(name, given, settings)}
        except LeverError as error:
            raise _BadRequest(str(error)) from None

    def _clear_faults(self, _: Mapping[str, Any]) -> dict[str, Any]:
        self._levers.clear()
        return {}


def _body(request: HttpRequest) -> Mapping[str, Any]:
    try:
        body = json.loads(request.body or b"{}")
    except ValueError as error:
        raise _BadRequest(f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise _BadRequest("the body is not a JSON object")
    return body


def _reply(status: int, content: Mapping[str, Any]) -> ApiReply:
    return ApiReply(status, {"Content-Type": "application/json"}, json.dumps(content).encode())
