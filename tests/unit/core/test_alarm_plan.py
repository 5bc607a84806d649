"""Which spike alarms should exist, and what to change so that they do."""

from dataclasses import fields, replace

import pytest

from icscaler import alarm_plan
from icscaler.alarm_plan import AlarmPlan, MetricAlarm, plan, spike_alarm, usd_per_month, wanted
from icscaler.entities import Override, TargetTracking
from tests.unit.core.build import T0, config, model

PREFIX = "icscaler/"


def alarm(component: str, target_value: float = 10.0) -> MetricAlarm:
    return spike_alarm(PREFIX, "shared", component, target_value)


def test_an_alarm_watches_ten_second_points_against_the_policys_target() -> None:
    endpoint = config(model("m", spike_alarm=True, policy=TargetTracking("concurrency", 24.0)))
    (found,) = wanted([endpoint], PREFIX).values()
    assert found == MetricAlarm(
        name="icscaler/spike/m",
        description=found.description,
        namespace="AWS/SageMaker",
        metric="ConcurrentRequestsPerCopy",
        dimensions=(("InferenceComponentName", "m"),),
        statistic="Maximum",
        period_s=10,
        periods=6,
        datapoints=1,
        comparison="GreaterThanThreshold",
        threshold=24.0,
        missing_data="notBreaching",
    )
    assert "copy of m than 24" in found.description
    assert "look at shared" in found.description


@pytest.mark.parametrize(("slots", "threshold"), [(1, 4.0), (10, 20.0), (32, 49.0), (256, 304.0)])
def test_with_an_objective_against_the_peak_of_a_copy_that_is_just_full(
    slots: int, threshold: float
) -> None:
    endpoint = config(model("m", spike_alarm=True, policy=None, concurrent_requests_per_copy=slots))
    (found,) = wanted([endpoint], PREFIX).values()
    assert found.threshold == threshold


def test_a_variants_alarm_watches_the_variants_metric() -> None:
    alone = model("m", spike_alarm=True, kind="variant", variant="blue", min_copies=1)
    (found,) = wanted([config(alone)], PREFIX).values()
    assert found.metric == "ConcurrentRequestsPerModel"
    assert found.dimensions == (("EndpointName", "shared"), ("VariantName", "blue"))
    assert found.name == "icscaler/spike/m"


@pytest.mark.parametrize(
    ("changes", "has_one"),
    [
        pytest.param({}, False, id="nobody asked"),
        pytest.param({"spike_alarm": True}, True, id="asked for"),
        pytest.param(
            {"spike_alarm": True, "policy": TargetTracking("invocations", 60.0)},
            False,
            id="the target is no concurrency",
        ),
        pytest.param({"spike_alarm": True, "max_copies": 1}, False, id="it can never grow"),
        pytest.param({"spike_alarm": True, "max_copies": 0}, False, id="it is switched off"),
        pytest.param(
            {
                "spike_alarm": True,
                "max_copies": 1,
                "overrides": (Override(T0, "launch", max_copies=3),),
            },
            True,
            id="it may grow for a while",
        ),
        pytest.param(
            {"spike_alarm": True, "overrides": (Override(T0, "quiet", max_copies=0),)},
            True,
            id="it may not grow for a while",
        ),
    ],
)
def test_who_has_an_alarm(changes: dict, has_one: bool) -> None:
    assert bool(wanted([config(model("m", **changes))], PREFIX)) is has_one


def test_models_of_all_endpoints_have_theirs() -> None:
    first = config(model("a", spike_alarm=True), model("b"))
    second = replace(config(model("c", spike_alarm=True)), name="second")
    assert sorted(wanted([first, second], PREFIX)) == ["icscaler/spike/a", "icscaler/spike/c"]


def test_orphans_go_missing_ones_come_drifted_ones_are_written_anew() -> None:
    asked = {a.name: a for a in (alarm("drifted"), alarm("fine"), alarm("missing"), alarm("odd"))}
    found = {a.name: a for a in (alarm("fine"), alarm("orphan"), alarm("drifted", 11.0))}
    assert plan(asked, {**found, alarm("odd").name: None}) == AlarmPlan(
        delete=("icscaler/spike/orphan",),
        create=(alarm("missing"),),
        update=(alarm("drifted"), alarm("odd")),
    )


@pytest.mark.parametrize("field", [f.name for f in fields(MetricAlarm) if f.name != "name"])
def test_every_property_of_an_alarm_can_drift(field: str) -> None:
    asked = alarm("m")
    other = {"dimensions": (("InferenceComponentName", "n"),), "actions_enabled": False}
    value = getattr(asked, field)
    changed = other.get(field, (value + 1) if isinstance(value, int | float) else f"other {value}")
    assert plan({asked.name: asked}, {asked.name: replace(asked, **{field: changed})}).put == (
        asked,
    )


@pytest.mark.parametrize(
    ("alarms", "watched", "usd"),
    [(0, 0, 0.0), (10, 0, 3.0), (0, 10, 1.0), (100, 100, 40.0), (1000, 1000, 400.0)],
)
def test_what_alarms_cost(alarms: int, watched: int, usd: float) -> None:
    assert usd_per_month(alarms, watched) == usd


def test_names_are_none_that_cloudformation_makes_up() -> None:
    assert "/" in alarm_plan.SPIKE
    assert alarm("m").name.startswith(PREFIX + alarm_plan.SPIKE)
