"""The commands take the time from AWS's replies where it is not this machine's."""

import time
from email.utils import formatdate
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from icscaler_cli import clock

NOW_S = 1_900_000_000.5


@pytest.fixture(autouse=True)
def _own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's clock stands still, so that a machine that stalls fails nothing."""
    monkeypatch.setattr(clock, "_ahead_s", 0.0)
    monkeypatch.setattr(time, "time", lambda: NOW_S)


def told(headers: dict[str, str]) -> float:
    """A client of a followed session got a reply; how far ahead the time is then."""
    session: Any = boto3.Session("any", "any", region_name="us-east-1")
    clock.follow(session)
    client = session.client("sqs")

    def reply(request: Any, **_: Any) -> AWSResponse:
        answer: Any = AWSResponse(request.url, 200, headers, None)
        answer._content = b"{}"
        return answer

    client.meta.events.register("before-send.sqs.ListQueues", reply)
    client.list_queues()
    return clock.now_s() - time.time()


@pytest.mark.parametrize("hours", [-3, 30])
def test_the_time_of_another_clock_is_taken(hours: int) -> None:
    date = formatdate(time.time() + hours * 3600, usegmt=True)
    assert abs(told({"Date": date}) - hours * 3600) < 3


@pytest.mark.parametrize("date", [None, "tomorrow", "nearly"])
def test_otherwise_this_machine_s_own_counts(date: str | None) -> None:
    if date == "nearly":
        date = formatdate(time.time() - 2, usegmt=True)
    assert abs(told({} if date is None else {"Date": date})) < 0.1


def test_a_reply_that_agrees_again_ends_the_difference() -> None:
    assert told({"date": formatdate(time.time() + 999, usegmt=True)}) > 900
    assert abs(told({"date": formatdate(time.time(), usegmt=True)})) < 0.1
