"""Faults of deliveries and clocks: EventBridge, Scheduler, SQS, Lambda's asynchronous queue."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from icscaler_localcloud.cloud import DEFAULT_START_S
from icscaler_localcloud.faults import FOREVER, Faults, Lane, Timekeeper
from icscaler_localcloud.lambdas import Invocation

from .conftest import Plumbing

MINUTE_S = 60
VISIBILITY_S = 60


def order(plumbing: Plumbing, amount: int) -> None:
    plumbing.put_event("shop", "Order Noted", {"amount": amount})


def amounts(plumbing: Plumbing) -> list[int]:
    """Of the orders that reached the function, in the order they came."""
    invocations = plumbing.log(trigger="events.amazonaws.com")
    return [done.event["detail"]["amount"] for done in invocations if done.event["detail"]]


def ticks(plumbing: Plumbing) -> list[str]:
    """Scheduled times with which the schedule started the function."""
    return [done.event["at"] for done in plumbing.log() if "at" in done.event]


def started(done: Invocation) -> float:
    return done.at_s - DEFAULT_START_S


@pytest.fixture
def live(plumbing: Plumbing) -> Plumbing:
    """The schedule runs every minute."""
    client = plumbing.cloud.client("scheduler")
    schedule = client.get_schedule(Name=plumbing.stack.physical_id("Minutely"))
    kept = ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    client.update_schedule(**{key: schedule[key] for key in kept}, State="ENABLED")
    return plumbing


class TestEvents:
    def test_lost(self, plumbing: Plumbing) -> None:
        switch = plumbing.cloud.faults.lose_deliveries(Lane.EVENTS)
        order(plumbing, 20)
        order(plumbing, 30)
        plumbing.cloud.run_for(10)
        assert amounts(plumbing) == [30]
        assert switch.hits == 1
        assert plumbing.queued("Undelivered") == [], "AWS does not know that it was lost"

    def test_duplicated(self, plumbing: Plumbing) -> None:
        plumbing.cloud.faults.duplicate_deliveries(Lane.EVENTS, after_s=5)
        order(plumbing, 20)
        plumbing.cloud.run_for(10)
        first, second = plumbing.log(trigger="events.amazonaws.com")
        assert first.event == second.event
        assert second.at_s - first.at_s == 5

    def test_delayed(self, plumbing: Plumbing) -> None:
        plumbing.cloud.faults.delay_deliveries(Lane.EVENTS, seconds=40)
        order(plumbing, 20)
        order(plumbing, 30)
        plumbing.cloud.run_for(60)
        assert amounts(plumbing) == [30, 20]

    def test_reordered(self, plumbing: Plumbing) -> None:
        plumbing.cloud.faults.reorder_deliveries(Lane.EVENTS, within_s=30, times=FOREVER)
        sent = list(range(20, 40))
        for amount in sent:
            order(plumbing, amount)
        plumbing.cloud.run_for(40)
        came = amounts(plumbing)
        assert came != sent
        assert sorted(came) == sent

    def test_of_one_target_only(self, plumbing: Plumbing) -> None:
        inbox = plumbing.stack.attribute("Inbox", "Arn")
        plumbing.cloud.faults.lose_deliveries(Lane.EVENTS, about=inbox, times=FOREVER)
        detail = {"amount": 20, "customer": "c", "items": []}
        plumbing.put_event("shop", "Order Placed", detail)
        plumbing.cloud.run_for(10)
        assert amounts(plumbing) == [20]
        assert plumbing.queued("Inbox") == []


class TestSchedules:
    def test_a_missed_tick(self, live: Plumbing) -> None:
        live.cloud.faults.lose_deliveries("scheduler")
        live.cloud.run_for(3 * MINUTE_S + 1)
        assert ticks(live) == ["2026-06-01T00:02:00Z", "2026-06-01T00:03:00Z"]

    def test_a_doubled_tick_has_one_scheduled_time(self, live: Plumbing) -> None:
        live.cloud.faults.duplicate_deliveries(Lane.SCHEDULER)
        live.cloud.run_for(MINUTE_S + 10)
        assert ticks(live) == ["2026-06-01T00:01:00Z"] * 2

    def test_a_late_tick_keeps_its_scheduled_time(self, live: Plumbing) -> None:
        live.cloud.faults.delay_deliveries(Lane.SCHEDULER, seconds=90)
        live.cloud.run_for(3 * MINUTE_S)
        assert ticks(live)[:2] == ["2026-06-01T00:02:00Z", "2026-06-01T00:01:00Z"]

    def test_other_schedules_are_untouched(self, live: Plumbing) -> None:
        live.cloud.faults.lose_deliveries(Lane.SCHEDULER, about="schedule/default/other")
        live.cloud.run_for(MINUTE_S + 1)
        assert len(ticks(live)) == 1


class TestAsynchronousInvocations:
    @pytest.mark.parametrize(
        ("break_it", "times"),
        [
            pytest.param(lambda f: f.lose_deliveries(Lane.ASYNC), [], id="dropped"),
            pytest.param(
                lambda f: f.duplicate_deliveries(Lane.ASYNC, after_s=3), [0, 3], id="doubled"
            ),
            pytest.param(lambda f: f.delay_deliveries(Lane.ASYNC, seconds=7), [7], id="late"),
        ],
    )
    def test_an_event(
        self, plumbing: Plumbing, break_it: Callable[[Faults], Any], times: list[int]
    ) -> None:
        break_it(plumbing.cloud.faults)
        plumbing.cloud.client("lambda").invoke(
            FunctionName=plumbing.stack.physical_id("Second"), InvocationType="Event", Payload=b"{}"
        )
        plumbing.cloud.run_for(20)
        done = plumbing.log("Second")
        delay_s = plumbing.cloud.delays.async_invoke_s
        assert [started(one) - delay_s for one in done] == times
        assert len({one.request_id for one in done}) <= 1, "a repetition has the same request id"

    def test_each_copy_is_retried_by_itself(self, plumbing: Plumbing) -> None:
        plumbing.cloud.faults.duplicate_deliveries(Lane.ASYNC, after_s=1)
        worker = plumbing.stack.physical_id("Worker")
        plumbing.cloud.functions.invoke_async(worker, {"do": "raise"}, trigger="test")
        plumbing.cloud.run_for(300)
        assert [done.attempt for done in plumbing.log()] == [1, 1, 2, 2, 3, 3]


class TestQueues:
    def test_a_message_that_was_not_deleted_comes_again_when_it_is_visible(
        self, plumbing: Plumbing
    ) -> None:
        switch = plumbing.cloud.faults.forget_deletes()
        plumbing.send({"do": "put"})
        plumbing.cloud.run_for(VISIBILITY_S + 5)
        first, second = plumbing.log(trigger="sqs")
        assert second.at_s - first.at_s == pytest.approx(VISIBILITY_S, abs=1)
        counts = [
            done.event["Records"][0]["attributes"]["ApproximateReceiveCount"]
            for done in (first, second)
        ]
        assert counts == ["1", "2"]
        assert switch.hits == 1
        assert plumbing.queued("Work") == []

    def test_its_group_waits_and_others_do_not(self, plumbing: Plumbing) -> None:
        plumbing.cloud.faults.forget_deletes()
        plumbing.send({"do": "put", "key": "first"}, group="a")
        plumbing.cloud.run_for(5)
        plumbing.send({"do": "put", "key": "second"}, group="a")
        plumbing.send({"do": "put", "key": "third"}, group="b")
        plumbing.cloud.run_for(5)
        assert plumbing.keys() == {"first", "first-second", "third", "third-second"}
        plumbing.cloud.run_for(VISIBILITY_S)
        keys = plumbing.keys()
        assert "second" in keys

    def test_a_slow_poller(self, plumbing: Plumbing) -> None:
        plumbing.cloud.faults.delay_deliveries(Lane.QUEUE, seconds=12)
        plumbing.send({"do": "log"})
        plumbing.cloud.run_for(30)
        (done,) = plumbing.log(trigger="sqs")
        assert started(done) == 12 + plumbing.cloud.delays.queue_poll_s

    @pytest.mark.parametrize("verb", ["lose_deliveries", "duplicate_deliveries"])
    def test_sqs_is_not_accused_of_what_it_never_does(self, plumbing: Plumbing, verb: str) -> None:
        with pytest.raises(ValueError, match="SQS loses no message"):
            getattr(plumbing.cloud.faults, verb)(Lane.QUEUE)


class TestClocks:
    """A clock that is ahead shows a later time; nothing else about the service changes."""

    def test_events(self, plumbing: Plumbing) -> None:
        plumbing.cloud.faults.skew_clock(Timekeeper.EVENTS, seconds=7)
        order(plumbing, 20)
        plumbing.cloud.run_for(5)
        (done,) = plumbing.log(trigger="events.amazonaws.com")
        assert done.event["time"] == "2026-06-01T00:00:07Z"
        assert started(done) < 1

    @pytest.mark.parametrize(("ahead_s", "fires_at_s"), [(4, 56), (-4, 64)])
    def test_schedules_fire_by_their_own_clock(
        self, plumbing: Plumbing, ahead_s: int, fires_at_s: int
    ) -> None:
        plumbing.cloud.faults.skew_clock("scheduler", seconds=ahead_s)
        client = plumbing.cloud.client("scheduler")
        target = {
            "Arn": plumbing.stack.attribute("Worker", "Arn"),
            "RoleArn": plumbing.stack.attribute("MinutelyRole", "Arn"),
            "Input": '{"at": "<aws.scheduler.scheduled-time>"}',
        }
        client.create_schedule(
            Name="skewed",
            ScheduleExpression="rate(1 minute)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target=target,
        )
        plumbing.cloud.run_for(70)
        (done,) = [one for one in plumbing.log() if "at" in one.event]
        assert done.event["at"] == "2026-06-01T00:01:00Z"
        assert started(done) == pytest.approx(fires_at_s, abs=0.1)

    def test_messages(self, plumbing: Plumbing) -> None:
        plumbing.cloud.faults.skew_clock("sqs", seconds=-3)
        plumbing.send({"do": "log"})
        plumbing.cloud.run_for(5)
        (done,) = plumbing.log(trigger="sqs")
        attributes = done.event["Records"][0]["attributes"]
        assert attributes["SentTimestamp"] == str((DEFAULT_START_S - 3) * 1000)
        received_ms = int(attributes["ApproximateFirstReceiveTimestamp"])
        assert received_ms == int((done.at_s - 3) * 1000)

    def test_functions(self, plumbing: Plumbing) -> None:
        plumbing.cloud.faults.skew_clock("functions", seconds=11)
        told = plumbing.call({}).result
        assert told["now_s"] == told["datetime_s"] == DEFAULT_START_S + 11
        assert told["remaining_ms"] == 30_000

    def test_right_again(self, plumbing: Plumbing) -> None:
        plumbing.cloud.faults.skew_clock("functions", seconds=11)
        plumbing.cloud.faults.clear()
        assert plumbing.call({}).result["now_s"] == DEFAULT_START_S

    def test_a_clock_that_nobody_has(self, plumbing: Plumbing) -> None:
        with pytest.raises(ValueError, match="dynamodb"):
            plumbing.cloud.faults.skew_clock("dynamodb", seconds=1)


def test_chance_is_the_same_for_the_same_seed() -> None:
    def arrivals(faults: Faults, others: int) -> list[list[float]]:
        mine = faults.lose_deliveries(Lane.EVENTS, times=FOREVER, chance=0.3)
        for _ in range(others):
            faults.reorder_deliveries(Lane.SCHEDULER, times=FOREVER, chance=0.5)
        found = []
        for _ in range(200):
            faults.arrivals(Lane.SCHEDULER, "schedule", "function")
            found.append(faults.arrivals(Lane.EVENTS, "rule", "function"))
        assert 30 < mine.hits < 90
        return found

    alone = arrivals(Faults(seed=4), 0)
    assert alone == arrivals(Faults(seed=4), 0)
    assert alone == arrivals(Faults(seed=4), 2), "other switches change nothing about it"
    assert alone != arrivals(Faults(seed=5), 0)


def test_a_chance_is_a_share() -> None:
    with pytest.raises(ValueError, match=r"within 0\.\.1"):
        Faults().lose_deliveries(Lane.EVENTS, chance=1.5)


def test_events_a_switch_let_through_are_whole(plumbing: Plumbing) -> None:
    """A delayed delivery carries what it carried when it was sent."""
    plumbing.cloud.faults.delay_deliveries(Lane.EVENTS, seconds=3)
    detail = {"amount": 50, "customer": "c", "items": ["i"]}
    plumbing.put_event("shop", "Order Noted", detail)
    plumbing.cloud.run_for(5)
    (done,) = plumbing.log(trigger="events.amazonaws.com")
    assert json.loads(json.dumps(done.event["detail"])) == detail
