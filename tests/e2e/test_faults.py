"""Bad input, failing AWS, races and crashes: clear errors, nothing lost, the next look repairs."""

import json

import pytest

from icscaler.entities import OutcomeKind
from tests.e2e.rig import ENDPOINT, FLEET, Rig

UPDATE = "UpdateInferenceComponentRuntimeConfig"
RECONCILE, DISPATCH = "ReconcileFunction", "DispatchFunction"


def send(rig: Rig, body: str, *, group: str = ENDPOINT, number: int = 0) -> None:
    url = rig.stack.outputs["LookQueueUrl"]
    rig.cloud.client("sqs").send_message(
        QueueUrl=url,
        MessageBody=body,
        MessageGroupId=group,
        MessageDeduplicationId=f"test-{number}-{rig.cloud.clock.now_s}",
    )


def look(rig: Rig, at_s: float, *, cause: str = "Tick", group: str = ENDPOINT, number: int = 0):
    body = json.dumps({"endpoint": ENDPOINT, "event_at_s": int(at_s), "cause": cause})
    send(rig, body, group=group, number=number)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("not json", id="not JSON"),
        pytest.param("[]", id="not an object"),
        pytest.param('{"endpoint": 7, "event_at_s": "soon"}', id="wrong types"),
        pytest.param("{}", id="nothing in it"),
    ],
)
def test_a_malformed_message_ends_as_a_dead_letter_and_delays_nobody(rig: Rig, body: str) -> None:
    send(rig, body, group="poisoned")
    before = len(rig.looks())
    rig.play(20, inline=3000)
    assert rig.visible("LookDeadLetterQueue") == 1
    assert len(rig.looks()) - before >= 19
    assert rig.copies("inline") > 1


@pytest.mark.parametrize("body", [{}, {"detail-type": "Nonsense", "detail": {}}, {"detail": 5}])
def test_dispatch_rejects_what_it_can_not_read_and_goes_on(rig: Rig, body) -> None:
    client = rig.cloud.client("lambda")
    name = rig.stack.outputs["DispatchFunctionName"]
    answer = client.invoke(FunctionName=name, Payload=json.dumps(body).encode())
    assert "FunctionError" not in answer
    assert json.loads(answer["Payload"].read())["rejected"]
    rig.play(2)
    assert rig.looks()


def test_duplicates_and_reordered_events_change_nothing_more(rig: Rig) -> None:
    rig.play(12)
    rig.cloud.world.arrive("inline", 6000, rig.cloud.clock.now_s, rig.cloud.clock.now_s + 60)
    rig.cloud.run_for(130)
    writes = rig.calls(UPDATE)
    now_s = rig.cloud.clock.now_s
    for number, age_s in enumerate((0, 300, 30, 3600, 0, 0)):
        look(rig, now_s - age_s, number=number)
    rig.cloud.run_for(10)
    assert rig.calls(UPDATE) <= writes + 1
    kinds = [line["kind"] for line in rig.looks()[-6:]]
    assert kinds.count("Looked") + kinds.count("Collapsed") == 6
    at = [line["at_s"] for line in rig.looks()]
    assert at == sorted(at), "time never runs backwards"


def test_a_burst_of_messages_collapses_into_one_look(rig: Rig) -> None:
    rig.play(3)
    slow = rig.cloud.faults.pause_before_call(RECONCILE, "sagemaker", "DescribeEndpoint", 8.0)
    before = len(rig.looks())
    for number in range(12):
        look(rig, rig.cloud.clock.now_s, number=number)
    rig.cloud.run_for(30)
    assert slow.hits == 1
    kinds = [line["kind"] for line in rig.looks()[before:]]
    assert kinds.count("Looked") <= 2
    assert kinds.count("Collapsed") >= 10


@pytest.mark.parametrize(
    ("how", "service", "operation"),
    [
        ("throttle", "sagemaker", UPDATE),
        ("throttle", "sagemaker", "DescribeEndpoint"),
        ("throttle", "sagemaker", "DescribeInferenceComponent"),
        ("throttle", "cloudwatch", "GetMetricData"),
        ("throttle", "dynamodb", "UpdateItem"),
        ("throttle", "application-autoscaling", "DescribeScalableTargets"),
        ("fail", "sagemaker", UPDATE),
        ("fail", "sagemaker", "ListInferenceComponents"),
        ("fail", "dynamodb", "Query"),
        ("fail", "events", "PutEvents"),
        ("fail", "sqs", "SendMessageBatch"),
        ("drop_reply", "sagemaker", UPDATE),
        ("drop_reply", "cloudwatch", "GetMetricData"),
        ("drop_reply", "dynamodb", "UpdateItem"),
        ("drop_reply", "dynamodb", "PutItem"),
    ],
)
def test_calls_that_go_wrong_for_a_while_only_cost_time(rig: Rig, how, service, operation) -> None:
    switch = getattr(rig.cloud.faults, how)(service, operation, times=12)
    rig.play(25, inline=3000)
    assert switch.hits > 0
    assert rig.copies("inline") >= 6
    assert (rig.copies("blocks"), rig.copies("flows")) == (0, 0)
    assert rig.visible("LookDeadLetterQueue") == 0
    accepted = [r for r in rig.records() if r.outcome != "Intended"]
    assert accepted


def test_nothing_scales_in_while_the_metrics_are_gone(rig: Rig) -> None:
    rig.play(3)
    rig.cloud.faults.fail("cloudwatch", "GetMetricData", times=10**6)
    rig.play(40)
    assert (rig.copies("blocks"), rig.copies("flows")) == (1, 1)


def test_two_looks_at_one_endpoint_race_for_the_lease(rig: Rig) -> None:
    """A second message group lets two looks at one endpoint run at once."""
    rig.play(3)
    rig.cloud.faults.pause_before_call(RECONCILE, "sagemaker", "DescribeEndpoint", 5.0)
    before = len(rig.looks())
    look(rig, rig.cloud.clock.now_s, number=1)
    look(rig, rig.cloud.clock.now_s, group="second-door", number=2)
    rig.cloud.run_for(20)
    kinds = [line["kind"] for line in rig.looks()[before:]]
    assert kinds.count("Busy") == 1
    assert "Looked" in kinds


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_look_killed_at_the_write_is_repaired_by_the_next(rig: Rig, when: str) -> None:
    rig.play(12)
    kill = getattr(rig.cloud.faults, f"kill_{when}_call")
    switch = kill(RECONCILE, "sagemaker", UPDATE)
    rig.play(12, inline=3000)
    assert switch.hits == 1
    assert rig.copies("inline") >= 5
    orphans = {record.at_s for record in rig.records() if record.outcome == "Intended"}
    assert len(orphans) == 1, "the dead look's records stay as they were intended"
    assert rig.visible("LookDeadLetterQueue") == 0


@pytest.mark.parametrize(
    ("service", "operation", "nth"),
    [
        ("dynamodb", "UpdateItem", 1),  # the lease
        ("dynamodb", "PutItem", 1),  # the state's chunk
        ("dynamodb", "UpdateItem", 2),  # the header's flip
        ("dynamodb", "PutItem", 2),
        ("events", "PutEvents", 1),
    ],
)
def test_a_look_killed_anywhere_leaves_nothing_behind(rig: Rig, service, operation, nth) -> None:
    rig.play(12)
    switch = rig.cloud.faults.kill_before_call(RECONCILE, service, operation, nth)
    rig.play(15, inline=3000)
    assert switch.hits == 1
    assert rig.copies("inline") >= 5
    assert rig.visible("LookDeadLetterQueue") == 0


def test_a_lost_reply_to_a_write_is_an_unknown_outcome_not_an_error(rig: Rig) -> None:
    rig.play(12)
    rig.cloud.faults.drop_reply("sagemaker", UPDATE, times=1, function=RECONCILE)
    rig.play(6, inline=3000)
    kinds = {record.outcome for record in rig.records() if record.component == "inline"}
    assert kinds & {OutcomeKind.UNKNOWN, OutcomeKind.ACCEPTED}
    assert rig.copies("inline") >= 5
    assert rig.failures() == []


def test_a_dispatch_that_dies_is_tried_again(rig: Rig) -> None:
    rig.play(2)
    rig.cloud.faults.kill_before_call(DISPATCH, "sqs", "SendMessageBatch")
    before = len(rig.looks())
    rig.play(3)
    assert len(rig.looks()) - before >= 2
    assert rig.visible("DispatchFailureQueue") == 0


def test_a_dispatch_outlasts_a_table_that_fails_again_and_again(rig: Rig) -> None:
    rig.play(2)
    before = len(rig.looks())
    # The first read of each tick is refused four times.
    for _ in range(30):
        rig.cloud.faults.fail("dynamodb", "Query", times=4, function=DISPATCH)
        rig.play(1)
    ended = [done for done in rig.cloud.lambda_log if done.logical_id == DISPATCH]
    assert all(done.ok for done in ended)
    assert len(rig.looks()) - before >= 30


def test_an_endpoint_that_is_gone_stops_nobody_else(rig: Rig) -> None:
    rig.create_endpoint("second", "other", instances=1)
    version = rig.store.fleet_pointer().version
    text = FLEET.replace(
        "models:",
        "  gone:\n    variants: {main: {instance_type: ml.p4d.24xlarge}}\n"
        "  second:\n    variants: {main: {instance_type: ml.p4d.24xlarge}}\nmodels:",
    )
    text = text.replace("{name: inline,", "{name: inline, endpoint: shared,")
    text = text.replace("flows]}", "flows], endpoint: shared}")
    text += "  - {name: other, endpoint: second}\n  - {name: ghost, endpoint: gone}\n"
    rig.publish(text, version)
    rig.play(30, inline=3000)
    assert rig.copies("inline") > 1
    assert rig.copies("other") == 0
    assert {line["endpoint"] for line in rig.looks()} == {"shared", "second", "gone"}
