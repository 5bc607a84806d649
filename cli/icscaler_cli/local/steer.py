"""Talking to a served cloud beside AWS's services: its status, its clock, its fault switches."""

import http.client
import json
from collections.abc import Mapping
from typing import Any

from icscaler_cli.output import AwsTroubleError

_HELP = {"faults": "faults"}
"""Path -> what tells what may be asked of it."""


def ask(port: int, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One request; its JSON reply. `AwsTroubleError` when nobody listens or it is refused."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request(method, f"/_icscaler/{path}", json.dumps(body or {}))
        reply = connection.getresponse()
        answer: dict[str, Any] = json.loads(reply.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise AwsTroubleError(
            f"no local cloud answers on port {port}: {error}",
            "start one with `icscaler local up`, or name its port with --port",
        ) from error
    finally:
        connection.close()
    if reply.status != http.client.OK:
        raise AwsTroubleError(
            answer["error"], f"`icscaler local {_HELP.get(path, '--help')}` lists what there is"
        )
    return answer
