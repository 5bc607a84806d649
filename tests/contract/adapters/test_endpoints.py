"""`ports.Endpoints`: in memory, and SageMaker's adapter on the local cloud."""

from collections.abc import Iterator
from typing import Any

import pytest

from icscaler.adapters import clients
from icscaler.adapters.sagemaker import component_view
from icscaler.entities import Change, ComponentView, EndpointView, OutcomeKind, VariantView
from icscaler.ports import PortError
from icscaler_localcloud.cloud import LocalCloud
from tests.contract.adapters.desks import COPIES, FAST, RESOURCES, CloudDesk, MemoryDesk

Desk = Any
WORKERS = {"local cloud": 1, "local cloud, threads": 8}


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(world_settings=FAST, seed=1) as opened:
        yield opened


@pytest.fixture(params=["memory", *WORKERS])
def desk(request: pytest.FixtureRequest) -> Desk:
    if request.param == "memory":
        return MemoryDesk()
    return CloudDesk(request.getfixturevalue("cloud"), WORKERS[request.param])


@pytest.fixture
def cloud_desk(cloud: LocalCloud) -> CloudDesk:
    return CloudDesk(cloud)


def change(component: str, copies: int, attempt_id: str = "a1") -> Change:
    return Change(component, 0, copies, attempt_id)


def view(desk: Desk, name: str) -> ComponentView:
    found = desk.endpoints.describe_components([name], desk.now_s)[name]
    assert found is not None
    return found  # type: ignore[no-any-return]


# ---------------------------------------------------------------- observing


def test_an_endpoint_is_described(desk: Desk) -> None:
    view = desk.endpoints.describe_endpoint("code")
    assert view == EndpointView(
        "code",
        "InService",
        {"gpu": VariantView("gpu", None, 1, 1, min_instances=0, max_instances=4)},
        view.last_modified_s,
    )
    assert view.last_modified_s <= desk.now_s


def test_an_endpoint_that_does_not_exist_is_none(desk: Desk) -> None:
    assert desk.endpoints.describe_endpoint("elsewhere") is None


def test_components_are_listed_by_endpoint(desk: Desk) -> None:
    listed = desk.endpoints.list_components("code")
    assert [(row.name, row.variant, row.status) for row in listed] == [
        ("block", "gpu", "InService"),
        ("inline", "gpu", "InService"),
    ]
    assert all(row.last_modified_s <= desk.now_s for row in listed)
    assert desk.endpoints.list_components("elsewhere") == ()


def test_components_are_described_in_the_order_asked(desk: Desk) -> None:
    names = ["inline", "missing", "block"]
    described = desk.endpoints.describe_components(names, desk.now_s)
    assert list(described) == names
    assert described["missing"] is None
    for name, copies in COPIES.items():
        found = described[name]
        assert found == ComponentView(
            name=name,
            variant="gpu",
            status="InService",
            desired_copies=copies,
            current_copies=copies,
            last_modified_s=found.last_modified_s,
            described_at_s=desk.now_s,
            resources=RESOURCES,
        )
    assert desk.endpoints.describe_components([], desk.now_s) == {}


def test_listing_and_describing_agree_on_when_a_component_changed(desk: Desk) -> None:
    desk.endpoints.set_copies(change("block", 2), desk.now_s)
    desk.settle()
    (row,) = [row for row in desk.endpoints.list_components("code") if row.name == "block"]
    assert row.last_modified_s == view(desk, "block").last_modified_s


def test_who_owns_the_copies(desk: Desk) -> None:
    assert desk.endpoints.scalable_targets(["block", "inline", "missing"]) == frozenset()
    desk.own("inline")
    assert desk.endpoints.scalable_targets(["block", "inline"]) == {"inline"}
    assert desk.endpoints.scalable_targets(["block"]) == frozenset()
    assert desk.endpoints.scalable_targets([]) == frozenset()


# ---------------------------------------------------------------- acting


def test_a_change_is_accepted_and_arrives_later(desk: Desk) -> None:
    outcome = desk.endpoints.set_copies(change("block", 3, "block/7"), desk.now_s)
    assert (outcome.kind, outcome.attempt_id, outcome.copies, outcome.at_s, outcome.message) == (
        OutcomeKind.ACCEPTED,
        "block/7",
        3,
        desk.now_s,
        "",
    )
    under_way = view(desk, "block")
    assert (under_way.status, under_way.desired_copies) == ("Updating", 3)
    assert under_way.current_copies < 3
    desk.settle()
    arrived = view(desk, "block")
    assert (arrived.status, arrived.desired_copies, arrived.current_copies) == ("InService", 3, 3)


def test_a_second_change_meanwhile_is_in_flight(desk: Desk) -> None:
    desk.endpoints.set_copies(change("block", 3), desk.now_s)
    outcome = desk.endpoints.set_copies(change("block", 4), desk.now_s)
    assert outcome.kind is OutcomeKind.IN_FLIGHT
    assert outcome.message
    desk.settle()
    assert view(desk, "block").desired_copies == 3
    assert desk.endpoints.set_copies(change("block", 4), desk.now_s).kind is OutcomeKind.ACCEPTED


def test_to_zero_and_back(desk: Desk) -> None:
    for copies in (0, 1):
        outcome = desk.endpoints.set_copies(change("block", copies), desk.now_s)
        assert outcome.kind is OutcomeKind.ACCEPTED
        desk.settle()
        assert view(desk, "block").current_copies == copies


def test_a_component_that_does_not_exist_is_not_found(desk: Desk) -> None:
    outcome = desk.endpoints.set_copies(change("missing", 1), desk.now_s)
    assert outcome.kind is OutcomeKind.NOT_FOUND


# ---------------------------------------------------------------- SageMaker alone


def test_a_large_endpoint_is_listed_page_by_page(cloud_desk: CloudDesk) -> None:
    calls: list[str] = []
    cloud_desk.sagemaker.meta.events.register(
        "before-call.sagemaker.ListInferenceComponents",
        lambda params, **_: calls.append(params["body"]),
    )
    for number in range(248):
        cloud_desk.adapt(f"model-{number:03d}", "block")
    names = [row.name for row in cloud_desk.endpoints.list_components("code")]
    assert names == ["block", "inline", *(f"model-{number:03d}" for number in range(248))]
    assert len(calls) == 3


@pytest.mark.parametrize(
    ("suspended", "owned"),
    [
        pytest.param({}, True, id="nothing"),
        pytest.param({"DynamicScalingInSuspended": True}, True, id="scale in"),
        pytest.param(
            {"DynamicScalingInSuspended": True, "DynamicScalingOutSuspended": True},
            True,
            id="schedules still act",
        ),
        pytest.param(
            {
                "DynamicScalingInSuspended": True,
                "DynamicScalingOutSuspended": True,
                "ScheduledScalingSuspended": True,
            },
            False,
            id="everything",
        ),
    ],
)
def test_what_of_autoscaling_is_suspended(
    cloud_desk: CloudDesk, suspended: dict[str, bool], owned: bool
) -> None:
    cloud_desk.own("block", **suspended)
    assert ("block" in cloud_desk.endpoints.scalable_targets(["block"])) is owned


def test_owners_of_many_components_take_a_call_for_fifty(cloud_desk: CloudDesk) -> None:
    calls: list[Any] = []
    cloud_desk.autoscaling.meta.events.register(
        "before-call.application-autoscaling.DescribeScalableTargets",
        lambda params, **_: calls.append(params),
    )
    cloud_desk.own("inline")
    names = [f"model-{number}" for number in range(119)]
    assert cloud_desk.endpoints.scalable_targets([*names, "inline"]) == {"inline"}
    assert len(calls) == 3


def test_an_endpoint_in_creation_has_no_instances_yet(cloud: LocalCloud) -> None:
    desk = CloudDesk(cloud)
    desk.sagemaker.create_endpoint(EndpointName="young", EndpointConfigName="code-1")
    found = desk.endpoints.describe_endpoint("young")
    assert found is not None
    assert found.status == "Creating"
    assert all(v.current_instances == 0 for v in found.variants.values())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param({"code": "ResourceLimitExceeded"}, OutcomeKind.QUOTA, id="quota"),
        pytest.param({"code": "AccessDeniedException"}, OutcomeKind.DENIED, id="denied"),
        pytest.param(
            {
                "code": "ValidationException",
                "message": "There is not enough hardware resources on the instances",
            },
            OutcomeKind.NO_ROOM,
            id="no room",
        ),
        pytest.param({"code": "ValidationException"}, OutcomeKind.INVALID, id="invalid"),
    ],
)
def test_refusals_are_outcomes(
    cloud: LocalCloud, cloud_desk: CloudDesk, error: dict[str, str], kind: OutcomeKind
) -> None:
    cloud.faults.fail(
        "sagemaker", "UpdateInferenceComponentRuntimeConfig", status=400, times=1, **error
    )
    assert cloud_desk.endpoints.set_copies(change("block", 2), cloud_desk.now_s).kind is kind


def test_throttling_that_passes_is_not_noticed(cloud: LocalCloud, cloud_desk: CloudDesk) -> None:
    cloud.faults.throttle("sagemaker", "UpdateInferenceComponentRuntimeConfig", times=2)
    outcome = cloud_desk.endpoints.set_copies(change("block", 2), cloud_desk.now_s)
    assert outcome.kind is OutcomeKind.ACCEPTED


def test_throttling_that_stays_is_an_outcome(cloud: LocalCloud, cloud_desk: CloudDesk) -> None:
    cloud.faults.throttle("sagemaker", "UpdateInferenceComponentRuntimeConfig", times=9)
    outcome = cloud_desk.endpoints.set_copies(change("block", 2), cloud_desk.now_s)
    assert outcome.kind is OutcomeKind.THROTTLED


@pytest.mark.parametrize("lost", [1, 9], ids=["the first reply", "all replies"])
def test_a_lost_reply_leaves_open_what_happened_and_repeating_is_harmless(
    cloud: LocalCloud, cloud_desk: CloudDesk, lost: int
) -> None:
    switch = cloud.faults.drop_reply(
        "sagemaker", "UpdateInferenceComponentRuntimeConfig", times=lost
    )
    outcome = cloud_desk.endpoints.set_copies(change("block", 3), cloud_desk.now_s)
    assert outcome.kind is OutcomeKind.UNKNOWN
    switch.off()
    cloud_desk.settle()
    assert view(cloud_desk, "block").current_copies == 3
    again = cloud_desk.endpoints.set_copies(change("block", 3), cloud_desk.now_s)
    assert again.kind is OutcomeKind.ACCEPTED
    cloud_desk.settle()
    assert view(cloud_desk, "block").current_copies == 3


def test_a_component_that_cannot_be_read_now_is_left_out(
    cloud: LocalCloud, cloud_desk: CloudDesk
) -> None:
    cloud.faults.throttle("sagemaker", "DescribeInferenceComponent", times=3)
    described = cloud_desk.endpoints.describe_components(["block", "inline"], cloud_desk.now_s)
    assert list(described) == ["inline"]


def test_after_three_that_cannot_be_read_no_more_are_tried(
    cloud: LocalCloud, cloud_desk: CloudDesk
) -> None:
    switch = cloud.faults.throttle("sagemaker", "DescribeInferenceComponent", times=99)
    names = ["block"] * 8
    assert cloud_desk.endpoints.describe_components(names, cloud_desk.now_s) == {}
    assert switch.hits == 3 * clients.ATTEMPTS


def test_not_being_allowed_to_read_is_an_error(cloud: LocalCloud, cloud_desk: CloudDesk) -> None:
    cloud.faults.fail(
        "sagemaker", "DescribeInferenceComponent", code="AccessDeniedException", status=400
    )
    with pytest.raises(PortError, match="DescribeInferenceComponent block: AccessDenied"):
        cloud_desk.endpoints.describe_components(["block"], cloud_desk.now_s)


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("DescribeEndpoint", lambda e: e.describe_endpoint("code")),
        ("ListInferenceComponents", lambda e: e.list_components("code")),
    ],
)
def test_reads_that_keep_failing_are_errors(
    cloud: LocalCloud, cloud_desk: CloudDesk, operation: str, call: Any
) -> None:
    cloud.faults.fail("sagemaker", operation, times=9)
    with pytest.raises(PortError, match="InternalFailure"):
        call(cloud_desk.endpoints)


@pytest.mark.parametrize("workers", [1, 4])
def test_describing_stops_when_its_time_is_over(cloud_desk: CloudDesk, workers: int) -> None:
    seconds = iter(range(100))
    endpoints = cloud_desk.endpoints
    endpoints.workers, endpoints.budget_s = workers, 4.0
    endpoints.elapsed_s = lambda: float(next(seconds))
    names = ["block", "inline", *(f"missing-{number}" for number in range(7))]
    # One reading of the clock sets the limit, then one comes before each call: three are in time.
    assert len(endpoints.describe_components(names, cloud_desk.now_s)) == 3


def test_an_adapter_component_has_no_resources(cloud_desk: CloudDesk) -> None:
    cloud_desk.adapt("tuned", "block")
    cloud_desk.settle()
    found = view(cloud_desk, "tuned")
    assert found.resources is None
    assert found.status == "InService"


def test_what_botocore_may_leave_out_is_not_needed(cloud_desk: CloudDesk) -> None:
    answer = cloud_desk.sagemaker.describe_inference_component(InferenceComponentName="block")
    del answer["RuntimeConfig"]
    answer["Specifications"] = [answer.pop("Specification")]
    answer["FailureReason"] = "rolled back"
    found = component_view(answer, 7)
    assert (found.desired_copies, found.current_copies) == (0, 0)
    assert (found.resources, found.failure_reason) == (RESOURCES, "rolled back")
