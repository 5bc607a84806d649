"""Faults of calls and functions: rates, slow calls, deaths, throttles, cold starts."""

from __future__ import annotations

import pytest

from icscaler_localcloud.cloud import DEFAULT_START_S, LocalCloud
from icscaler_localcloud.faults import FOREVER, Faults

from .conftest import Plumbing

VISIBILITY_S = 60


def codes(cloud: LocalCloud, calls: int) -> list[bool]:
    """So many calls without retries; whether each was let through."""
    from botocore.config import Config

    client = cloud.client("dynamodb", config=Config(retries={"total_max_attempts": 1}))
    through = []
    for _ in range(calls):
        try:
            client.list_tables()
        except client.exceptions.ClientError as refused:
            through.append(refused.response["Error"]["Code"] != "ThrottlingException")
        else:
            through.append(True)
    return through


class TestRates:
    def test_so_many_calls_a_second_and_no_more(self, cloud: LocalCloud) -> None:
        switch = cloud.faults.throttle_above("dynamodb", per_s=2)
        assert codes(cloud, 5) == [True, True, False, False, False]
        cloud.run_for(1)
        assert codes(cloud, 3) == [True, True, False]
        assert switch.hits == 4
        switch.off()
        assert all(codes(cloud, 5))

    def test_each_operation_by_itself(self, cloud: LocalCloud) -> None:
        cloud.faults.throttle_above("*", per_s=1)
        cloud.client("dynamodb").list_tables()
        cloud.client("sqs").list_queues()
        assert codes(cloud, 1) == [False]

    def test_a_burst(self, cloud: LocalCloud) -> None:
        cloud.faults.throttle_above("dynamodb", "ListTables", per_s=0.1, burst=4)
        assert codes(cloud, 6) == [True] * 4 + [False] * 2


class TestCalls:
    def test_slow_calls_take_virtual_time(self, cloud: LocalCloud) -> None:
        switch = cloud.faults.slow("dynamodb", seconds=3, times=2)
        for _ in range(3):
            cloud.client("dynamodb").list_tables()
        assert cloud.clock.now_s == DEFAULT_START_S + 6
        assert switch.hits == 2

    def test_a_slow_call_can_be_refused_as_well(self, cloud: LocalCloud) -> None:
        cloud.faults.slow("dynamodb", seconds=3, times=FOREVER)
        cloud.faults.throttle("dynamodb")
        assert codes(cloud, 1) == [False]
        assert cloud.clock.now_s == DEFAULT_START_S + 3

    def test_only_requests_with_that_text(self, plumbing: Plumbing) -> None:
        plumbing.cloud.faults.kill_before_call(
            "Worker", "dynamodb", "PutItem", containing='"bad"', times=FOREVER
        )
        assert plumbing.call({"do": "put", "key": "good"}).ok
        assert plumbing.call({"do": "put", "key": "bad"}).error == (
            "Runtime.ExitError: RequestId: "
            + plumbing.log()[-1].request_id
            + " Error: killed before dynamodb:PutItem"
        )

    def test_killed_at_any_call_by_chance(self, plumbing: Plumbing) -> None:
        switch = plumbing.cloud.faults.kill_after_call(
            "Worker", "*", "*", chance=0.3, times=FOREVER
        )
        ok = [plumbing.call({"do": "put", "key": f"k{n}"}).ok for n in range(40)]
        assert 0 < ok.count(False) == switch.hits < 40
        assert len(plumbing.keys()) >= 40, "what killed it was done"

    def test_a_function_that_hangs_dies_of_its_timeout(self, plumbing: Plumbing) -> None:
        plumbing.cloud.faults.pause_before_call("Worker", "*", "*", 31)
        done = plumbing.call({"do": "put"})
        assert "Task timed out after 30.00 seconds" in str(done.error)
        assert plumbing.keys() == set()

    def test_a_switch_that_is_taken_off_makes_room_for_others(self) -> None:
        faults = Faults()
        for _ in range(50):
            faults.throttle("sqs").off()
        assert len(list(faults._switches)) <= 1


class TestFunctions:
    def test_throttled_batches_are_tried_again_until_they_are_visible(
        self, plumbing: Plumbing
    ) -> None:
        switch = plumbing.cloud.faults.throttle_function("Worker", times=3)
        plumbing.send({"do": "put"})
        plumbing.cloud.run_for(10)
        (done,) = plumbing.log(trigger="sqs")
        receives = done.event["Records"][0]["attributes"]["ApproximateReceiveCount"]
        assert receives == "1", "no receive is burnt"
        assert done.at_s - DEFAULT_START_S == pytest.approx(1 + 2 + 4, abs=1)
        assert switch.hits == 3

    def test_throttled_for_long_a_batch_goes_back_to_its_queue(self, plumbing: Plumbing) -> None:
        switch = plumbing.cloud.faults.throttle_function("Worker", times=FOREVER)
        plumbing.send({"do": "put"})
        plumbing.cloud.run_for(VISIBILITY_S + 10)
        switch.off()
        plumbing.cloud.run_for(VISIBILITY_S)
        (done,) = plumbing.log(trigger="sqs")
        receives = done.event["Records"][0]["attributes"]["ApproximateReceiveCount"]
        assert receives == "2"
        assert plumbing.queued("WorkDead") == []

    def test_throttled_events_wait(self, plumbing: Plumbing) -> None:
        plumbing.cloud.faults.throttle_function("Second", times=2)
        plumbing.cloud.functions.invoke_async("Second", {}, trigger="test")
        plumbing.cloud.run_for(10)
        (done,) = plumbing.log("Second")
        assert done.attempt == 1

    def test_throttled_calls_are_told(self, plumbing: Plumbing) -> None:
        plumbing.cloud.faults.throttle_function(times=FOREVER)
        client = plumbing.cloud.client("lambda")
        with pytest.raises(client.exceptions.TooManyRequestsException):
            client.invoke(FunctionName=plumbing.stack.physical_id("Second"))

    def test_cold_each_time(self, plumbing: Plumbing) -> None:
        assert [plumbing.call({}).cold for _ in range(2)] == [True, False]
        switch = plumbing.cloud.faults.start_cold("Worker", times=2)
        assert [plumbing.call({}).cold for _ in range(3)] == [True, True, False]
        assert switch.hits == 2
        assert plumbing.call({}).result["calls"] == 3, "nothing is remembered of before"
