"""Where a new model goes: packing and headroom."""

from dataclasses import replace
from typing import Any

import pytest

from icscaler.entities import (
    CopyResources,
    EndpointConfig,
    EndpointView,
    ModelConfig,
    TargetTracking,
    VariantConfig,
    VariantView,
)
from icscaler.onboarding.choose import Candidate, Need, places
from icscaler.packing import Fit

ONE = CopyResources(1, 4.0, 16_384)
VARIANT = VariantConfig("ml.p4d.24xlarge", 8, 96.0, 589_824, max_instances=2)
POLICY = TargetTracking("concurrency", 16.0)


def model(name: str, **changes: Any) -> ModelConfig:
    return replace(ModelConfig(name, "main", ONE, POLICY, max_copies=4), **changes)


def candidate(
    name: str, *models: ModelConfig, there: int = 0, instances: int = 1, status: str = "InService"
) -> Candidate:
    config = EndpointConfig(name, "v", {"main": VARIANT}, {one.name: one for one in models})
    seen = VariantView("main", None, instances, instances, 0, 2)
    return Candidate(config, EndpointView(name, status, {"main": seen}), {"main": [ONE] * there})


def order(*candidates: Candidate, copies: int = 1) -> list[str]:
    found, _ = places(Need(ONE, copies, 4), candidates, 0)
    return [one.endpoint for one in found]


def test_running_instances_come_before_added_ones_and_sure_before_possible() -> None:
    full = candidate("a-full", there=8)
    crowded = candidate("b-crowded", *[model(f"m{n}") for n in range(9)], there=2)
    free = candidate("c-free", model("m"), there=2)
    assert order(full, crowded, free) == ["c-free", "b-crowded", "a-full"]


def test_a_single_model_variant_takes_no_component() -> None:
    _, refused = places(Need(ONE, 1, 4), [candidate("a", model("m", kind="variant"))], 0)
    assert "m has the variant to itself" in str(refused)


def test_why_tells_what_was_weighed() -> None:
    found, _ = places(Need(ONE, 1, 4), [candidate("a", there=8)], 0)
    assert found[0].more_instances
    assert found[0].fit is Fit.SURE
    assert found[0].why == (
        "room after an instance is added; the ceilings of all its models are 0.25 times what it "
        "can hold"
    )


@pytest.mark.parametrize(
    ("one", "says"),
    [
        (candidate("a", there=16, instances=2), "its copies fill all 2 instances"),
        (
            candidate("a", *[model(f"m{n}", min_copies=4) for n in range(4)]),
            "the floors of its models leave no room on 2 instances",
        ),
        (candidate("a", status="Failed"), "the endpoint is Failed"),
        (replace(candidate("a"), view=None), "the endpoint does not exist"),
        (
            replace(candidate("a"), view=EndpointView("a", "InService", {})),
            "the endpoint has no such variant",
        ),
    ],
)
def test_every_refusal_has_its_reason(one: Candidate, says: str) -> None:
    found, refused = places(Need(ONE, 1, 4), [one], 0)
    assert (found, refused) == ([], {"a/main": says})


def test_a_copy_larger_than_an_instance_fits_nowhere() -> None:
    _, refused = places(Need(CopyResources(16, 4.0, 1024), 1, 1), [candidate("a")], 0)
    assert refused == {"a/main": "one copy does not fit on an empty ml.p4d.24xlarge"}
