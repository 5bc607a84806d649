"""How invocations end badly, in Lambda's words, the same for every runner."""

from __future__ import annotations

import json

from icscaler_localcloud.faults import FunctionKilled


class TaskTimedOut(FunctionKilled):
    """The function ran longer than its timeout."""

    def __init__(self, timeout_s: int) -> None:
        super().__init__(f"Task timed out after {timeout_s:.2f} seconds")


def killed(death: FunctionKilled, request_id: str) -> tuple[str, str]:
    """(payload, error type) of an invocation whose environment died."""
    kind = "Sandbox.Timedout" if isinstance(death, TaskTimedOut) else "Runtime.ExitError"
    message = f"RequestId: {request_id} Error: {death}"
    return json.dumps({"errorMessage": message, "errorType": kind}), kind
