"""Task tokens: which are waited for, and the answers to them."""

from __future__ import annotations

import json
from typing import Any

from moto.stepfunctions.parser.asl.eval.callback.callback import (
    CallbackEndpoint,
    CallbackOutcome,
    CallbackOutcomeFailure,
    CallbackOutcomeSuccess,
    CallbackPoolManager,
)

from icscaler_localcloud.services import ServiceError
from icscaler_localcloud.stepfunctions.matching import MAX_DATA_BYTES


class TokenDesk:
    """The task tokens of all executions."""

    def __init__(self) -> None:
        self._waiting: dict[str, CallbackEndpoint | None] = {}

    def hand_out(self, token: str, endpoint: CallbackEndpoint) -> None:
        """From now on `token` may be answered."""
        self._waiting[token] = endpoint

    def retire(self, token: str) -> None:
        """Nobody waits for this token any more."""
        self._waiting[token] = None

    def succeed(self, token: str, output: str) -> None:
        """SendTaskSuccess: `output` is JSON text."""
        try:
            json.loads(output)
        except ValueError as error:
            raise ServiceError("InvalidOutput", f"Invalid Output: '{error}'") from None
        if len(output.encode()) > MAX_DATA_BYTES:
            raise ServiceError("InvalidOutput", "Invalid Output: 'Output exceeds 262144 bytes'")
        self._answer(token, CallbackOutcomeSuccess(callback_id=token, output=output))

    def fail(self, token: str, error: str | None, cause: str | None) -> None:
        """SendTaskFailure."""
        self._answer(token, CallbackOutcomeFailure(callback_id=token, error=error, cause=cause))

    def heartbeat(self, token: str) -> None:
        """SendTaskHeartbeat: the task's HeartbeatSeconds start anew."""
        self._endpoint(token).notify_heartbeat()

    def _answer(self, token: str, outcome: CallbackOutcome) -> None:
        self._endpoint(token).notify(outcome)
        self.retire(token)

    def _endpoint(self, token: str) -> CallbackEndpoint:
        if token not in self._waiting:
            raise ServiceError("InvalidToken", "Invalid Token: 'Invalid token'")
        endpoint = self._waiting[token]
        if endpoint is None:
            raise ServiceError(
                "TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'"
            )
        return endpoint


class TokenPool(CallbackPoolManager):
    """moto's registry of one execution's tokens, known to the desk."""

    def __init__(self, desk: TokenDesk) -> None:
        super().__init__(activity_store={})
        self._desk = desk

    def add(self, callback_id: str) -> Any:
        """A new token."""
        endpoint = super().add(callback_id)
        self._desk.hand_out(callback_id, endpoint)
        return endpoint

    def retire(self, callback_id: str) -> None:
        """The attempt that waited for this token has ended."""
        self._desk.retire(callback_id)
        self._pool.pop(callback_id, None)
