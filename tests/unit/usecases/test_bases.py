"""Adapters and their base: what is asked of the one is asked of the other."""

from dataclasses import replace

import pytest

from icscaler import bases
from icscaler.dispatch import Cause, DispatchEvent, dispatch
from icscaler.entities import CopyResources, MetricMinute
from tests.unit.core.build import T0, config, model
from tests.unit.usecases.desk import Desk

BASE = model("base", idle_s=600)
LORA = model("lora", adapter_of="base", resources=CopyResources(0, 0.0, 0))


@pytest.fixture
def desk() -> Desk:
    """A base and its adapter at zero copies, both seen and idle."""
    desk = Desk(config(BASE, LORA))
    for name in ("base", "lora"):
        components = desk.endpoints.components
        components[name] = replace(components[name], desired_copies=0, current_copies=0)
    for _ in range(2):
        desk.tick(0.0)
    assert desk.copies("base") == 0
    return desk


def test_a_wake_of_an_adapter_wakes_its_base(desk: Desk) -> None:
    desk.at_s += 10
    event = DispatchEvent(Cause.WAKE_REQUESTED, desk.at_s, "e-1", components=("lora",))
    assert dispatch(event, desk.dispatch_deps).woken == ("lora",)
    desk.look()
    assert (desk.copies("base"), desk.copies("lora")) == (1, 0)


def test_a_refused_request_to_an_adapter_wakes_its_base(desk: Desk) -> None:
    minute_s = desk.at_s - 60
    desk.metrics.put("lora", MetricMinute(minute_s, refused=1.0))
    desk.at_s += 10
    desk.look()
    assert desk.copies("base") == 1


@pytest.mark.parametrize(
    ("base", "adapters", "merged"),
    [
        pytest.param(3.0, [2.0, 4.0], 6.0, id="adapters counted apart"),
        pytest.param(9.0, [2.0, 4.0], 9.0, id="in the base's metric too"),
        pytest.param(None, [None, 4.0], 4.0, id="only an adapter has a point"),
        pytest.param(3.0, [None], 3.0, id="only the base has one"),
        pytest.param(None, [None], None, id="absence stays absence"),
    ],
)
def test_a_minute_of_a_base(base, adapters, merged) -> None:
    names = [f"lora-{number}" for number in range(len(adapters))]
    models = [model(name, adapter_of="base") for name in names]
    seen = {
        "base": (MetricMinute(T0, invocations=base, concurrency_per_copy=base, refused=base),),
        **{
            name: (MetricMinute(T0, count, count, count, heartbeat=True),)
            for name, count in zip(names, adapters, strict=True)
        },
    }
    (minute,) = bases.metrics(config(BASE, *models), seen)["base"]
    assert (minute.invocations, minute.concurrency_per_copy, minute.refused) == (merged,) * 3
    assert minute.heartbeat


def test_without_adapters_nothing_changes() -> None:
    seen = {"m": (MetricMinute(T0, invocations=1.0),)}
    assert bases.metrics(config(model()), seen) == seen
    assert bases.wakes(config(model()), {"m": 5, "stranger": 7}) == {"m": 5}
