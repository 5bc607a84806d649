"""moto's interpreter, seam by seam: errors, JSONata and data. See `flow.py` for what a seam is.

1. StringJSONata._eval_body                needs a Java machine that is not there; breaks on quotes.
   StringVariableSample._eval_body         the same, for variables in JSONPath states.
2. ErrorEqualsDecl._eval_body              lets States.ALL catch States.Runtime and
                                           States.DataLimitExceeded, which are terminal.
3. CustomErrorName in four modules         refuses the States.* error of a branch or an iteration.
4. StateTask._from_error                   calls a missed heartbeat States.Timeout.
5. StateChoice                             no match is States.Runtime; a rule that goes where the
                                           Default goes has the Default's Assign and Output applied.
6. AssignDecl, exit of a state             Output sees what Assign of the same state has just set;
                                           on AWS both see the variables as the state found them.
7. VariableStore.get_assigned_variables    breaks on quotes, unordered.
8. States.reset                            leaves `$states.result` null where AWS has none.
9. is_within_size_quota                    counts JSON with spaces and escapes.
10. State.EnteredTime                      +00:00 where AWS writes Z.
11. Seconds and other numbers by JSONata     are cut to integers; AWS wants whole numbers.
12. json paths                             parsed anew each time; cached here.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.assign.assign_decl import AssignDecl
from moto.stepfunctions.parser.asl.component.common.error_name import error_equals_decl
from moto.stepfunctions.parser.asl.component.common.error_name.error_name import ErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.common.string.string_expression import (
    StringJSONata,
    StringVariableSample,
)
from moto.stepfunctions.parser.asl.component.common.timeouts.heartbeat import (
    HeartbeatSecondsJSONata,
)
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import TimeoutSecondsJSONata
from moto.stepfunctions.parser.asl.component.state import state as state_module
from moto.stepfunctions.parser.asl.component.state.choice.state_choice import StateChoice
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import iteration_worker
from moto.stepfunctions.parser.asl.component.state.exec.state_map.max_concurrency import (
    MaxConcurrencyJSONata,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel import branches_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_task import (
    state_task,
    state_task_lambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
    state_task_service_callback,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.seconds import (
    SecondsJSONata,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import HeartbeatTimeoutError
from moto.stepfunctions.parser.asl.eval.states import States
from moto.stepfunctions.parser.asl.eval.variable_store import VariableStore
from moto.stepfunctions.parser.asl.utils import json_path

from icscaler_localcloud.stepfunctions.blocking import stage
from icscaler_localcloud.stepfunctions.expressions import ExpressionError, Expressions

Env = Any
MAX_DATA_BYTES = 256 * 1024
_ASSIGNED, _BY_DEFAULT = "icscaler: assigned", "icscaler: default"
_TIMEOUTS = ("States.Timeout", "States.HeartbeatTimeout")
# "A States.ALL doesn't catch" these (Developer Guide, "Handling errors", Error names).
_TERMINAL = ("States.DataLimitExceeded", "States.Runtime")

_expressions: Expressions | None = None
_task_failure = state_task.StateTask._from_error
_exit_details = state_module.CommonStateField._get_state_exited_event_details


def evaluate_with(expressions: Expressions | None) -> None:
    """Evaluate JSONata with these; None when the cloud is closed."""
    global _expressions
    _expressions = expressions


# -- JSONata --------------------------------------------------------------------------------------


def _evaluate(text: Any, env: Env) -> None:
    if _expressions is None:
        raise RuntimeError("state machines run only in an open local cloud")
    variables: Mapping[str, Any] = {
        **env.variable_store._outer_scope,
        **env.variable_store._inner_scope,
        "states": env.states._states_data,
    }
    try:
        env.stack.append(_expressions.evaluate(text.expression, variables))
    except ExpressionError as error:
        raise _evaluation_failure(env, error.cause) from None


def _evaluation_failure(env: Env, cause: str) -> FailureEventException:
    name = StatesErrorName(typ=StatesErrorNameType.StatesQueryEvaluationError)
    details: Any = {"cause": cause, "error": name.error_name, "state": env.next_state_name}
    kind = HistoryEventType.EvaluationFailed
    whole: Any = {"evaluationFailedEventDetails": details}
    failure = FailureEvent(env=env, error_name=name, event_type=kind, event_details=whole)
    entered = failure.source_event_id
    where = f"executing the state '{failure.state_name}' (entered at the event id #{entered})"
    told = {**details, "cause": f"An error occurred while {where}. {cause}"}
    env.event_manager.add_evaluation_failure(env.event_history_context, told, details)
    return FailureEventException(failure_event=failure)


def _reported_details(exception: Any) -> Any:
    return exception.failure_event.event_details["evaluationFailedEventDetails"]


# -- errors ---------------------------------------------------------------------------------------


def matches(listed: str, name: str | None) -> bool:
    """Does an entry of ErrorEquals match the error of this name?"""
    if listed == "States.ALL":
        return name not in _TERMINAL
    if listed == "States.TaskFailed":
        return name not in (*_TERMINAL, *_TIMEOUTS)
    if listed == "States.Timeout":
        return name in _TIMEOUTS
    return listed == name


def _error_equals(decl: Any, env: Env) -> None:
    error = env.stack.pop()
    name = error.error_name if error is not None else None
    env.stack.append(any(matches(str(listed.error_name), name) for listed in decl.error_names))


def _from_task_error(state: Any, env: Env, ex: Exception) -> Any:
    if not isinstance(ex, HeartbeatTimeoutError):
        return _task_failure(state, env, ex)
    failure = state._get_timed_out_failure_event(env)
    name = StatesErrorName(typ=StatesErrorNameType.StatesHeartbeatTimeout)
    details = {
        key: {**value, "error": name.error_name} for key, value in failure.event_details.items()
    }
    return FailureEvent(env, name, failure.event_type, details)  # type: ignore[arg-type]


# -- Choice ---------------------------------------------------------------------------------------


def _choose(state: Any, env: Env) -> None:
    for rule in state.choices_decl.rules:
        rule.eval(env)
        if env.stack.pop() is True:
            env.heap[_BY_DEFAULT] = False
            env.stack.append(rule.next_stmt.name)
            return
    if state.default_state is None:
        raise _no_choice(state, env)
    env.heap[_BY_DEFAULT] = True
    env.stack.append(state.default_state.state_name)


def _no_choice(state: Any, env: Env) -> FailureEventException:
    name = StatesErrorName(typ=StatesErrorNameType.StatesNoChoiceMatched)
    details: Any = {
        "executionFailedEventDetails": {
            "error": name.error_name,
            "cause": f"No rule of the Choice state '{state.name}' matched, and it has no Default.",
        }
    }
    kind = HistoryEventType.ExecutionFailed
    return FailureEventException(FailureEvent(env, name, kind, details))


def _choice_output(state: Any, env: Env) -> None:
    following = env.stack.pop()
    if env.heap[_BY_DEFAULT]:
        if state.assign_decl:
            state.assign_decl.eval(env=env)
        if state.output:
            state.output.eval(env=env)
    if state._is_language_query_jsonpath():
        if state.output_path:
            state.output_path.eval(env=env)
        else:
            env.states.reset(input_value=env.stack.pop())
    env.next_state_name = following


# -- numbers --------------------------------------------------------------------------------------


def _whole(field: str, least: int) -> Callable[[Any, Env], int]:
    """The value of a JSONata field that must be a whole number of at least `least`."""

    def evaluate(component: Any, env: Env) -> int:
        component.string_jsonata.eval(env=env)
        value = env.stack.pop()
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise _evaluation_failure(
                env,
                f"The JSONata expression '{component.string_jsonata.expression}' specified for the "
                f"field '{field}' must evaluate to an integer of at least {least}, not {value!r}.",
            )
        return value

    return evaluate


# -- data -----------------------------------------------------------------------------------------


def _assign(decl: Any, env: Env) -> None:
    """Evaluate now, set at the exit of the state."""
    for binding in decl.declaration_bindings:
        binding.eval(env=env)
        env.heap.setdefault(_ASSIGNED, {}).update(env.stack.pop())


def _leave(state: Any, env: Env) -> Any:
    for name, value in env.heap.pop(_ASSIGNED, {}).items():
        env.variable_store.set(variable_identifier=name, variable_value=value)
    return _exit_details(state, env)


def _assigned_variables(store: Any) -> dict[str, str]:
    return {
        name: json.dumps(store.get(name), separators=(",", ":"))
        for name in sorted(store._declaration_tracing)
    }


def _reset_states(states: Any, input_value: Any) -> None:
    data = states._states_data
    data["input"] = copy.deepcopy(input_value)
    data.pop("result", None)
    data.pop("errorOutput", None)


def is_within_size_quota(value: Any) -> bool:
    """Is it at most 256 KiB of UTF-8 JSON?"""
    return len(compact_json(value).encode()) <= MAX_DATA_BYTES


def compact_json(value: Any) -> str:
    """JSON as Step Functions returns it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


def _entered(tz: Any = None) -> Any:
    at_s = stage().loop.clock.now_s
    text = datetime.fromtimestamp(at_s, tz).isoformat(timespec="milliseconds")
    return SimpleNamespace(isoformat=lambda: text.replace("+00:00", "Z"))


def install() -> None:
    """Replace the methods listed above."""
    replace: Callable[..., None] = setattr
    replace(StringJSONata, "_eval_body", _evaluate)
    replace(StringVariableSample, "_eval_body", _evaluate)
    replace(FailureEventException, "get_evaluation_failed_event_details", _reported_details)
    replace(error_equals_decl.ErrorEqualsDecl, "_eval_body", _error_equals)
    named = (iteration_worker, branches_decl, state_task_service_callback, state_task_lambda)
    for module in named:
        replace(module, "CustomErrorName", ErrorName)
    replace(state_task.StateTask, "_from_error", _from_task_error)
    replace(StateChoice, "_eval_state", _choose)
    replace(StateChoice, "_eval_state_output", _choice_output)
    replace(AssignDecl, "_eval_body", _assign)
    replace(state_module.CommonStateField, "_get_state_exited_event_details", _leave)
    replace(VariableStore, "get_assigned_variables", _assigned_variables)
    replace(States, "reset", _reset_states)
    for module in (state_module, state_task_service, state_task_lambda):
        replace(module, "is_within_size_quota", is_within_size_quota)
    replace(SecondsJSONata, "_get_wait_seconds", _whole("Seconds", 0))
    replace(TimeoutSecondsJSONata, "_eval_seconds", _whole("TimeoutSeconds", 1))
    replace(HeartbeatSecondsJSONata, "_eval_seconds", _whole("HeartbeatSeconds", 1))
    replace(MaxConcurrencyJSONata, "_eval_max_concurrency", _whole("MaxConcurrency", 0))
    for module in (result_path, json_path):
        replace(module, "parse", lru_cache(maxsize=4096)(module.parse))
    clock = SimpleNamespace(
        datetime=SimpleNamespace(now=_entered), timezone=SimpleNamespace(utc=UTC)
    )
    replace(state_module, "datetime", clock)
