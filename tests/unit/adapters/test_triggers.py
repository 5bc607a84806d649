"""Triggers: the samples in events/ parse, and what can't be understood says why."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSEvent, SQSRecord

from icscaler.adapters import triggers
from icscaler.dispatch import Cause, DispatchEvent
from icscaler.ports import LookRequest

T0 = 1_780_304_460  # 2026-06-01T09:01:00Z
NOW_S = T0 + 100
REQUEST = "request-1"


def sample(repository: Path, name: str) -> Any:
    return json.loads((repository / "events" / name).read_text(encoding="utf-8"))


def parse(event: Any, now_s: int = NOW_S) -> DispatchEvent:
    return triggers.dispatch_event(EventBridgeEvent(event), REQUEST, now_s)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(
            "dispatch_tick.json",
            DispatchEvent(Cause.TICK, T0, "63b74101-cbf8-426a-8fae-667bb2e74e77"),
            id="tick",
        ),
        pytest.param(
            "dispatch_wake_requested.json",
            DispatchEvent(
                Cause.WAKE_REQUESTED,
                T0 + 23,
                "4f2c5a0e-7d64-4f7d-b5c8-0d0a8f8f7a11",
                components=("flow-generation",),
            ),
            id="wake requested",
        ),
        pytest.param(
            "dispatch_endpoint_state_change.json",
            DispatchEvent(
                Cause.ENDPOINT_CHANGED,
                T0 + 38,
                "d2921b5a-b0ae-4ca2-8b6d-1a1f2f9c7a6e",
                endpoints=("code-generation",),
            ),
            id="endpoint state change",
        ),
        pytest.param(
            "dispatch_alarm_contributor.json",
            DispatchEvent(
                Cause.REQUESTS_REFUSED,
                T0 + 16,
                "f61b9049-b997-48d5-bfbb-91873fcc6c4f",
                components=("flow-generation",),
            ),
            id="refused requests of one component",
        ),
        pytest.param(
            "dispatch_alarm_refused_requests.json",
            DispatchEvent(Cause.REQUESTS_REFUSED, T0 + 16, "743632f8-ad6a-43b2-846e-8c03db79aaa6"),
            id="refused requests, of whom is not said",
        ),
        pytest.param(
            "dispatch_alarm_spike.json",
            DispatchEvent(
                Cause.SPIKE,
                T0 + 34,
                "90a7db5f-8798-4cf0-baa8-033b21b53586",
                components=("inline-completion",),
            ),
            id="spike",
        ),
        pytest.param(
            "dispatch_asked.json",
            DispatchEvent(Cause.ASKED, NOW_S, REQUEST, ("flow-generation",), ("code-generation",)),
            id="direct invocation",
        ),
    ],
)
def test_samples_of_dispatch(repository: Path, name: str, expected: DispatchEvent) -> None:
    assert parse(sample(repository, name)) == expected


def test_sample_of_reconcile(repository: Path) -> None:
    (record,) = SQSEvent(sample(repository, "reconcile_look.json")).records
    assert triggers.look_request(record) == LookRequest(
        endpoint="code-generation",
        event_at_s=T0,
        cause="Tick",
        sent_s=T0 + 1.25,
        received_s=T0 + 1.5,
    )


def test_each_sample_has_a_test(repository: Path) -> None:
    """By its name in a test, or by a pattern that a test reads."""
    sources = [file.read_text(encoding="utf-8") for file in (repository / "tests").rglob("*.py")]
    text = "\n".join(sources)
    patterns = re.findall(r'\.glob\("(\w+_\*\.json)"\)', text)
    samples = sorted((repository / "events").iterdir())
    untested = [
        file.name
        for file in samples
        if f'"{file.stem}"' not in text
        and file.name not in text
        and not any(file.match(pattern) for pattern in patterns)
    ]
    assert untested == []


def test_a_time_ahead_of_now_counts_as_now(repository: Path) -> None:
    event = sample(repository, "dispatch_wake_requested.json")
    assert parse(event, now_s=T0 - 5).at_s == T0 - 5


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        pytest.param(("state", "value"), "OK", "state is 'OK'", id="it ends"),
        pytest.param(("state", "value"), "INSUFFICIENT_DATA", "INSUFFICIENT_DATA", id="no data"),
        pytest.param(("state",), "ALARM", "state is None", id="state is no object"),
        pytest.param(("state",), None, "state is None", id="no state"),
        pytest.param(
            ("alarmContributor", "attributes"), {}, "InferenceComponentName: None", id="unnamed"
        ),
        pytest.param(
            ("alarmContributor", "attributes", "InferenceComponentName"),
            "Other",
            None,
            id="a metric without the dimension, which is some name",
        ),
        pytest.param(
            ("alarmContributor", "attributes", "InferenceComponentName"), "a b", "'a b'", id="odd"
        ),
        pytest.param(("alarmContributor",), ["x"], "InferenceComponentName: None", id="a list"),
    ],
)
def test_an_alarm_that_says_nothing_usable(
    repository: Path, path: tuple[str, ...], value: Any, told: str | None
) -> None:
    event = sample(repository, "dispatch_alarm_contributor.json")
    node = event["detail"]
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    if told is None:
        assert parse(event).components == (value,)
        return
    with pytest.raises(triggers.TriggerError, match=told):
        parse(event)


def test_a_variants_spike_names_its_endpoint(repository: Path) -> None:
    event = sample(repository, "dispatch_alarm_spike.json")
    metric = event["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"]
    metric["dimensions"] = {"EndpointName": "completion", "VariantName": "AllTraffic"}
    found = parse(event)
    assert (found.cause, found.components, found.endpoints) == (Cause.SPIKE, (), ("completion",))


@pytest.mark.parametrize("metrics", [None, [], "x", [{"id": "q", "expression": "SELECT"}], [7]])
def test_an_alarm_without_a_dimension_names_nobody(repository: Path, metrics: Any) -> None:
    event = sample(repository, "dispatch_alarm_spike.json")
    event["detail"]["configuration"]["metrics"] = metrics
    assert parse(event).cause is Cause.REQUESTS_REFUSED
    assert parse(event).components == ()


def test_a_contributor_needs_no_previous_state(repository: Path) -> None:
    event = sample(repository, "dispatch_alarm_contributor.json")
    assert "previousState" not in event["detail"]
    assert parse(event).cause is Cause.REQUESTS_REFUSED


def wake(**changes: Any) -> dict[str, Any]:
    event = {
        "id": "e1",
        "detail-type": "WakeRequested",
        "time": "2026-06-01T09:01:00Z",
        "detail": {"InferenceComponentNames": ["a"]},
    }
    return event | changes


@pytest.mark.parametrize(
    ("event", "told"),
    [
        pytest.param([], "JSON object, not list", id="a list"),
        pytest.param({}, "neither detail-type", id="empty"),
        pytest.param({"EndpointNames": "code"}, "list of names, not str", id="a name, not a list"),
        pytest.param({"EndpointNames": [7]}, "7 is not a SageMaker name", id="a number"),
        pytest.param({"EndpointNames": ["a b"]}, "'a b' is not", id="a space in a name"),
        pytest.param({"EndpointNames": ["a" * 64]}, "is not a SageMaker name", id="a long name"),
        pytest.param({"EndpointNames": ["a"] * 101}, "101 names", id="too many names"),
        pytest.param(wake(time=None), "time: None", id="no time"),
        pytest.param(wake(time=1780304460), "time: 1780304460", id="time is a number"),
        pytest.param(wake(time="yesterday"), "time: 'yesterday'", id="time is no time"),
        pytest.param(wake(time="2026-06-01T09:01:00"), "no time zone", id="no time zone"),
        pytest.param(wake(detail=None), "detail is missing", id="no detail"),
        pytest.param(wake(detail="{}"), "detail is missing or no object", id="detail is text"),
        pytest.param(wake(detail={}), "no InferenceComponentNames", id="no names"),
        pytest.param(
            wake(detail={"InferenceComponentNames": []}), "no InferenceComp", id="no name in list"
        ),
        pytest.param(
            wake(detail={"InferenceComponentNames": {"a": 1}}), "not dict", id="names are an object"
        ),
        pytest.param(
            wake(**{"detail-type": "SageMaker Endpoint State Change"}),
            "EndpointName: None",
            id="a change of no endpoint",
        ),
        pytest.param(wake(**{"detail-type": "Surprise"}), "'Surprise' is not known", id="unknown"),
    ],
)
def test_what_is_wrong_with_an_event_is_told(event: Any, told: str) -> None:
    with pytest.raises(triggers.TriggerError, match=told):
        parse(event)


def record(**changes: Any) -> SQSRecord:
    fields: dict[str, Any] = {
        "body": '{"endpoint":"code","event_at_s":1,"cause":"Tick"}',
        "attributes": {"SentTimestamp": "1000", "ApproximateFirstReceiveTimestamp": "2000"},
    }
    return SQSRecord(fields | changes)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(record(body=""), id="empty"),
        pytest.param(record(body="hello"), id="no JSON"),
        pytest.param(record(body='{"endpoint":"code"}'), id="fields missing"),
        pytest.param(record(body='{"endpoint":1,"event_at_s":1,"cause":"x"}'), id="wrong type"),
        pytest.param(
            record(body='{"endpoint":"a/b","event_at_s":1,"cause":"x"}'), id="no endpoint name"
        ),
        pytest.param(record(body=None), id="no body"),
        pytest.param(record(attributes={}), id="no times"),
        pytest.param(
            record(attributes={"SentTimestamp": "x", "ApproximateFirstReceiveTimestamp": "2000"}),
            id="time is no number",
        ),
    ],
)
def test_a_broken_message_is_told(broken: SQSRecord) -> None:
    with pytest.raises(triggers.TriggerError, match="not a message of the look queue"):
        triggers.look_request(broken)


def test_a_sound_message_next_to_the_broken_ones() -> None:
    assert triggers.look_request(record()) == LookRequest("code", 1, "Tick", 1.0, 2.0)
