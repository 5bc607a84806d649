"""moto's interpreter, seam by seam: control flow.

moto is pinned; each replaced method is named here with what is wrong with it, and each has a
contract test. See also `matching.py` (errors, data) and `services_seam.py` (service integrations).

1. Program.eval                            starts a thread and joins it; runs in its own task here.
2. ExecutionState._evaluate_with_timeout   starts a thread that outlives the state; a scope here
                                           (what the state started ends with it) and a deadline. A
                                           retried task gets a fresh task token, as on AWS.
3. WaitFunction._wait_interval             measures real time in whole seconds, may wait too long.
   Timestamp._get_wait_seconds             mixes local time with UTC, drops fractions.
4. StateTaskServiceCallback._eval_sync     polls every half second; waits for the child's end here.
5. IterationWorker._eval_pool              recursive (a thousand items are too deep); a loop here.
   IterationWorker._eval_job               what is ended early is reported as MapIterationAborted.
6. InlineIterationComponent._eval_body     starts as many workers as items; AWS runs 40 at once.
7. EvalComponent._log_*                    writes the whole program into the log of each failure.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType, MapIterationEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import (
    EvalTimeoutError,
    TimeoutSeconds,
)
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration import (
    inline_iteration_component,
    iteration_worker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
    state_task_service_sfn,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import (
    timestamp,
    wait_function,
)

from icscaler_localcloud.stepfunctions.blocking import stage
from icscaler_localcloud.stepfunctions.tasks import FOREVER_S, Killed

# "Inline mode: 40 concurrent iterations" (Developer Guide, "Map state").
MAX_INLINE_CONCURRENCY = 40

Env = Any
_set_up_timeout = TimeoutSeconds.__init__
_eval_job = iteration_worker.IterationWorker._eval_job
_eval_iterations = inline_iteration_component.InlineIterationComponent._eval_body
_waiting_for_child: dict[str, deque[Any]] = {}


def _run_program(program: Any, env: Env) -> None:
    env.next_state_name = program.start_at.start_at_name
    EvalComponent.eval(program, env)


def _timeout_init(timeout: Any, timeout_seconds: int, is_default: bool | None = None) -> None:
    # moto gives a task with only HeartbeatSeconds 60 s; AWS's default is 99,999,999.
    _set_up_timeout(timeout, FOREVER_S if is_default else timeout_seconds, is_default)


def _evaluate(state: Any, env: Env) -> None:
    state.timeout.eval(env=env)
    timeout_s = env.stack.pop()
    token = _fresh_token(env)
    frame = env.open_frame()
    frame.states.reset(input_value=env.states.get_input())
    frame.stack = copy.deepcopy(env.stack)
    troupe = stage()
    try:
        with troupe.scope(), troupe.deadline(timeout_s, EvalTimeoutError()):
            state._eval_execution(frame)
    finally:
        frame.set_ended()
        env.close_frame(frame)
        if token is not None:
            env.callback_pool_manager.retire(token)
    result = frame.stack.pop()
    env.stack.append(result)
    if not state._is_language_query_jsonpath():
        env.states.set_result(result)
    if state.assign_decl:
        state.assign_decl.eval(env=env)
    if state.result_selector:
        state.result_selector.eval(env=env)
    if state.result_path:
        state.result_path.eval(env)
    else:
        env.states.reset(input_value=env.stack.pop())


def _fresh_token(env: Env) -> str | None:
    """The task token of this attempt: a retried one must not see the answer to the last."""
    context = env.states.context_object
    if "Task" not in context.context_object_data:
        return None
    if context.context_object_data["State"]["RetryCount"] > 0:
        env.callback_pool_manager.add(context.update_task_token())
    token: str = context.context_object_data["Task"]["Token"]
    return token


def _wait_interval(_: Any, env: Env, wait_seconds: float) -> None:
    if wait_seconds > 0:
        stage().sleep(wait_seconds)


def _seconds_until(wait: Any, env: Env) -> float:
    wait.string.eval(env=env)
    text = env.stack.pop()
    try:
        until = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        until = None
    if until is None or until.tzinfo is None:
        raise FailureEventException(wait._create_failure_event(env, text))
    return until.timestamp() - stage().loop.clock.now_s


# -- child executions -----------------------------------------------------------------------------


def child_ended(execution_arn: str) -> None:
    """Tell whoever waits for this execution (`.sync`) that it has ended."""
    line = _waiting_for_child.pop(execution_arn, None)
    if line is not None:
        stage().wake_all(line)


def _named_resolver(build: Callable[..., Any]) -> Callable[..., Any]:
    def build_resolver(task: Any, env: Env, *args: Any, **kwargs: Any) -> Any:
        arn = env.stack[-1]["ExecutionArn"]
        resolver = build(task, env, *args, **kwargs)
        resolver.execution_arn = arn
        return resolver

    return build_resolver


def _await_child(
    _: Any,
    env: Env,
    sync_resolver: Any,
    timeout_seconds: int | None,
    callback_endpoint: Any,
    heartbeat_endpoint: Any,
) -> Any:
    troupe = stage()
    arn = sync_resolver.execution_arn
    ended = False
    try:
        while (result := sync_resolver()) is None:
            troupe.park(_waiting_for_child.setdefault(arn, deque()))
        ended = True
        return result
    except Exception as error:
        # The child has failed, which is an answer; a timeout of this task is none.
        ended = not isinstance(error, TimeoutError)
        raise
    finally:
        if not ended:
            execution = troupe.current.context if troupe.current is not None else None
            if execution is not None:
                execution.abandon_child(arn)


# -- Map ------------------------------------------------------------------------------------------


def _run_jobs(worker: Any, job: Any, worker_frame: Env) -> None:
    while job is not None:
        job_frame = worker_frame.open_inner_frame()
        worker._eval_job(env=job_frame, job=job)
        worker_frame.close_frame(job_frame)
        failed = isinstance(job.job_output, Exception)
        following = None if failed or worker.stopped() else worker._job_pool.next_job()
        if following is None:
            if not failed:
                worker_frame.event_history_context.source_event_id = (
                    job_frame.event_history_context.last_published_event_id
                )
            worker._env.close_frame(worker_frame)
            worker._job_pool.close_job(job)
            return
        worker._job_pool.close_job(job)
        job = following
    worker._env.close_frame(worker_frame)


def _run_job(worker: Any, env: Env, job: Any) -> None:
    try:
        _eval_job(worker, env, job)
    except Killed:
        details = MapIterationEventDetails(name=worker._work_name, index=job.job_index)
        env.event_manager.add_event(
            context=env.event_history_context,
            event_type=HistoryEventType.MapIterationAborted,
            event_details={"mapIterationAbortedEventDetails": details},
            update_source_event_id=False,
        )
        raise


def _run_iterations(component: Any, env: Env) -> None:
    wanted = env.stack[-1]
    at_once = wanted.max_concurrency or MAX_INLINE_CONCURRENCY
    wanted.max_concurrency = min(at_once, MAX_INLINE_CONCURRENCY, len(wanted.input_items))
    _eval_iterations(component, env)


def _log_nothing(_: Any, **__: Any) -> None:
    """What failed is in the execution's history."""


def install() -> None:
    """Replace the methods listed above."""
    replace: Any = setattr
    replace(EvalComponent, "_log_failure_event_exception", _log_nothing)
    replace(EvalComponent, "_log_exception", _log_nothing)
    replace(Program, "eval", _run_program)
    replace(TimeoutSeconds, "__init__", _timeout_init)
    replace(ExecutionState, "_evaluate_with_timeout", _evaluate)
    replace(wait_function.WaitFunction, "_wait_interval", _wait_interval)
    replace(timestamp.Timestamp, "_get_wait_seconds", _seconds_until)
    replace(state_task_service_callback.StateTaskServiceCallback, "_eval_sync", _await_child)
    nested = state_task_service_sfn.StateTaskServiceSfn
    for name in ("_build_sync_resolver", "_build_sync2_resolver"):
        replace(nested, name, _named_resolver(getattr(nested, name)))
    replace(iteration_worker.IterationWorker, "_eval_pool", _run_jobs)
    replace(iteration_worker.IterationWorker, "_eval_job", _run_job)
    inline = inline_iteration_component.InlineIterationComponent
    replace(inline, "_eval_body", _run_iterations)
