"""Groups: woken together, kept together, unloaded together; told about when they don't fit."""

from dataclasses import replace

import pytest

from icscaler import groups
from icscaler.entities import ModelConfig, OutcomeKind
from icscaler.ports import Allowance
from icscaler.reasons import Notice
from tests.unit.core.build import config, gpus, model, view
from tests.unit.usecases.desk import Desk, endpoint_view


def group_of(*changes: dict[str, object], **common) -> list[ModelConfig]:
    names = "abcdef"
    return [
        model(names[index], group="codegen", idle_s=600, **{**common, **change})
        for index, change in enumerate(changes)
    ]


def desk_of(*models: ModelConfig, instances: int = 2) -> Desk:
    """Nobody has a copy, and nothing was ever heard of anybody."""
    desk = Desk(config(*models))
    views = [view(m.name, 0, resources=m.resources) for m in models]
    desk.endpoints.add(endpoint_view(instances), *views)
    return desk


def tick(desk: Desk, **loads: float):
    """A minute in which only the named models are asked for."""
    desk.at_s += 60
    desk.endpoints.settle(desk.at_s)
    desk.store.grant_allowance(Allowance(10, 0, desk.at_s + 150))
    for name in desk.config.models:
        desk.load(loads.get(name, 0.0), name)
    return desk.look()


def copies(desk: Desk) -> dict[str, int]:
    return {name: desk.copies(name) for name in desk.config.models}


def test_one_request_wakes_all_in_the_same_look_and_names_the_cause() -> None:
    desk = desk_of(*group_of({}, {}), model("other"))
    tick(desk, b=1.0)
    assert copies(desk) == {"a": 1, "b": 1, "other": 0}
    records = {r.component: r.steps for r in desk.store.records("shared", 0, desk.at_s + 1)}
    assert records["b"] == ("WokenByRefusedRequest 1",)
    assert records["a"] == ("Idle 0", "Group 1 by b")


def test_the_group_stays_while_any_member_is_used_and_goes_as_one() -> None:
    desk = desk_of(*group_of({}, {}, {}))
    tick(desk, a=1.0)
    for _ in range(40):
        tick(desk, c=2.0)
        assert copies(desk) == {"a": 1, "b": 1, "c": 1}
    seen = set()
    for _ in range(30):
        tick(desk)
        seen.add(tuple(copies(desk).values()))
    assert seen == {(1, 1, 1), (0, 0, 0)}


def test_a_member_held_by_a_guard_holds_the_others() -> None:
    slow = replace(model().limits, minimum_life_s=3000)
    desk = desk_of(*group_of({"limits": slow}, {}))
    tick(desk, b=1.0)
    for _ in range(20):
        tick(desk)
    decision = tick(desk).plan.decisions["b"]
    assert copies(desk) == {"a": 1, "b": 1}
    assert [str(s.reason) for s in decision.steps] == ["Idle", "Group"]
    assert decision.steps[-1].by == "a"
    for _ in range(60):
        tick(desk)
    assert copies(desk) == {"a": 0, "b": 0}


def test_a_floor_calls_nobody() -> None:
    desk = desk_of(*group_of({"min_copies": 1}, {}))
    tick(desk)
    assert copies(desk) == {"a": 1, "b": 0}


def test_copies_above_the_first_are_each_members_own() -> None:
    desk = desk_of(*group_of({}, {}))
    tick(desk, a=1.0)
    for _ in range(10):
        tick(desk, a=35.0)
    assert copies(desk) == {"a": 4, "b": 1}


@pytest.mark.parametrize("change", [{"paused": True}, {"observe": True}, {"max_copies": 0}])
def test_who_can_not_run_calls_nobody_and_is_called_in_vain(change: dict[str, object]) -> None:
    desk = desk_of(*group_of(change, {}))
    tick(desk, a=1.0)
    assert copies(desk) == {"a": 0, "b": 0}
    tick(desk, b=1.0)
    assert copies(desk) == {"a": 0, "b": 1}


def test_unknown_minutes_wake_nobody() -> None:
    desk = desk_of(*group_of({}, {}))
    desk.endpoints.add(endpoint_view(), view("a", 1), view("b", 0))
    for _ in range(10):
        desk.tick(None)
    assert copies(desk) == {"a": 1, "b": 0}


def test_a_group_that_does_not_fit_says_so_once() -> None:
    big = {"resources": gpus(8)}
    desk = desk_of(*group_of(big, {**big, "worth": 1.0}), instances=1)
    told = tick(desk, a=1.0).plan.notices
    assert copies(desk) == {"a": 1, "b": 0}
    assert [(n.notice, n.subject) for n in told] == [(Notice.GROUP_INCOMPLETE, "codegen")]
    assert told[0].text == (
        "Group codegen on shared is not complete: there is no room for b beside a."
    )
    assert not tick(desk, a=1.0).plan.notices


def test_an_adapter_calls_its_base() -> None:
    base, adapter = model("base", idle_s=600), model("lora", group="g", adapter_of="base")
    found = groups.members(config(base, adapter, model("x", group="g"), model("y", group="h")))
    assert found == {"g": ("base", "lora", "x")} or found == {"g": ("lora", "base", "x")}


def test_a_member_that_aws_refused_is_called_again_later() -> None:
    desk = desk_of(*group_of({}, {}))
    desk.endpoints.refusals["b"] = OutcomeKind.NO_ROOM
    tick(desk, a=1.0)
    assert copies(desk)["b"] == 0
    told = tick(desk, a=1.0).plan.notices
    assert Notice.GROUP_INCOMPLETE in {n.notice for n in told}
    del desk.endpoints.refusals["b"]
    for _ in range(8):
        tick(desk, a=1.0)
    assert copies(desk) == {"a": 1, "b": 1}
