"""Invoking a model at zero copies: it is woken, the caller waits, nothing else is touched."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError

from icscaler.client import Answer, Backoff, WakeSender, install_wake_hook, invoke
from tests.unit.client.wire import AT_ZERO, REFUSED, SERVED, Bus, Time, Wire, error, runtime

Caller = Callable[..., bytes]


def wrapped(
    client: Any, bus: Bus | None, time: Time, deadline_s: float, component: str = "a"
) -> bytes:
    """Through `invoke`."""
    return invoke(
        client,
        endpoint="shared",
        component=component,
        body=b"{}",
        deadline_s=deadline_s,
        wake=bus and WakeSender("icscaler", events=bus, timing=time.timing),  # type: ignore[arg-type]
        timing=time.timing,
    ).body


def hooked(
    client: Any, bus: Bus | None, time: Time, deadline_s: float, component: str = "a"
) -> bytes:
    """Through a plain call of a client that has the hook."""
    wake = bus and WakeSender("icscaler", events=bus, timing=time.timing)  # type: ignore[arg-type]
    undo = install_wake_hook(client, wake=wake, deadline_s=deadline_s, timing=time.timing)
    try:
        reply = client.invoke_endpoint(
            EndpointName="shared", InferenceComponentName=component, Body=b"{}"
        )
        content: bytes = reply["Body"].read()
        return content
    finally:
        undo()


both = pytest.mark.parametrize("call", [wrapped, hooked])


@both
@pytest.mark.parametrize("mode", ["standard", "legacy", "adaptive"])
def test_it_wakes_at_once_waits_and_answers(call: Caller, mode: str) -> None:
    wire, bus, time = Wire(*[AT_ZERO] * 6, SERVED), Bus(), Time()
    assert call(runtime(wire, mode), bus, time, 600.0) == b'{"generated_text": "x"}'
    assert bus.asked == ["a"]
    assert time.slept == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    assert wire.bodies == [b"{}"] * 7


@both
def test_after_the_deadline_the_refusal_is_raised_as_it_came(call: Caller) -> None:
    wire, bus, time = Wire(AT_ZERO), Bus(), Time()
    with pytest.raises(ClientError) as raised:
        call(runtime(wire), bus, time, 30.0)
    assert raised.value.response["Error"]["Code"] == "ValidationError"
    assert raised.value.response["Error"]["Message"] == REFUSED
    assert sum(time.slept) == 30.0, "the last try is at the deadline"
    assert len(wire.bodies) == len(time.slept) + 1


@both
def test_without_time_it_wakes_and_gives_up(call: Caller) -> None:
    wire, bus, time = Wire(AT_ZERO), Bus(), Time()
    with pytest.raises(ClientError):
        call(runtime(wire), bus, time, 0.0)
    assert (bus.asked, time.slept, len(wire.bodies)) == (["a"], [], 1)


@both
def test_while_it_waits_it_asks_again_now_and_then(call: Caller) -> None:
    wire, bus, time = Wire(*[AT_ZERO] * 40, SERVED), Bus(), Time()
    call(runtime(wire), bus, time, 1000.0)
    assert 300 < sum(time.slept) < 400
    assert len(bus.asked) == 5, "once in 75 seconds at most, with this chance"


@both
def test_without_a_sender_it_only_waits(call: Caller) -> None:
    wire, time = Wire(AT_ZERO, SERVED), Time()
    assert call(runtime(wire), None, time, 60.0) == SERVED[2]
    assert time.slept == [1.0]


@both
def test_a_bus_that_fails_does_not_stop_the_wait(call: Caller) -> None:
    wire, bus, time = Wire(*[AT_ZERO] * 5, SERVED), Bus(failures=1), Time()
    assert call(runtime(wire), bus, time, 60.0) == SERVED[2]
    assert len(bus.entries) == 2


@both
def test_pauses_are_jittered(call: Caller) -> None:
    slept = []
    for chance in (0.0, 0.5, 1.0):
        wire, time = Wire(*[AT_ZERO] * 2, SERVED), Time(chance)
        call(runtime(wire), Bus(), time, 60.0)
        slept.append(time.slept)
    assert slept == [[0.5, 1.0], [0.75, 1.5], [1.0, 2.0]]


@both
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(error(400, "ValidationError", "Endpoint x not found."), id="another refusal"),
        pytest.param(error(400, "ThrottledError", REFUSED), id="another code"),
        pytest.param(error(403, "AccessDeniedException", "no"), id="denied"),
        pytest.param(error(424, "ModelError", REFUSED), id="a container that repeats the words"),
    ],
)
def test_other_errors_pass_unchanged_and_at_once(call: Caller, reply: Any) -> None:
    wire, bus, time = Wire(reply), Bus(), Time()
    plain = Wire(reply)
    with pytest.raises(ClientError) as expected:
        runtime(plain).invoke_endpoint(EndpointName="shared", InferenceComponentName="a", Body=b"")
    with pytest.raises(ClientError) as raised:
        call(runtime(wire), bus, time, 600.0)
    assert raised.value.response["Error"] == expected.value.response["Error"]
    assert type(raised.value) is type(expected.value)
    assert (len(wire.bodies), bus.asked, time.slept) == (len(plain.bodies), [], [])


@both
def test_an_error_after_refusals_is_the_one_that_is_raised(call: Caller) -> None:
    wire = Wire(AT_ZERO, AT_ZERO, error(424, "ModelError", "out of memory"))
    with pytest.raises(ClientError, match="out of memory"):
        call(runtime(wire), Bus(), Time(), 600.0)


def test_the_clients_own_retries_keep_their_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    wire, bus, time = Wire(error(500, "InternalFailure", "again"), SERVED), Bus(), Time()
    assert hooked(runtime(wire), bus, time, 60.0) == SERVED[2]
    assert (bus.asked, time.slept, len(wire.bodies)) == ([], [], 2)


def test_an_answer_tells_how_long_it_was_waited_for() -> None:
    wire, time = Wire(AT_ZERO, AT_ZERO, SERVED), Time()
    answer = invoke(
        runtime(wire),
        endpoint="shared",
        component="a",
        body=b"{}",
        deadline_s=60,
        wake=None,
        parameters={"Accept": "application/json"},
        backoff=Backoff(first_s=3.0, longest_s=5.0),
        timing=time.timing,
    )
    assert answer == Answer(SERVED[2], "application/json", "", "", refusals=2, waited_s=8.0)


def test_calls_have_deadlines_of_their_own() -> None:
    """A client lives for days; what one call waited is not taken from the next."""
    wire, time = Wire(*[AT_ZERO] * 3, SERVED), Time()
    client = runtime(wire)
    install_wake_hook(client, wake=None, deadline_s=20.0, timing=time.timing)
    for _ in range(5):
        wire.replies = [*[AT_ZERO] * 3, SERVED]
        client.invoke_endpoint(EndpointName="shared", InferenceComponentName="a", Body=b"{}")
    assert sum(time.slept) == 5 * 7.0


def test_one_hooked_client_serves_many_threads() -> None:
    wire, bus, time = Wire(*[AT_ZERO] * 40, SERVED), Bus(), Time()
    client = runtime(wire)
    wake = WakeSender("icscaler", events=bus, timing=time.timing)  # type: ignore[arg-type]
    install_wake_hook(client, wake=wake, deadline_s=1e6, timing=time.timing)

    def ask(_: int) -> int:
        reply = client.invoke_endpoint(
            EndpointName="shared", InferenceComponentName="a", Body=b"{}"
        )
        return int(reply["ResponseMetadata"]["HTTPStatusCode"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [200] * 8
    assert len(wire.bodies) == 40 + 8
    assert len(bus.asked) <= 1 + sum(time.slept) / 60


def test_a_hook_installed_twice_works_once_and_goes_for_good() -> None:
    wire, time = Wire(AT_ZERO, SERVED), Time()
    client = runtime(wire)
    undo = install_wake_hook(client, wake=None, deadline_s=60.0, timing=time.timing)
    install_wake_hook(client, wake=None, deadline_s=60.0, timing=time.timing)
    arguments = {"EndpointName": "shared", "InferenceComponentName": "a", "Body": b"{}"}
    client.invoke_endpoint(**arguments)
    assert time.slept == [1.0]
    undo()
    wire.replies = [AT_ZERO]
    with pytest.raises(ClientError):
        client.invoke_endpoint(**arguments)
    assert time.slept == [1.0]


def test_endpoints_without_components_are_left_alone() -> None:
    wire, bus, time = Wire(AT_ZERO), Bus(), Time()
    client = runtime(wire)
    wake = WakeSender("icscaler", events=bus, timing=time.timing)  # type: ignore[arg-type]
    install_wake_hook(client, wake=wake, deadline_s=60.0, timing=time.timing)
    with pytest.raises(ClientError):
        client.invoke_endpoint(EndpointName="single", Body=b"{}")
    assert (bus.asked, time.slept) == ([], [])


def test_streamed_invocations_are_left_alone() -> None:
    wire, bus, time = Wire(AT_ZERO), Bus(), Time()
    client = runtime(wire)
    wake = WakeSender("icscaler", events=bus, timing=time.timing)  # type: ignore[arg-type]
    install_wake_hook(client, wake=wake, deadline_s=60.0, timing=time.timing)
    with pytest.raises(ClientError):
        client.invoke_endpoint_with_response_stream(
            EndpointName="shared", InferenceComponentName="a", Body=b"{}"
        )
    assert (bus.asked, time.slept, len(wire.bodies)) == ([], [], 1)


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        pytest.param(io.BytesIO(b"{}"), [b"{}", b"{}"], id="a file is sent again from its start"),
        pytest.param(bytearray(b"{}"), [b"{}", b"{}"], id="a bytearray"),
    ],
)
def test_bodies_that_can_be_sent_again(body: Any, sent: list[bytes]) -> None:
    wire, time = Wire(AT_ZERO, SERVED), Time()
    client = runtime(wire)
    install_wake_hook(client, wake=None, deadline_s=60.0, timing=time.timing)
    client.invoke_endpoint(EndpointName="shared", InferenceComponentName="a", Body=body)
    assert wire.bodies == sent


class Pipe:
    """A body that can be read once."""

    def __init__(self, content: bytes) -> None:
        self._left = content

    def read(self, size: int = -1) -> bytes:
        content, self._left = self._left, b""
        return content


def test_a_body_that_cannot_be_sent_again_is_not_but_the_model_is_woken() -> None:
    wire, bus, time = Wire(AT_ZERO), Bus(), Time()
    client = runtime(wire, signature_version=UNSIGNED)
    wake = WakeSender("icscaler", events=bus, timing=time.timing)  # type: ignore[arg-type]
    install_wake_hook(client, wake=wake, deadline_s=60.0, timing=time.timing)
    with pytest.raises(ClientError, match="no capacity"):
        client.invoke_endpoint(EndpointName="shared", InferenceComponentName="a", Body=Pipe(b"{}"))
    assert (wire.bodies, bus.asked, time.slept) == ([b"{}"], ["a"], [])
