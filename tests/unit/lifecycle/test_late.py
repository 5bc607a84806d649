"""Why a warm-up's model is late: the first reason that holds, in words of use."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from icscaler.adapters.memory import MemoryStateStore
from icscaler.entities import EndpointConfig, Override
from icscaler.ports import DecisionRecord, FleetPointer
from icscaler.warm_up.record import Target, WarmUpRecord
from icscaler.warm_up.steps import why_not
from tests.unit.core.build import T0, config, model, view

POINTER = FleetPointer("v1", ("shared",))
TARGET = Target("m", "shared", T0 - 600)
RECORD = WarmUpRecord("run", 2, T0 - 60, T0 + 600, [TARGET])
CEILING = Override(T0 + 60, "retire/1", max_copies=1)


def told(
    seen: Any, pointer: FleetPointer = POINTER, published: EndpointConfig | None = None
) -> str:
    deps: Any = SimpleNamespace(store=MemoryStateStore())
    decided = DecisionRecord(
        *("shared", "m", T0 - 30, 1, 1, "Accepted"), ("NoRoom 1",), "v1", "a1", "no GPU is free"
    )
    deps.store.record([decided], None)
    return why_not(TARGET, seen, (pointer, published or config()), RECORD, deps, T0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"paused": True}, "it is paused: `icscaler status` says by what"),
        ({"paused_endpoints": ("shared",)}, "it is paused: `icscaler status` says by what"),
        ({"paused_models": ("m",)}, "it is paused: `icscaler status` says by what"),
        (
            {"paused_models": ("other",)},
            "the controller asks for 1 copies: NoRoom 1 no GPU is free",
        ),
    ],
)
def test_switches(change: dict[str, Any], says: str) -> None:
    assert told(view("m", 1), replace(POINTER, **change)) == says


@pytest.mark.parametrize(
    ("published", "says"),
    [
        (config(model(paused=True)), "it is paused: `icscaler status` says by what"),
        (config(model(observe=True)), "it is observed only, by the fleet file"),
        (config(model(overlays=(CEILING,))), "its ceiling is 1 (retire/1)"),
        (config(model("other")), "it is not in the published fleet any more"),
    ],
    ids=["paused", "observed", "ceiling", "left"],
)
def test_what_the_fleet_says(published: EndpointConfig, says: str) -> None:
    assert told(view("m", 1), published=published) == says


def test_what_sagemaker_says() -> None:
    assert told(None) == "the component does not exist"
    broken = replace(view("m", 2), status="Failed", failure_reason="out of disk")
    assert told(broken) == "Failed: out of disk"
    starting = replace(view("m", 2), current_copies=1)
    assert told(starting) == "1 of 2 copies have started"
