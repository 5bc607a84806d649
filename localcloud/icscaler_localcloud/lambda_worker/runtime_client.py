"""awslambdaric's native part in Python, for systems on which it is not built (macOS).

The functions of its C++ extension `runtime_client`, over one connection that is kept open.
"""

from __future__ import annotations

import http.client
import os

_BASE = "/2018-06-01/runtime/invocation"
_user_agent = "aws-lambda-python"
_connection: http.client.HTTPConnection | None = None


def initialize_client(user_agent: str) -> None:
    """Called once, before anything else."""
    global _user_agent
    _user_agent = user_agent


def next() -> tuple[bytes, dict[str, object]]:  # noqa: A001  (its name there)
    """Wait for the next invocation: its event and the headers it came with."""
    status, headers, body = _call("GET", f"{_BASE}/next", None, {})
    if status != http.client.OK:
        raise RuntimeError(f"Failed to get next, status {status}")
    found: dict[str, object] = dict.fromkeys(_HEADERS)
    found |= {name: headers.get(name) for name in _HEADERS}
    found["Lambda-Runtime-Deadline-Ms"] = int(headers["Lambda-Runtime-Deadline-Ms"])
    return body, found


_HEADERS = (
    "Lambda-Runtime-Aws-Request-Id",
    "Lambda-Runtime-Trace-Id",
    "Lambda-Runtime-Invoked-Function-Arn",
    "Lambda-Runtime-Client-Context",
    "Lambda-Runtime-Cognito-Identity",
    "Content-Type",
)


def post_invocation_result(
    invoke_id: str, result: bytes, content_type: str, invocation_id: str | None = None
) -> None:
    """Report what the handler returned."""
    _report(f"{_BASE}/{invoke_id}/response", result, {"Content-Type": content_type})


def post_error(
    invoke_id: str, error: str, xray_fault: str, invocation_id: str | None = None
) -> None:
    """Report what the handler raised."""
    headers = {
        "Content-Type": "application/json",
        "Lambda-Runtime-Function-XRay-Error-Cause": xray_fault,
    }
    _report(f"{_BASE}/{invoke_id}/error", error.encode(), headers)


def _report(path: str, body: bytes, headers: dict[str, str]) -> None:
    status, _, _ = _call("POST", path, body, headers)
    if status != http.client.ACCEPTED:
        raise RuntimeError(f"Failed to post, status {status}")


def _call(
    method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> tuple[int, http.client.HTTPMessage, bytes]:
    global _connection
    if _connection is None:
        _connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    _connection.request(method, path, body, {"User-Agent": _user_agent, **headers})
    reply = _connection.getresponse()
    return reply.status, reply.headers, reply.read()
