"""What holds wherever handlers run: in this process, or each environment in one of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from icscaler_localcloud.cloud import DEFAULT_START_S, LocalCloud, RunnerKind

from .conftest import TEMPLATES, Plumbing


@pytest.fixture(params=["in-process", "subprocess"])
def plumbing(request: pytest.FixtureRequest) -> Iterator[Plumbing]:
    kind: RunnerKind = request.param
    with LocalCloud(runner=kind) as cloud:
        yield Plumbing(cloud, cloud.deploy(TEMPLATES / "plumbing.yaml", name="test"))


def test_a_handler_runs_with_its_own_environment(plumbing: Plumbing) -> None:
    done = plumbing.call({})
    assert done.ok
    assert done.cold
    assert done.result["environment"] == {
        "TABLE": plumbing.stack.physical_id("Table"),
        "AWS_REGION": "us-east-1",
        "PYTEST_VERSION": None,  # nothing of the host's environment
    }
    assert "PYTEST_VERSION" in os.environ
    assert "TABLE" not in os.environ


def test_warm_environments_keep_their_modules_and_share_none(plumbing: Plumbing) -> None:
    first, second = plumbing.call({}), plumbing.call({})
    assert (first.cold, second.cold) == (True, False)
    assert [first.result["calls"], second.result["calls"]] == [1, 2]
    assert plumbing.call({}, "Second").result == {"calls": 1}
    assert first.result["imported_at_s"] == second.result["imported_at_s"]


def test_a_function_can_be_made_to_start_cold(plumbing: Plumbing) -> None:
    assert plumbing.call({}).cold
    plumbing.cloud.faults.start_cold("Worker")
    again = plumbing.call({})
    assert again.cold
    assert again.result["calls"] == 1


def test_a_clock_of_handlers_that_is_ahead(plumbing: Plumbing) -> None:
    plumbing.cloud.faults.skew_clock("functions", seconds=7)
    done = plumbing.call({"do": "sleep", "seconds": 2})
    assert done.result["now_s"] == done.result["datetime_s"] == DEFAULT_START_S + 9
    assert done.ended_s == DEFAULT_START_S + 2


def test_stdout_and_logging_are_kept_per_invocation(plumbing: Plumbing) -> None:
    first, second = plumbing.call({"do": "log"}), plumbing.call({})
    assert first.lines == (
        f"[WARNING]\t2026-06-01T00:00:00.000Z\t{first.request_id}\twarned",
        "printed",
    )
    assert second.lines == ()
    assert plumbing.cloud.log_lines("Worker") == list(first.lines)


def test_time_in_a_handler_is_virtual(plumbing: Plumbing) -> None:
    plumbing.cloud.run_for(100)
    done = plumbing.call({"do": "sleep", "seconds": 5})
    assert done.result["now_s"] == DEFAULT_START_S + 105
    assert done.result["datetime_s"] == DEFAULT_START_S + 105
    assert done.result["remaining_ms"] == 25_000
    assert (done.ended_s - done.at_s, done.real_ms < 2000) == (5, True)


def test_a_handler_dies_at_its_timeout(plumbing: Plumbing) -> None:
    done = plumbing.call({"do": "sleep", "seconds": 31})
    assert not done.ok
    assert done.result["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 30.00 seconds" in done.result["errorMessage"]
    assert plumbing.call({}).cold  # its environment is gone


def test_an_error_is_told_as_lambda_tells_it(plumbing: Plumbing) -> None:
    done = plumbing.call({"do": "raise"})
    assert done.error == "RuntimeError: as asked"
    assert done.result["requestId"] == done.request_id
    assert any("raise RuntimeError" in line for line in done.result["stackTrace"])
    assert not plumbing.call({}).cold  # an exception does not end the environment


def test_what_json_cannot_carry_is_a_marshal_error(plumbing: Plumbing) -> None:
    done = plumbing.call({"do": "unserialisable"})
    assert done.result["errorType"] == "Runtime.MarshalError"


def test_a_function_that_cannot_be_imported_fails_each_time(plumbing: Plumbing) -> None:
    for _ in range(2):
        done = plumbing.call({}, "Boom")
        assert (done.error, done.cold) == ("OSError: no such luck", True)


@pytest.mark.parametrize(
    ("handler", "told"),
    [
        pytest.param(
            "nowhere.lambda_handler",
            "Runtime.ImportModuleError: Unable to import module 'nowhere': "
            "No module named 'nowhere'",
            id="module",
        ),
        pytest.param(
            "app.nothing",
            "Runtime.HandlerNotFound: Handler 'nothing' missing on module 'app'",
            id="function",
        ),
    ],
)
def test_a_handler_that_is_not_there(plumbing: Plumbing, handler: str, told: str) -> None:
    plumbing.cloud.functions.get("Worker").handler = handler
    assert plumbing.call({}).error == told


def test_a_handler_may_call_from_threads_which_do_not_wait(plumbing: Plumbing) -> None:
    done = plumbing.call({"do": "put many", "key": "k"})
    assert done.ok
    assert plumbing.keys() == {f"k-{n}" for n in range(16)}
    assert (done.ended_s, done.real_ms < 2000) == (done.at_s, True)


def test_a_busy_function_starts_another_environment(plumbing: Plumbing) -> None:
    """While one invocation sleeps, a second one runs beside it, cold."""
    functions = plumbing.cloud.functions
    functions.invoke_async("Worker", {"do": "sleep", "seconds": 10}, trigger="test")
    plumbing.cloud.loop.call_in(5, lambda: functions.invoke("Worker", {}))
    plumbing.cloud.run_for(20)
    inner, outer = plumbing.log()
    assert (inner.cold, outer.cold) == (True, True)
    assert outer.at_s < inner.at_s < outer.ended_s


def test_a_call_the_role_does_not_allow_is_denied(plumbing: Plumbing) -> None:
    done = plumbing.call({"do": "call", "service": "sqs", "method": "list_queues"})
    assert not done.ok
    assert done.error is not None
    role = plumbing.stack.physical_id("WorkerRole")
    name = plumbing.stack.physical_id("Worker")
    assert (
        f"User: arn:aws:sts::123456789012:assumed-role/{role}/{name} is not authorized to perform: "
        "sqs:ListQueues on resource: * because no identity-based policy allows the sqs:ListQueues "
        "action"
    ) in done.error
    assert len(plumbing.cloud.iam.denials) == 1


@pytest.mark.parametrize(
    ("kill", "written"),
    [("kill_before_call", {"k"}), ("kill_after_call", {"k", "k-second"})],
)
def test_killed_around_a_call(plumbing: Plumbing, kill: str, written: set[str]) -> None:
    getattr(plumbing.cloud.faults, kill)("Worker", "dynamodb", "PutItem", nth=2)
    done = plumbing.call({"do": "put"})
    assert done.result["errorType"] == "Runtime.ExitError"
    assert plumbing.keys() == written


def test_a_held_call_lets_another_invocation_overtake(plumbing: Plumbing) -> None:
    """Two invocations race: the first is held between its two writes while the second runs."""
    plumbing.cloud.faults.pause_before_call("Worker", "dynamodb", "PutItem", seconds=5, nth=2)
    functions = plumbing.cloud.functions
    functions.invoke_async("Worker", {"do": "put", "key": "held"}, trigger="test")
    seen: list[set[str]] = []
    plumbing.cloud.loop.call_in(2, lambda: functions.invoke("Worker", {"do": "put", "key": "fast"}))
    plumbing.cloud.loop.call_in(3, lambda: seen.append(plumbing.keys()))
    plumbing.cloud.run_for(10)
    assert seen == [{"held", "fast", "fast-second"}]
    assert plumbing.keys() == {"held", "held-second", "fast", "fast-second"}


def test_a_dropped_reply_is_retried_by_the_client(plumbing: Plumbing) -> None:
    switch = plumbing.cloud.faults.drop_reply("dynamodb", "PutItem", function="Worker")
    assert plumbing.call({"do": "put"}).ok
    assert switch.hits == 1
    assert plumbing.cloud.gateway.calls["dynamodb", "PutItem"] == 3
