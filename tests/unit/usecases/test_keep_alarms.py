"""Keeping alarms: what a run does in the time it has, and what it never does."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from icscaler.adapters.memory import MemoryAlarms
from icscaler.adapters.memory_store import MemoryStateStore
from icscaler.alarm_plan import spike_alarm
from icscaler.keep_alarms import AlarmsOutcome, Deps, keep_alarms
from icscaler.ports import Overlay, PortError
from tests.unit.core.build import T0, config, model

PREFIX = "icscaler/"
WAKE_ALARM = "icscaler/refused-requests"


@pytest.fixture
def deps() -> Deps:
    return Deps(MemoryStateStore(), MemoryAlarms(), PREFIX)


def publish(deps: Deps, *components: str, others: int = 0) -> None:
    models = [model(name, spike_alarm=True) for name in components]
    models += [model(f"quiet-{n}") for n in range(others)]
    pointer = deps.store.fleet_pointer()
    before = pointer.version if pointer else None
    deps.store.publish({"shared": config(*models)}, f"{before or ''}v", before)


def run(deps: Deps, time_left_s: Callable[[], float] = lambda: 60.0) -> AlarmsOutcome:
    return keep_alarms(deps, T0, time_left_s)


def components(deps: Deps) -> list[str]:
    spikes = deps.alarms.find("icscaler/spike/")
    return sorted(name.rpartition("/")[2] for name in spikes)


def test_alarms_follow_the_fleet(deps: Deps) -> None:
    publish(deps, "a", "b")
    assert run(deps) == AlarmsOutcome("v", T0, created=2, alarms=2, usd_per_month=0.6)
    publish(deps, "b", "c")
    second = run(deps)
    assert (second.created, second.deleted, second.updated) == (1, 1, 0)
    assert components(deps) == ["b", "c"]


def test_a_run_with_nothing_to_do_writes_nothing(deps: Deps) -> None:
    publish(deps, "a", "b")
    run(deps)
    deps.alarms.calls.clear()
    assert run(deps).alarms == 2
    assert deps.alarms.calls == []


@pytest.mark.parametrize("found", [None, "lower"], ids=["of another kind", "another threshold"])
def test_drift_is_repaired(deps: Deps, found: str | None) -> None:
    publish(deps, "a")
    right = spike_alarm(PREFIX, "shared", "a", 10.0)
    deps.alarms.alarms[right.name] = found and spike_alarm(PREFIX, "shared", "a", 9.0)
    assert run(deps).updated == 1
    assert deps.alarms.alarms == {right.name: right}


@pytest.mark.parametrize(
    ("switch", "left"),
    [
        pytest.param({}, [], id="fleet"),
        pytest.param({"endpoint": "shared"}, [], id="endpoint"),
        pytest.param({"model": "a"}, ["b"], id="model"),
        pytest.param({"endpoint": "other"}, ["a", "b"], id="another endpoint"),
    ],
)
def test_what_is_paused_has_no_alarms_until_it_is_resumed(
    deps: Deps, switch: dict[str, str], left: list[str]
) -> None:
    publish(deps, "a", "b")
    run(deps)
    deps.store.set_paused(True, **switch)
    assert run(deps).alarms == len(left)
    assert components(deps) == left
    deps.store.set_paused(False, **switch)
    run(deps)
    assert components(deps) == ["a", "b"]


def test_what_there_was_no_time_for_is_done_next_time(deps: Deps) -> None:
    publish(deps, "a", "b", "c")
    left_s = iter([30.0, 10.0, -1.0])
    first = run(deps, lambda: next(left_s))
    assert (first.created, first.left, first.alarms) == (2, 1, 2)
    second = run(deps)
    assert (second.created, second.left, second.alarms) == (1, 0, 3)


def test_without_any_time_only_orphans_go(deps: Deps) -> None:
    publish(deps, "a")
    run(deps)
    publish(deps, "b")
    outcome = run(deps, lambda: 0.0)
    assert (outcome.deleted, outcome.created, outcome.left) == (1, 0, 1)


def test_the_fleet_wide_alarm_and_strangers_are_left_alone(deps: Deps) -> None:
    strange = {"icscaler-spike/x": None, "TargetTracking-a": None, WAKE_ALARM: None}
    deps.alarms.alarms |= strange
    publish(deps)
    assert run(deps).deleted == 0
    assert deps.alarms.alarms == strange


@pytest.mark.parametrize(
    ("wake_alarm", "usd"), [(True, 0.3 + 5 * 0.1), (False, 0.3)], ids=["with", "without"]
)
def test_the_fleet_wide_alarm_costs_by_models(deps: Deps, wake_alarm: bool, usd: float) -> None:
    if wake_alarm:
        deps.alarms.alarms[WAKE_ALARM] = None
    publish(deps, "a", others=4)
    assert run(deps).usd_per_month == pytest.approx(usd)


def test_before_anything_is_published_nothing_of_ours_should_exist(deps: Deps) -> None:
    deps.alarms.alarms["icscaler/spike/left-over"] = None
    outcome = run(deps)
    assert (outcome.version, outcome.deleted) == (None, 1)


def test_a_fleet_that_is_not_there_whole_deletes_nothing(
    deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(deps, "a")
    run(deps)
    monkeypatch.setattr(deps.store, "configuration", lambda endpoint, version: None)
    with pytest.raises(PortError, match="was replaced meanwhile"):
        run(deps)
    assert components(deps) == ["a"]


def lay(deps: Deps, endpoint: str, component: str, **keys) -> None:
    registered = model(component, spike_alarm=True)
    home = None if endpoint == "shared" else replace(config(), name=endpoint, models={})
    keys = {"until_s": None, **keys}
    overlay = Overlay(component, "onboard_model", model=registered, home=home, **keys)
    assert deps.store.put_overlay(endpoint, overlay)


def test_models_that_are_in_no_file_have_alarms_while_they_are_managed(deps: Deps) -> None:
    lay(deps, "fresh", "first")
    assert run(deps).created == 1, "before anything is published, too"
    publish(deps, "a")
    lay(deps, "shared", "second")
    lay(deps, "shared", "expired", until_s=T0)
    assert run(deps).alarms == 3
    assert components(deps) == ["a", "first", "second"]
    publish(deps, "a", "second")
    assert (run(deps).alarms, run(deps).updated) == (3, 0)
    deps.store.remove_overlay("fresh", "first", "onboard_model")
    assert run(deps).deleted == 1
    assert components(deps) == ["a", "second"]


def test_an_endpoint_that_goes_with_its_last_model_stops_nobody(
    deps: Deps, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(deps, "a")
    lay(deps, "fresh", "first")
    pointer = deps.store.fleet_pointer()
    deps.store.remove_overlay("fresh", "first", "onboard_model")
    monkeypatch.setattr(deps.store, "fleet_pointer", lambda: pointer)
    assert run(deps).created == 1
    assert components(deps) == ["a"]


def test_a_failure_in_the_middle_keeps_what_was_done(deps: Deps, monkeypatch) -> None:
    publish(deps, "a", "b", "c")
    put = deps.alarms.put

    def fail_at_b(alarm) -> None:
        if alarm.name.endswith("/b"):
            raise PortError("cloudwatch PutMetricAlarm: LimitExceeded")
        put(alarm)

    monkeypatch.setattr(MemoryAlarms, "put", lambda self, alarm: fail_at_b(alarm))
    with pytest.raises(PortError, match="LimitExceeded"):
        run(deps)
    assert components(deps) == ["a"]
