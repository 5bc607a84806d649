"""The event history of one execution, on virtual time and within Step Functions' limit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.asl.eval.event.event_manager import (
    EventHistoryContext,
    EventManager,
)

MAX_EVENTS = 25_000
_LAST = frozenset(
    {"ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut"}
)


class History(EventManager):
    """moto's event manager, with what AWS adds.

    When an execution has 24,999 events, number 25,000 must be its last: where it would be another,
    the execution fails (Developer Guide, "Avoid reaching the history quota"). `full` is called
    then, by the task that would have added the event, and does not return.
    """

    def __init__(self, now_s: Callable[[], float], full: Callable[[], None]) -> None:
        super().__init__()
        self._now_s = now_s
        self._full = full
        self.events: list[dict[str, Any]] = []
        """Oldest first, as GetExecutionHistory gives them; `timestamp` in epoch seconds."""
        self.sealed = False
        """Has the last event been written?"""
        self._recorded: Any = None

    def add_event(
        self,
        context: EventHistoryContext,
        event_type: Any,
        event_details: Any = None,
        timestamp: Any = None,
        update_source_event_id: bool = True,
    ) -> int:
        """Add one event; its id."""
        kind = str(getattr(event_type, "value", event_type))
        details = dict(event_details or {})
        if self.sealed or self._is_recorded(kind, details):
            return context.last_published_event_id
        if len(self.events) >= MAX_EVENTS - 1 and kind not in _LAST:
            self._full()
        event_id = len(self.events) + 1
        self.events.append(
            {
                **details,
                "id": event_id,
                "previousEventId": context.source_event_id,
                "type": kind,
                "timestamp": self._now_s(),
            }
        )
        context.last_published_event_id = event_id
        if update_source_event_id:
            context.source_event_id = event_id
        self.sealed = kind in _LAST
        return event_id

    def add_evaluation_failure(
        self, context: EventHistoryContext, details: Any, reported: Any
    ) -> None:
        """Add EvaluationFailed with `details`; another one about `reported` is left out."""
        self.add_event(context, "EvaluationFailed", {"evaluationFailedEventDetails": details})
        self._recorded = reported

    def _is_recorded(self, kind: str, details: dict[str, Any]) -> bool:
        # moto adds the event of a failed evaluation where it fails, and some states do so again.
        failure = details.get("evaluationFailedEventDetails")
        return kind == "EvaluationFailed" and failure is not None and failure is self._recorded
