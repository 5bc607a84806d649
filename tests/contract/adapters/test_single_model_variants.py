"""Single-model variants through `ports.Endpoints` and `ports.Metrics`: in memory and on the local
cloud, whose SageMaker refuses what AWS does."""

from collections.abc import Iterator
from typing import Any

import pytest

from icscaler.entities import Change, OutcomeKind, VariantView
from icscaler.ports import SeriesRequest
from icscaler_localcloud.cloud import LocalCloud
from tests.contract.adapters.desks import FAST, LATENCY_S, CloudDesk, MemoryDesk

Desk = Any


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(world_settings=FAST, seed=1) as opened:
        yield opened


@pytest.fixture(params=["memory", "local cloud"])
def desk(request: pytest.FixtureRequest) -> Desk:
    desk: Desk = MemoryDesk()
    if request.param == "local cloud":
        desk = CloudDesk(request.getfixturevalue("cloud"))
    desk.add_pair()
    return desk


def change(variant: str, copies: int, endpoint: str = "pair") -> Change:
    return Change(f"model-{variant}", 1, copies, "a1", variant=(endpoint, variant))


def instances(desk: Desk) -> dict[str, tuple[int, int]]:
    """(current, desired) by variant."""
    view = desk.endpoints.describe_endpoint("pair")
    return {n: (v.current_instances, v.desired_instances) for n, v in view.variants.items()}


def test_they_have_no_limits_of_managed_scaling(desk: Desk) -> None:
    view = desk.endpoints.describe_endpoint("pair")
    assert view.variants == {name: VariantView(name, None, 1, 1) for name in ("blue", "green")}
    assert 0 < view.last_modified_s <= desk.now_s


def test_one_change_at_a_time_and_only_of_the_variant_it_is_for(desk: Desk) -> None:
    outcome = desk.endpoints.set_copies(change("blue", 3), desk.now_s)
    assert (outcome.kind, outcome.copies, outcome.message) == (OutcomeKind.ACCEPTED, 3, "")
    assert desk.endpoints.describe_endpoint("pair").status == "Updating"
    assert instances(desk) == {"blue": (1, 3), "green": (1, 1)}
    for other in (change("green", 2), change("blue", 4)):
        refused = desk.endpoints.set_copies(other, desk.now_s)
        assert refused.kind is OutcomeKind.IN_FLIGHT
        assert refused.message
    desk.settle()
    assert desk.endpoints.describe_endpoint("pair").status == "InService"
    assert instances(desk) == {"blue": (3, 3), "green": (1, 1)}
    assert desk.endpoints.set_copies(change("green", 2), desk.now_s).kind is OutcomeKind.ACCEPTED


def test_the_last_instance_stays(desk: Desk) -> None:
    assert desk.endpoints.set_copies(change("blue", 0), desk.now_s).kind is OutcomeKind.INVALID
    assert instances(desk)["blue"] == (1, 1)


@pytest.mark.parametrize(("endpoint", "variant"), [("pair", "red"), ("elsewhere", "blue")])
def test_what_is_not_there_is_not_found(desk: Desk, endpoint: str, variant: str) -> None:
    outcome = desk.endpoints.set_copies(change(variant, 2, endpoint), desk.now_s)
    assert outcome.kind is OutcomeKind.NOT_FOUND


def test_who_owns_the_instances(desk: Desk) -> None:
    assert desk.endpoints.scalable_variants("pair", ["blue", "green"]) == frozenset()
    desk.own_variant("pair", "green")
    assert desk.endpoints.scalable_variants("pair", ["blue", "green"]) == {"green"}
    assert desk.endpoints.scalable_variants("pair", ["blue"]) == frozenset()
    assert desk.endpoints.scalable_variants("other", ["green"]) == frozenset()


def test_weights_stay_as_they_are(cloud: LocalCloud) -> None:
    desk = CloudDesk(cloud)
    desk.add_pair()
    desk.endpoints.set_copies(change("blue", 2), desk.now_s)
    desk.settle()
    shown = desk.sagemaker.describe_endpoint(EndpointName="pair")["ProductionVariants"]
    assert {one["VariantName"]: one["DesiredWeight"] for one in shown} == {"blue": 3, "green": 1}


def test_metric_minutes_come_from_the_variants_own_series(cloud: LocalCloud) -> None:
    desk = CloudDesk(cloud)
    desk.add_pair()
    start_s = -(-desk.now_s // 60) * 60
    cloud.run_until(start_s)
    cloud.world.arrive(("pair", "blue"), 30, start_s, start_s + 60, output_tokens=10)
    cloud.run_until(start_s + 240)
    (minute, quiet, *_) = desk.metrics.minutes(
        [
            SeriesRequest(
                "model-blue",
                start_s,
                concurrency=True,
                latency=True,
                deadline_s=1000 * LATENCY_S,
                variant=("pair", "blue"),
            )
        ],
        desk.now_s,
    )["model-blue"]
    assert (minute.at_s, minute.invocations, minute.errors) == (start_s, 30, 0)
    assert minute.in_deadline_fraction == 1.0
    assert minute.latency_s == pytest.approx(LATENCY_S, rel=0.5)
    assert (minute.concurrency_per_copy or 0) > 0
    assert (quiet.at_s, quiet.invocations, quiet.heartbeat) == (start_s + 60, None, True)
