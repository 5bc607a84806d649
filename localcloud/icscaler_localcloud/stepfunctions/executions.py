"""One execution of a state machine, from StartExecution to its last event."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ConnectionClosedError
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.evaluation_details import AWSExecutionDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventHistoryContext
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded, ProgramError

from icscaler_localcloud.clock import Timer
from icscaler_localcloud.faults import FunctionKilled
from icscaler_localcloud.stepfunctions.history import MAX_EVENTS, History
from icscaler_localcloud.stepfunctions.machines import Revision
from icscaler_localcloud.stepfunctions.matching import compact_json
from icscaler_localcloud.stepfunctions.tasks import Task
from icscaler_localcloud.stepfunctions.tokens import TokenPool

if TYPE_CHECKING:
    from icscaler_localcloud.stepfunctions.service import StepFunctions

RUNNING, SUCCEEDED, FAILED = "RUNNING", "SUCCEEDED", "FAILED"
TIMED_OUT, ABORTED = "TIMED_OUT", "ABORTED"
# "Maximum execution time: 1 year" (Developer Guide, "Step Functions service quotas").
MAX_DURATION_S = 365 * 24 * 3600


@dataclass(slots=True)
class Ending:
    """How an execution ended; `output` is JSON text."""

    status: str
    output: str | None = None
    error: str | None = None
    cause: str | None = None


@dataclass(eq=False)
class Execution:
    """An execution; times in epoch seconds, `input` is the JSON text it was started with."""

    service: StepFunctions
    revision: Revision
    arn: str
    name: str
    input: str
    start_s: float
    stop_s: float | None = None
    ending: Ending | None = None
    history: History = field(init=False)
    _task: Task | None = None
    _timer: Timer | None = None
    _environment: Any = None

    def __post_init__(self) -> None:
        self.history = History(lambda: self.service.cloud.clock.now_s, self._history_full)

    @property
    def status(self) -> str:
        """As the API says it."""
        return self.ending.status if self.ending is not None else RUNNING

    def start(self) -> None:
        """Write the first event and start; the first state is entered when time next passes."""
        self._environment = self._new_environment()
        self.history.add_event(
            self._environment.event_history_context,
            "ExecutionStarted",
            {
                "executionStartedEventDetails": {
                    "input": self.input,
                    "inputDetails": {"truncated": False},
                    "roleArn": self.revision.role_arn,
                }
            },
            update_source_event_id=False,
        )
        limit_s = min(self.revision.timeout_s or MAX_DURATION_S, MAX_DURATION_S)
        self._timer = self.service.cloud.loop.call_in(limit_s, self._time_out)
        self._task = self.service.troupe.start(self._run, f"execution {self.name}", context=self)
        self.service.status_changed(self)

    def stop(self, error: str | None, cause: str | None) -> None:
        """StopExecution: ends at once, wherever it is. No effect on one that has ended."""
        if self.ending is None:
            self._end(Ending(ABORTED, error=error, cause=cause), "ExecutionAborted", from_event=0)

    def call(self, service: str, method: str, params: Mapping[str, Any], role_arn: str) -> Any:
        """One API call of a Task state, in the machine's name (see integrations.Caller)."""
        client = self.service.clients.of(self.revision, service, role_arn)
        try:
            with self.service.clients.outside_functions():
                return getattr(client, method)(**params)
        except FunctionKilled as death:
            # A switch that kills functions can only cut a state machine's connection.
            raise ConnectionClosedError(endpoint_url=str(death)) from None

    def abandon_child(self, arn: str) -> None:
        """A `.sync` task ends before the child execution it waits for: the child is stopped."""
        child = self.service.executions.get(arn)
        if child is not None:
            self.service.cloud.loop.call_in(0, lambda: child.stop(None, None))

    # -- inside

    def _new_environment(self) -> Any:
        cloud, revision = self.service.cloud, self.revision
        context: Any = {
            "Execution": {
                "Id": self.arn,
                "Input": json.loads(self.input),
                "Name": self.name,
                "RoleArn": revision.role_arn,
                "StartTime": _iso(self.start_s),
            },
            "StateMachine": {"Id": revision.machine_arn, "Name": revision.machine_name},
        }
        environment: Any = Environment(
            aws_execution_details=AWSExecutionDetails(
                account=cloud.account, region=cloud.region, role_arn=revision.role_arn
            ),
            execution_type="STANDARD",  # type: ignore[arg-type]
            context=context,
            event_history_context=EventHistoryContext.of_program_start(),
            cloud_watch_logging_session=None,
            activity_store={},
        )
        environment.event_manager = self.history
        environment.callback_pool_manager = TokenPool(self.service.tokens)
        return environment

    def _run(self) -> None:
        """The body of the execution's own task: the last event is written by the program."""
        environment = self._environment
        self.revision.program.eval(environment)
        state = environment.program_state()
        if isinstance(state, ProgramEnded):
            ending = Ending(SUCCEEDED, output=compact_json(environment.states.get_input()))
        else:
            failure: Any = state.error if isinstance(state, ProgramError) else {}
            ending = Ending(FAILED, error=failure.get("error"), cause=failure.get("cause"))
        self.service.troupe.call(lambda: self._finish(ending))

    def _time_out(self) -> None:
        self._end(Ending(TIMED_OUT, error="States.Timeout"), "ExecutionTimedOut")

    def _history_full(self) -> None:
        """Called by the task that wants to add one event too many."""
        cause = f"The execution reached the maximum number of history events ({MAX_EVENTS})."
        ending = Ending(FAILED, error="States.Runtime", cause=cause)
        self.service.troupe.call(lambda: self._end(ending, "ExecutionFailed"))

    def _end(self, ending: Ending, event: str, from_event: int | None = None) -> None:
        """End from outside: last event first, so that what is ended adds none."""
        context = self._environment.event_history_context
        if from_event is not None:
            context.source_event_id = from_event
        member = event[0].lower() + event[1:] + "EventDetails"
        details = {"error": ending.error, "cause": ending.cause}
        told = {key: value for key, value in details.items() if value is not None}
        self.history.add_event(context, event, {member: told})
        task, self._task = self._task, None
        self._finish(ending)
        if task is not None:
            self.service.troupe.kill([task])

    def _finish(self, ending: Ending) -> None:
        if self.ending is not None:
            return
        self.ending = ending
        self.stop_s = self.service.cloud.clock.now_s
        self._environment = self._task = None
        if self._timer is not None:
            self._timer.cancel()
        self.service.status_changed(self)


def _iso(at_s: float) -> str:
    text = datetime.fromtimestamp(at_s, tz=UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
