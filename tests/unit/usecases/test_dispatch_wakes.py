"""Wakes and alarms: what is noted, what is looked at, and how little a flood of them does."""

from dataclasses import replace

import pytest

from icscaler.dispatch import Cause, DispatchEvent, DispatchOutcome, dispatch
from icscaler.entities import Override
from icscaler.ports import Closing, EndpointSummary, Wake
from tests.unit.core.build import T0, config, model
from tests.unit.usecases.desk import Desk


@pytest.fixture
def desk() -> Desk:
    desk = Desk(config(model("m"), model("n")))
    publish(desk, desk.config, replace(config(model("other")), name="second"))
    return desk


def publish(desk: Desk, *configs) -> None:
    pointer = desk.store.fleet_pointer()
    assert pointer is not None
    version = f"v{int(pointer.version[1:]) + 1}"
    desk.store.publish({one.name: one for one in configs}, version, pointer.version)


def send(desk: Desk, cause: Cause, *components: str, at_s: int = T0, n: int = 1) -> DispatchOutcome:
    return dispatch(DispatchEvent(cause, at_s, f"event-{n}", components), desk.dispatch_deps)


def noted(desk: Desk, endpoint: str = "shared") -> dict[str, int]:
    pointer = desk.store.fleet_pointer()
    assert pointer is not None
    return desk.store.load(endpoint, pointer.version).wakes


def summarize(desk: Desk, endpoint: str, at_zero: int | None) -> None:
    lease = desk.store.acquire_lease(endpoint, "test", T0, 60)
    assert lease is not None
    desk.store.finish(lease, Closing({}, EndpointSummary(endpoint, T0, 2, 1, 0, at_zero), T0))


# ---------------------------------------------------------------- rate


@pytest.mark.parametrize("cause", [Cause.WAKE_REQUESTED, Cause.REQUESTS_REFUSED])
def test_a_thousand_wakes_in_a_minute_are_one_look_and_one_write(
    desk: Desk, cause: Cause, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    request_wake = desk.store.request_wake

    def counted(wake: Wake, every_s: int) -> bool:
        done = request_wake(wake, every_s)
        written.extend([wake.component] * done)
        return done

    monkeypatch.setattr(desk.store, "request_wake", counted)
    limited = [
        send(desk, cause, "m", at_s=T0 + n * 59 // 1000, n=n).limited for n in range(1000)
    ].count(("m",))
    assert (written, limited) == (["m"], 999)
    assert [message[0] for message in desk.queue.messages] == ["shared"]
    assert noted(desk) == {"m": T0}


def test_after_a_minute_a_wake_takes_effect_again(desk: Desk) -> None:
    send(desk, Cause.WAKE_REQUESTED, "m", n=1)
    assert send(desk, Cause.WAKE_REQUESTED, "m", at_s=T0 + 59, n=2).limited == ("m",)
    assert send(desk, Cause.WAKE_REQUESTED, "m", at_s=T0 + 60, n=3).woken == ("m",)
    assert noted(desk) == {"m": T0 + 60}


def test_an_event_that_lambda_sends_again_queues_what_it_could_not(desk: Desk) -> None:
    desk.queue.broken.add("shared")
    assert send(desk, Cause.WAKE_REQUESTED, "m").not_queued == ("shared",)
    desk.queue.broken.clear()
    again = send(desk, Cause.WAKE_REQUESTED, "m")
    assert (again.woken, again.queued) == (("m",), ("shared",))


def test_a_late_wake_is_older_news(desk: Desk) -> None:
    send(desk, Cause.WAKE_REQUESTED, "m", n=1)
    assert send(desk, Cause.WAKE_REQUESTED, "m", at_s=T0 - 500, n=2).limited == ("m",)
    assert noted(desk) == {"m": T0}


def test_components_are_limited_one_by_one(desk: Desk) -> None:
    send(desk, Cause.WAKE_REQUESTED, "m", n=1)
    outcome = send(desk, Cause.WAKE_REQUESTED, "m", "n", "n", "other", at_s=T0 + 1, n=2)
    assert (outcome.woken, outcome.limited) == (("n", "other"), ("m",))
    assert outcome.queued == ("second", "shared")


# ---------------------------------------------------------------- what no wake can bring back


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"max_copies": 0}, id="ceiling 0"),
        pytest.param({"paused": True}, id="paused"),
        pytest.param(
            {"overrides": (Override(T0 + 60, "launch", max_copies=0),)}, id="ceiling 0 for now"
        ),
        pytest.param({"overrides": (Override(T0 + 60, "move", paused=True),)}, id="paused for now"),
    ],
)
def test_a_model_that_may_not_run_is_not_woken(desk: Desk, change: dict) -> None:
    publish(desk, config(model("m", **change), model("n")))
    outcome = send(desk, Cause.WAKE_REQUESTED, "m")
    assert (outcome.unwakeable, outcome.queued, outcome.woken) == (("m",), (), ())
    assert noted(desk) == {}
    assert desk.queue.messages == []


@pytest.mark.parametrize(
    "switch",
    [{}, {"endpoint": "shared"}, {"model": "m"}],
    ids=["fleet", "endpoint", "model"],
)
def test_a_switch_that_pauses_stops_wakes_too(desk: Desk, switch: dict[str, str]) -> None:
    desk.store.set_paused(True, **switch)
    assert send(desk, Cause.WAKE_REQUESTED, "m").unwakeable == ("m",)
    desk.store.set_paused(False, **switch)
    assert send(desk, Cause.WAKE_REQUESTED, "m").woken == ("m",)


def test_a_paused_endpoint_in_the_fleet_file_stops_wakes_too(desk: Desk) -> None:
    publish(desk, config(model("m"), paused=True))
    assert send(desk, Cause.WAKE_REQUESTED, "m").unwakeable == ("m",)


@pytest.mark.parametrize(
    "override",
    [
        pytest.param(Override(T0, "over", max_copies=0), id="over"),
        pytest.param(Override(T0 + 90, "later", from_s=T0 + 60, max_copies=0), id="to come"),
        pytest.param(Override(T0 + 60, "launch", max_copies=2), id="in force, but room for one"),
    ],
)
def test_other_overrides_do_not_matter(desk: Desk, override: Override) -> None:
    publish(desk, config(model("m", overrides=(override,))))
    assert send(desk, Cause.WAKE_REQUESTED, "m").woken == ("m",)


def test_an_observed_model_is_woken_so_that_its_records_say_so(desk: Desk) -> None:
    publish(desk, config(model("m", observe=True)))
    assert send(desk, Cause.WAKE_REQUESTED, "m").woken == ("m",)


# ---------------------------------------------------------------- alarms


def test_the_alarm_on_refused_requests_wakes_whom_it_names(desk: Desk) -> None:
    outcome = send(desk, Cause.REQUESTS_REFUSED, "m")
    assert (outcome.woken, outcome.queued) == (("m",), ("shared",))
    assert noted(desk) == {"m": T0}


def test_strangers_in_the_alarm_are_nobodys_business(desk: Desk) -> None:
    outcome = send(desk, Cause.REQUESTS_REFUSED, "stranger")
    assert (outcome.unknown, outcome.queued) == (("stranger",), ())


@pytest.mark.parametrize(
    ("first", "second", "queued"),
    [
        pytest.param(1, 0, ("shared",), id="one has a model at zero"),
        pytest.param(0, 0, (), id="nobody has"),
        pytest.param(2, None, ("second", "shared"), id="unknown of one"),
    ],
)
def test_an_alarm_that_names_nobody_looks_where_models_are_at_zero(
    desk: Desk, first: int, second: int | None, queued: tuple[str, ...]
) -> None:
    summarize(desk, "shared", first)
    summarize(desk, "second", second)
    outcome = send(desk, Cause.REQUESTS_REFUSED)
    assert tuple(sorted(outcome.queued)) == queued
    assert noted(desk) == noted(desk, "second") == {}, "nobody is known to be wanted"


def test_an_alarm_that_names_nobody_collapses_by_minute_but_not_with_the_tick(desk: Desk) -> None:
    send(desk, Cause.TICK, at_s=T0)
    send(desk, Cause.REQUESTS_REFUSED, at_s=T0 + 20, n=1)
    send(desk, Cause.REQUESTS_REFUSED, at_s=T0 + 40, n=2)
    causes = [(endpoint, cause) for endpoint, _, cause in desk.queue.messages]
    assert sorted(causes) == [
        ("second", "RequestsRefused"),
        ("second", "Tick"),
        ("shared", "RequestsRefused"),
        ("shared", "Tick"),
    ]


def test_spikes_ask_for_a_look_and_wake_nobody(desk: Desk) -> None:
    outcome = send(desk, Cause.SPIKE, "m")
    assert (outcome.queued, outcome.woken) == (("shared",), ())
    assert noted(desk) == {}


def test_spikes_of_an_endpoint_collapse_within_ten_seconds(desk: Desk) -> None:
    start_s = T0 // 10 * 10
    for n, after_s in enumerate((0, 3, 9, 10, 12)):
        send(desk, Cause.SPIKE, "m" if n % 2 else "n", at_s=start_s + after_s, n=n)
    assert [(m[0], m[1]) for m in desk.queue.messages] == [
        ("shared", start_s),
        ("shared", start_s + 10),
    ]
