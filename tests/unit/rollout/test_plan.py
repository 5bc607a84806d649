"""The plan: what is done where, whether it fits, what it costs, or why not."""

from dataclasses import replace
from typing import Any

import pytest

from icscaler.entities import CopyResources, Hold
from icscaler.rollout.entities import BatchWish, Gate, Refusal, Selector
from icscaler.rollout.plan import make_plan, refused_for
from icscaler.rollout.specification import as_requested, differences, shrinkage, wanted
from tests.unit.rollout.sights import AT_S, component, request, sight, specification


def refusals(plan: Any) -> set[Refusal]:
    return {problem.refusal for problem in plan.problems}


def test_a_patch_is_merged_on_what_is_deployed() -> None:
    plan = make_plan(request("a", batch=BatchWish(copies=2)), sight(component("a", copies=4)))
    step = plan.steps["a"]
    assert plan.problems == ()
    assert step.changes == ("Container.Image",)
    assert step.wanted["Container"] == {"Image": "llm:2", "Environment": {"A": "1"}}
    assert (step.batch_copies, step.batches, step.copies) == (2, 2, 4)
    assert [wave.components for wave in plan.waves] == [("a",)]
    # Two batches of starting, baking and draining, and a moment at the end; then the gate.
    assert plan.eta_s == 2 * (300 + 60 + 120) + 30 + 300


def test_a_single_model_variant_is_no_component_to_roll_out() -> None:
    seen = sight(component("a"), component("b"))
    config = seen.endpoints["shared"]
    config.models["b"] = replace(config.models["b"], kind="variant")
    (problem,) = make_plan(request("a", "b"), seen).problems
    assert (problem.refusal, problem.component) == (Refusal.UNKNOWN_COMPONENT, "b")
    assert "UpdateEndpoint" in problem.text
    everything = make_plan(replace(request("a"), components=Selector(patterns=("*",))), seen)
    assert (list(everything.steps), everything.problems) == (["a"], ())


def test_nothing_to_do_is_a_success() -> None:
    same = request("a", patch={"Container": {"Image": "llm:1"}})
    plan = make_plan(same, sight(component("a")))
    assert (plan.waves, plan.problems, plan.unchanged) == ((), (), ("a",))


@pytest.mark.parametrize(
    ("change", "more", "refusal"),
    [
        pytest.param({"status": "Updating"}, {}, Refusal.NOT_IN_SERVICE, id="in flight"),
        pytest.param({"scalable_target": True}, {}, Refusal.OTHER_OWNER, id="owned"),
        pytest.param(
            {},
            {"holds": {"shared": {"a": Hold("rollout/other", AT_S + 60)}}},
            Refusal.OTHER_ROLLOUT,
            id="held",
        ),
        pytest.param({}, {"paused": frozenset({"a"})}, Refusal.PAUSED, id="paused"),
        pytest.param(
            {"desired_copies": 8, "current_copies": 8}, {}, Refusal.NO_ROOM, id="packed full"
        ),
    ],
)
def test_refusals_about_a_component(
    change: dict[str, Any], more: dict[str, Any], refusal: Refusal
) -> None:
    plan = make_plan(request("a"), sight(component("a", **change), **more))
    assert refusals(plan) == {refusal}


def test_an_expired_hold_is_no_obstacle() -> None:
    holds = {"shared": {"a": Hold("rollout/other", AT_S)}}
    assert make_plan(request("a"), sight(component("a"), holds=holds)).problems == ()


@pytest.mark.parametrize(
    ("alarms", "refusal"),
    [({"slow": "ALARM"}, Refusal.ALARM_FIRING), ({}, Refusal.ALARM_MISSING)],
    ids=["firing", "missing"],
)
def test_refusals_about_alarms(alarms: dict[str, str], refusal: Refusal) -> None:
    asked = request("a", gate=Gate(alarms=("slow",)))
    assert refusals(make_plan(asked, sight(component("a"), alarms=alarms))) == {refusal}


def test_unknown_and_empty_selections_are_refused() -> None:
    asked = request("b")
    assert refusals(make_plan(asked, sight(component("a")))) == {
        Refusal.UNKNOWN_COMPONENT,
        Refusal.NOTHING_SELECTED,
    }
    told = make_plan(request("chat-l"), sight(component("chat-1"))).problems[0]
    assert told.text == "is not in the published fleet: did you mean chat-1?"


@pytest.mark.parametrize("later", [False, True])
def test_what_may_have_passed_by_then_refuses_no_later_start(later: bool) -> None:
    seen = sight(component("a", status="Updating"), component("b"))
    made = make_plan(request("a", "b", "c"), seen)
    found = {problem.component for problem in refused_for(made, later)}
    assert found == ({"c"} if later else {"a", "c"})


@pytest.mark.parametrize(
    ("selector", "chosen"),
    [
        (Selector(patterns=("chat-*",)), {"chat-1", "chat-2"}),
        (Selector(names=("code",), patterns=("*-2",)), {"chat-2", "code"}),
        (Selector(classes=("interactive",)), {"chat-1", "chat-2", "code"}),
        (Selector(labels=(("stage", "test"),)), {"code"}),
        (Selector(names=("chat-1",), labels=(("team", "a"), ("stage", "live"))), {"chat-1"}),
    ],
    ids=["pattern", "names and pattern", "class", "label", "all labels"],
)
def test_selection(selector: Selector, chosen: set[str]) -> None:
    asked = replace(request(), components=selector)
    seen = sight(component("chat-1"), component("chat-2"), component("code"))
    models = seen.endpoints["shared"].models
    models["code"] = replace(models["code"], labels=(("stage", "test"), ("team", "a")))
    assert set(make_plan(asked, seen).steps) == chosen


@pytest.mark.parametrize(
    ("copies", "other", "idle", "most", "room"),
    [
        pytest.param(2, 1, False, 1, ("sure", "now", 0), id="room now"),
        pytest.param(4, 4, True, 1, ("sure", "idle", 0), id="room once idle copies left"),
        pytest.param(8, 0, True, 1, ("no", "never", 0), id="its own idle copies stay"),
        pytest.param(4, 4, False, 2, ("sure", "instances", 1), id="room on one more instance"),
        pytest.param(4, 4, False, 1, ("no", "never", 0), id="no room"),
    ],
)
def test_whether_a_batch_fits(
    copies: int, other: int, idle: bool, most: int, room: tuple[str, str, int]
) -> None:
    seen = sight(
        component("a", copies=copies),
        component("b", copies=other),
        most=most,
        idle=frozenset({"a", "b"} if idle else ()),
    )
    found = make_plan(request("a"), seen).steps["a"].room
    assert (found.fit, found.when, found.instances_more) == room


def test_places_kept_for_other_rollbacks_count_as_taken() -> None:
    hold = Hold("rollout/x", AT_S + 60, AT_S, 4, CopyResources(1, 0.0, 16384))
    seen = sight(component("a", copies=4), component("b"), holds={"shared": {"b": hold}})
    assert refusals(make_plan(request("a"), seen)) == {Refusal.NO_ROOM}


def test_extra_instances_cost_minutes_and_dollars() -> None:
    seen = sight(component("a", copies=8), most=2, prices_per_hour={"ml.p4d.24xlarge": 30.0})
    plan = make_plan(request("a"), seen)
    assert plan.extra_instance_minutes > 0
    assert plan.extra_dollars == round(plan.extra_instance_minutes * 0.5, 2)
    assert make_plan(request("a"), replace(seen, prices_per_hour={})).extra_dollars is None


@pytest.mark.parametrize(
    ("on_peak", "raise_to", "refused"),
    [("raise", 6, set()), ("ignore", None, set()), ("refuse", None, {Refusal.PEAK_AHEAD})],
)
def test_a_peak_ahead(on_peak: Any, raise_to: int | None, refused: set[Refusal]) -> None:
    seen = sight(component("a", copies=3), peak_copies={"a": 6})
    plan = make_plan(request("a", on_peak=on_peak), seen)
    assert refusals(plan) == refused
    assert plan.steps["a"].raise_to == raise_to


def test_zero_copies_are_replaced_at_once_and_woken_for_proof() -> None:
    step = make_plan(request("a"), sight(component("a", copies=0))).steps["a"]
    assert (step.copies, step.batch_copies, step.batches, step.raise_to) == (0, 0, 0, None)
    full = sight(component("a", copies=0), component("b", copies=8))
    assert refusals(make_plan(request("a"), full)) == {Refusal.NO_ROOM}


def test_adapters_follow_their_base_in_its_wave() -> None:
    adapter = {"BaseInferenceComponentName": "a", "Container": {"ArtifactUrl": "s3://m/1"}}
    seen = sight(component("a"), component("x", specification=adapter, copies=0), component("b"))
    asked = request("a", "b", "x", patch={"Container": {"ArtifactUrl": "s3://m/2"}})
    plan = make_plan(asked, seen)
    assert [wave.components for wave in plan.waves] == [("a", "x"), ("b",)]
    assert plan.steps["x"].adapter
    assert plan.steps["x"].batch_copies == 0


# ---------------------------------------------------------------- specifications


def test_the_image_as_shown_is_the_image_as_asked_for() -> None:
    shown = specification()
    shown["Container"] = {
        "DeployedImage": {"SpecifiedImage": "llm:1", "ResolvedImage": "llm@sha256:1"},
        "Environment": {"A": "1"},
    }
    shown["ComputeResourceRequirements"]["NumberOfAcceleratorDevicesRequired"] = 1.0
    assert as_requested(shown) == specification()


def test_null_removes_and_mappings_merge() -> None:
    patch = {"Container": {"Environment": {"A": None, "B": "2"}}}
    new = wanted(specification(), None, patch)
    assert new["Container"]["Environment"] == {"B": "2"}
    assert differences(specification(), new) == (
        "Container.Environment.A",
        "Container.Environment.B",
    )


def test_what_a_smaller_copy_gives_up() -> None:
    old, new = CopyResources(2, 4.0, 1000), CopyResources(1, 4.0, 2000)
    assert shrinkage(old, new) == CopyResources(1, 0.0, 0)
    assert shrinkage(new, replace(new, gpus=3)) is None
