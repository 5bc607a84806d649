"""Ceilings in GPUs: who is cut, by which one, and what is never cut."""

from dataclasses import replace

import pytest

from icscaler.decide import decide
from icscaler.entities import EndpointConfig, Limits, Override
from icscaler.gpu_ceilings import AskedCopy, Cut, GpuCeiling, Holder, cut
from icscaler.reasons import Reason
from tests.unit.core.build import config, gpus, minutes, model, snapshot, view
from tests.unit.core.test_decide import desired, reasons, settled

BATCH = GpuCeiling("class", "batch", 4, 16)
SEARCH = GpuCeiling("owner", "search", 3, 16)
YOUNG_MAY_GO = Limits(minimum_life_s=0)


def asked(name: str, *firm: bool) -> list[AskedCopy]:
    return [AskedCopy(name, number, each) for number, each in enumerate(firm, 1)]


@pytest.mark.parametrize(
    ("holders", "copies", "cuts"),
    [
        pytest.param(
            {"a": Holder(1, 0, ("class batch",))}, asked("a", *[False] * 4), {}, id="all fit"
        ),
        pytest.param(
            {"a": Holder(2, 0, ("class batch",))},
            asked("a", *[False] * 4),
            {"a": Cut(2, "class batch")},
            id="whole copies",
        ),
        pytest.param(
            {"a": Holder(1, 0, ("class batch", "owner search"))},
            asked("a", *[False] * 4),
            {"a": Cut(3, "owner search")},
            id="the tightest of two",
        ),
        pytest.param(
            {"a": Holder(2, 0, ("class batch",)), "b": Holder(1, 0, ())},
            [*asked("b", *[False] * 9), *asked("a", *[True] * 3)],
            {},
            id="floors and those without a ceiling are never cut",
        ),
        pytest.param(
            {"a": Holder(1, 0, ("class batch",)), "p": Holder(1, 3, ("class batch",), fixed=True)},
            asked("a", *[False] * 4),
            {"a": Cut(1, "class batch")},
            id="what nobody may write to counts",
        ),
        pytest.param(
            {"a": Holder(1, 0, ("class batch",)), "b": Holder(1, 4, ("class batch",))},
            [*asked("a", False, False), *asked("b", *[False] * 4)],
            {"a": Cut(0, "class batch"), "b": Cut(2, "class batch")},
            id="a copy that has not gone yet holds its GPUs",
        ),
    ],
)
def test_cuts(holders: dict[str, Holder], copies: list[AskedCopy], cuts: dict[str, Cut]) -> None:
    assert cut((BATCH, SEARCH), holders, copies) == cuts


def fleet(*ceilings: GpuCeiling) -> EndpointConfig:
    models = (
        model("dear", worth=50.0, class_name="batch", limits=YOUNG_MAY_GO),
        model("cheap", worth=1.0, class_name="batch", owner="search", limits=YOUNG_MAY_GO),
        model("other", worth=1.0, class_name="interactive", limits=YOUNG_MAY_GO),
    )
    return config(*models, gpu_ceilings=ceilings)


def decided(cfg: EndpointConfig, loads: dict[str, float], copies: dict[str, int]):
    state, at_s = settled(cfg, looks=3)
    metrics = {
        name: minutes(at_s, [copies[name] * 9.0] * 14 + [load], copies[name])
        for name, load in loads.items()
    }
    views = [view(name, count) for name, count in copies.items()]
    for name, count in copies.items():
        known = state.models[name]
        state.models[name] = replace(known, observed_desired=count, observed_current=count)
    return decide(cfg, state, snapshot(at_s, *views, metrics=metrics, instances=4), at_s)[1]


def test_growth_ends_at_the_ceiling_which_is_named_and_others_grow_on() -> None:
    """The dear one is worth all four GPUs, and has to wait for the one that the cheap one holds."""
    ones = dict.fromkeys(("dear", "cheap", "other"), 1)
    plan = decided(fleet(BATCH), dict.fromkeys(ones, 38.0), ones)
    assert [desired(plan, name) for name in ones] == [3, 0, 4]
    for name in ("dear", "cheap"):
        (step,) = [s for s in plan.decisions[name].steps if s.reason is Reason.MAX_GPUS]
        assert step.by == "class batch"
    assert Reason.MAX_GPUS not in reasons(plan, "other")


def test_the_copy_worth_least_leaves_before_the_dearer_one_grows() -> None:
    copies = {"dear": 1, "cheap": 3, "other": 1}
    plan = decided(fleet(BATCH), {"dear": 38.0, "cheap": 27.0, "other": 9.0}, copies)
    changes = {change.component: change.to_copies for change in plan.changes}
    assert "dear" not in changes, "it waits until a copy of the other has gone"
    assert changes["cheap"] < 3
    assert plan.decisions["cheap"].steps[-1].reason is not Reason.DISPLACED


def test_a_model_keeps_to_its_own_ceiling_whatever_is_scheduled() -> None:
    until_s = 2_000_000_000
    override = Override(until_s, "launch", min_copies=1, max_copies=8)
    two = model("m", resources=gpus(2), max_gpus=5, overrides=(override,))
    cfg = config(two)
    state, at_s = settled(cfg, looks=3)
    seen = snapshot(at_s, view("m", 1, resources=gpus(2)), instances=4)
    seen.metrics["m"] = minutes(at_s, [9.0] * 14 + [75.0])
    _, plan = decide(cfg, state, seen, at_s)
    assert (desired(plan), reasons(plan)[-1]) == (2, Reason.MAX_GPUS)
