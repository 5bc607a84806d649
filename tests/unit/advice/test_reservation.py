"""What could be reserved instead: never less than the most that was measured and the margin."""

from typing import Any

import pytest

from icscaler.entities import CopyResources
from icscaler_sim.advice import Reservation, ReservationRules, reservations
from icscaler_sim.traces import MeasuredUse, Resource

COPY = CopyResources(gpus=2, cpus=8.0, memory_mb=32_768)
DAY_S = 86_400


def use(resource: Resource, most: float, of: float | None, measured_s: int = DAY_S) -> MeasuredUse:
    return MeasuredUse("m", resource, of, most / 2, most, most, measured_s)


def judged(one: MeasuredUse | None, resource: Resource, **keys: Any) -> Reservation:
    measured: dict[Resource, MeasuredUse] = {} if one is None else {resource: one}
    wanted = {"component": True, "called": True} | keys
    return reservations(COPY, measured, ReservationRules(), **wanted)[resource]


@pytest.mark.parametrize(
    ("measured", "could", "lower", "why"),
    [
        pytest.param(
            use("cpus", 20.0, 8.0), 2.0, True, "could be lower", id="a fifth, a quarter more"
        ),
        pytest.param(
            use("cpus", 21.0, 8.0), 2.25, True, "could be lower", id="up to a quarter vCPU"
        ),
        pytest.param(
            use("memory_mb", 40.0, 32_768.0), 16_384.0, True, "could be lower", id="memory"
        ),
        pytest.param(
            use("memory_mb", 0.0, 32_768.0), 256.0, True, "could be lower", id="never nothing"
        ),
        pytest.param(use("cpus", 76.0, 8.0), 7.75, False, "as it should be", id="not worth it"),
        pytest.param(use("cpus", 90.0, 8.0), 9.0, False, "more would be safer", id="little room"),
        pytest.param(
            use("cpus", 100.0, 8.0), None, False, "all of it was used, or more", id="full"
        ),
        pytest.param(
            use("cpus", 20.0, None), None, False, "what a copy reserves is not known", id="?"
        ),
        pytest.param(
            use("cpus", 20.0, 8.0, 7200), 2.0, False, "measured for 2.0 h only", id="short"
        ),
        # AWS has twice the memory reserved that the fleet file says: percent are of AWS's.
        pytest.param(
            use("memory_mb", 60.0, 65_536.0), 49_152.0, False, "more would be safer", id="AWS's"
        ),
        pytest.param(use("gpus", 10.0, 2.0), None, False, "GPUs come whole", id="GPU time"),
        pytest.param(use("gpu_memory", 30.0, None), 1.0, False, "GPUs come whole", id="GPU memory"),
        pytest.param(use("gpu_memory", 90.0, None), None, False, "GPUs come whole", id="full GPUs"),
    ],
)
def test_what_could_be_reserved_and_whether_it_may(
    measured: MeasuredUse, could: float | None, lower: bool, why: str
) -> None:
    found = judged(measured, measured.resource)
    assert (found.could, found.lower, found.why) == (could, lower, why)
    if could is not None and measured.reserved is not None:
        assert could >= measured.reserved * measured.most_percent / 100 * 1.25 - 1e-6


def test_nothing_is_lowered_that_was_not_seen_at_work() -> None:
    assert judged(None, "cpus").why == "not measured"
    assert judged(use("cpus", 20.0, 8.0), "cpus", called=False).why == "nobody called it"
    whole = judged(use("cpus", 20.0, 8.0), "cpus", component=False)
    assert (whole.could, whole.lower, whole.why) == (None, False, "a copy is a whole instance")


def test_used_is_in_the_resources_unit() -> None:
    found = judged(use("memory_mb", 50.0, 32_768.0), "memory_mb")
    assert (found.used, found.most) == (8192.0, 16_384.0)
    assert judged(use("memory_mb", 50.0, None), "memory_mb").used is None
