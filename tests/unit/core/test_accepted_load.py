"""Accepted load: the service time that is learned, what it costs to read, and the load it gives."""

from dataclasses import replace

import pytest

from icscaler.adapters import codec
from icscaler.entities import EndpointState, MetricMinute, ModelState
from icscaler.learned import ServiceTime
from icscaler.observe import series_requests
from icscaler.ownership import first_sight
from icscaler.policies import evidence
from icscaler.policies.accepted_load import (
    LATENCY_EVERY_S,
    latency_since_s,
    learn_service_time,
    load_in_flight,
    offered_load,
)
from tests.unit.core.build import T0, config, model, snapshot, view

SLOTS = 10
MODEL = model(concurrent_requests_per_copy=SLOTS)
HEARD = 600.0
TWO_S = ServiceTime(2.0)


def minute(
    index: int, requests: float, latency_s: float | None, in_flight: float | None
) -> MetricMinute:
    return MetricMinute(T0 + 60 * index, requests, in_flight, None, True, latency_s)


def learned(
    *minutes: MetricMinute, service: ServiceTime | None = None, copies: int = 1
) -> ServiceTime:
    by_start = {one.at_s: one for one in minutes}
    span_s = (T0, T0 + 60 * 1000)
    return learn_service_time(MODEL, service or ServiceTime(), by_start, lambda _: copies, span_s)


@pytest.mark.parametrize(
    ("requests", "latency_s", "in_flight", "copies", "is_taken"),
    [
        pytest.param(150, 2.0, 15, 1, True, id="a short peak over the slots, much room on average"),
        pytest.param(150, 2.0, 16, 1, False, id="a burst"),
        pytest.param(240, 2.0, 14, 1, False, id="so full that some must have waited"),
        pytest.param(2700, 2.0, 12, 10, True, id="many copies share their room"),
        pytest.param(2850, 2.0, 12, 10, False, id="many copies, no room left"),
        pytest.param(30, 2.0, 4, 0, False, id="nobody knows who served"),
    ],
)
def test_minutes_in_which_hardly_anybody_waited(
    requests: float, latency_s: float, in_flight: float, copies: int, is_taken: bool
) -> None:
    service = learned(minute(0, requests, latency_s, in_flight), copies=copies)
    assert service.mean_s == (latency_s if is_taken else None)


def test_requests_that_take_longer_than_known_are_learned_while_copies_stay_full() -> None:
    """A new version takes 6 s instead of 2: 150 a minute no longer fit one copy of ten slots."""
    service = learned(*(minute(index, 150, 2.0, 6) for index in range(30)))
    service = learned(*(minute(index, 150, 30.0, 80) for index in range(30)), service=service)
    load = offered_load(MODEL, minute(0, 150, None, 80), 1, service)
    assert load is not None
    assert load >= SLOTS, "enough to ask for more room, until a clean minute tells"
    service = learned(*(minute(index, 150, 6.0, 9) for index in range(30)), service=service)
    assert service.mean_s == pytest.approx(6.0, rel=0.05)


def test_the_mean_of_minutes_within_the_copies_slots() -> None:
    service = learned(minute(0, 10, 2.0, 4), minute(1, 30, 4.0, SLOTS))
    assert service.mean_s == pytest.approx(3.5)
    assert service.read_until_s == T0 + 60 * 1000


def test_minutes_with_waiting_teach_nothing_but_an_upper_bound() -> None:
    assert learned(minute(0, 600, 21.0, SLOTS + 1)).mean_s is None
    known = learned(minute(0, 40, 2.0, 4))
    assert learned(minute(1, 600, 21.0, 55), service=known).mean_s == 2.0
    assert learned(minute(1, 600, 1.0, 55), service=known).mean_s == pytest.approx(1.5, abs=0.1)


def test_a_minute_whose_requests_in_flight_are_not_known_may_have_waited() -> None:
    assert learned(minute(0, 40, 2.0, None)).mean_s is None


@pytest.mark.parametrize(
    "nothing", [minute(0, 0, 3.0, 0), minute(0, 5, None, 1), MetricMinute(T0)], ids=str
)
def test_a_minute_without_requests_or_latency_says_nothing(nothing: MetricMinute) -> None:
    assert learned(nothing) == ServiceTime(read_until_s=T0 + 60 * 1000)


def test_a_busy_model_follows_a_change_within_half_an_hour() -> None:
    service = learned(*(minute(index, 300, 1.0, 5) for index in range(100)))
    service = learned(*(minute(index, 300, 3.0, 9) for index in range(30)), service=service)
    assert service.mean_s == pytest.approx(3.0, abs=0.1)


def test_one_odd_request_does_not_move_a_rare_models_mean_much() -> None:
    service = learned(*(minute(index, 1, 2.0, 1) for index in range(100)))
    service = learned(minute(0, 1, 30.0, 1), service=service)
    assert service.mean_s == pytest.approx(2.0, rel=0.2)


def test_what_is_learned_survives_storing_to_the_byte() -> None:
    service = learned(*(minute(index, 7 + index, 1 / (3 + index), 3) for index in range(50)))
    stored = codec.encode(service)
    assert codec.decode(stored, ServiceTime) == service
    assert len(stored) < 120


# ---------------------------------------------------------------- what it costs to read


def known(**changes: object) -> ModelState:
    fields: dict = {
        "first_seen_s": T0,
        "observed_desired": 1,
        "observed_current": 1,
        "last_active_s": T0,
        "last_minute_s": T0,
        "last_heartbeat_s": T0,
    }
    return ModelState(**{**fields, **changes})


def asked_in_an_hour(service: ServiceTime, copies: int = 1, used: bool = True) -> int:
    """How many of 60 looks read the latency, and that none of it is read twice or left out."""
    asked, until_s = 0, service.read_until_s
    for look in range(60):
        horizon_s = T0 + 60 * look
        active_s = horizon_s + 120 if used else 0
        since_s = latency_since_s(MODEL, service, active_s, copies > 0, horizon_s)
        if since_s is None:
            continue
        asked += 1
        assert since_s == until_s
        until_s = horizon_s
        service = replace(service, read_until_s=horizon_s)
    return asked


def test_once_known_latency_is_read_four_times_an_hour() -> None:
    assert asked_in_an_hour(ServiceTime(2.0, 50, T0 - LATENCY_EVERY_S)) == 4


def test_unknown_it_is_read_in_every_look_that_has_a_new_minute() -> None:
    assert asked_in_an_hour(ServiceTime(None, 0, T0 - 60)) == 60


@pytest.mark.parametrize("mean_s", [2.0, None])
def test_of_a_model_nobody_calls_it_is_not_read(mean_s: float | None) -> None:
    assert asked_in_an_hour(ServiceTime(mean_s, 0, T0 - 60), used=False) == 0


def test_at_first_sight_an_hour_of_history_is_read() -> None:
    assert latency_since_s(MODEL, ServiceTime(), 0, True, T0) == T0 - 3600


def test_without_the_figure_of_what_a_copy_serves_nothing_is_read() -> None:
    assert latency_since_s(model(), ServiceTime(), T0, True, T0) is None
    told = {T0: minute(0, 9, 1.0, 1)}
    service = learn_service_time(model(), ServiceTime(), told, lambda _: 1, (T0, T0 + 60))
    assert service == ServiceTime()


def test_the_request_reaches_back_to_what_was_not_read_yet() -> None:
    endpoint = config(MODEL)
    service = ServiceTime(2.0, 50, T0 - 1200)
    state = EndpointState(models={"m": known(last_minute_s=T0 - 240, service=service)})
    (request,) = series_requests(endpoint, state, {"m": view("m")}, T0)
    assert request.latency
    assert request.start_s == T0 - 1200
    assert (request.invocations, request.concurrency, request.refused) == (True, True, False)
    fresh = replace(service, read_until_s=T0 - 300)
    state = EndpointState(models={"m": known(last_minute_s=T0 - 240, service=fresh)})
    (request,) = series_requests(endpoint, state, {"m": view("m")}, T0)
    assert not request.latency
    assert request.start_s == T0 - 180


def test_what_was_served_before_the_last_copy_left_is_still_read() -> None:
    service = ServiceTime(2.0, 50, T0 - 1200)
    state = EndpointState(models={"m": known(last_active_s=T0 - 600, service=service)})
    (request,) = series_requests(config(MODEL), state, {"m": view("m", 0)}, T0)
    assert request == replace(
        request, latency=True, invocations=True, concurrency=True, refused=True, heartbeat=False
    )


# ---------------------------------------------------------------- the load


def test_load_is_accepted_requests_times_service_time() -> None:
    assert offered_load(MODEL, minute(0, 300, None, 40), 1, TWO_S) == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("in_flight", "guess", "load"),
    [
        pytest.param(10.0, True, 8.0, id="its mean while nobody waits"),
        pytest.param(500.0, True, 160.0, id="a queue asks for eight times the copies at most"),
        pytest.param(500.0, False, 40.0, id="as evidence it says twice, no more"),
    ],
)
def test_before_the_service_time_is_known(in_flight: float, guess: bool, load: float) -> None:
    seen = minute(0, HEARD, None, in_flight)
    assert offered_load(MODEL, seen, 2, ServiceTime(), guess=guess) == load


def test_a_queue_nobody_could_read_leaves_no_peak_in_what_is_remembered() -> None:
    """A new model's first minutes are all full; its service time comes to be known later."""
    one = model("m", policy=None, concurrent_requests_per_copy=10, max_copies=40)
    at_s = T0 + 900
    full = [MetricMinute(at_s - 60 * ago, 9000.0, 4000.0, None, True) for ago in range(9, 0, -1)]
    seen = snapshot(at_s, view(copies=2), metrics={"m": tuple(full)})
    state = first_sight(config(one), seen.components["m"], T0)
    fresh = evidence.learn(config(one), one, state, seen)
    assert fresh is not None
    assert fresh.load == 160.0, "now: eight times what two copies serve"
    assert state.tournament is not None
    assert max(state.tournament.bases) == 40.0, "for the days to come: twice two full copies"


def test_the_running_minute_has_only_its_requests_in_flight() -> None:
    assert offered_load(MODEL, MetricMinute(T0, concurrency_per_copy=10.0), 2, TWO_S) == 8.0


@pytest.mark.parametrize(
    ("in_flight", "before", "elapsed_s", "load"),
    [
        pytest.param(10.0, None, 60, 8.0, id="nobody waits: a mean of four peaks at ten"),
        pytest.param(28.0, None, 60, 20.8, id="six of a mean of sixteen wait after a minute"),
        pytest.param(88.0, None, 60, 27.2, id="of a mean of 64, 54 wait after a minute"),
        pytest.param(88.0, 40.0, 60, 25.2, id="only what the queue grew by"),
        pytest.param(40.0, 88.0, 60, 20.0, id="a queue that shrinks: the slots are full"),
        pytest.param(
            88.0, None, 30, 27.2, id="the same queue in half the time: it grows no longer"
        ),
        pytest.param(28.0, None, 1, 22.4, id="never less than one publishing interval"),
    ],
)
def test_a_queue_tells_the_load_by_its_growth(
    in_flight: float, before: float | None, elapsed_s: int, load: float
) -> None:
    """Two copies of ten slots, two seconds a request."""
    last = MetricMinute(T0 - 60, concurrency_per_copy=before)
    now = MetricMinute(T0, concurrency_per_copy=in_flight)
    found = load_in_flight(MODEL, now, last, 2, TWO_S, T0 + elapsed_s)
    assert found == pytest.approx(load)


@pytest.mark.parametrize(
    ("in_flight", "rise_per_s", "load"),
    [
        pytest.param(28.0, 0.6, 22.4, id="ten seconds of it are published: the queue's own pace"),
        pytest.param(88.0, 0.6, 22.4, id="a long queue that grows slowly"),
        pytest.param(28.0, 9.0, 22.4, id="no more than what waits can have come in ten seconds"),
        pytest.param(88.0, -3.0, 20.0, id="a queue that shrinks: the slots are full"),
        pytest.param(10.0, 0.9, 8.0, id="nobody waits: the rise says nothing"),
    ],
)
def test_ten_second_points_tell_the_growth_whenever_they_are_read(
    in_flight: float, rise_per_s: float, load: float
) -> None:
    """Two copies of ten slots, two seconds a request; read 25 and 60 seconds into the minute."""
    now = MetricMinute(T0, concurrency_per_copy=in_flight, rise_per_s=rise_per_s)
    for elapsed_s in (25, 60):
        found = load_in_flight(MODEL, now, None, 2, TWO_S, T0 + elapsed_s)
        assert found == pytest.approx(load)


@pytest.mark.parametrize(
    ("mean", "peak", "deviations"),
    [
        pytest.param(4.0, 8, 2.0, id="calmer than assumed"),
        pytest.param(4.0, 12, 4.0, id="burstier than assumed"),
        pytest.param(4.0, 900, 10.0, id="no more than ten"),
        pytest.param(6.0, 20, 3.0, id="more than half full: some may have waited"),
        pytest.param(0.5, 3, 3.0, id="too few to tell"),
    ],
)
def test_how_far_peaks_lie_above_means_is_learned(
    mean: float, peak: float, deviations: float
) -> None:
    service = learned(*(minute(index, mean * 30, 2.0, peak) for index in range(600)))
    assert service.peak_deviations == pytest.approx(deviations, abs=0.01)
    before = replace(service, mean_s=2.0)
    if peak < 100:
        seen = MetricMinute(T0, concurrency_per_copy=mean + deviations * mean**0.5)
        assert load_in_flight(MODEL, seen, None, 1, before, T0) == pytest.approx(mean, rel=0.01)


def test_one_odd_minute_changes_little_of_it() -> None:
    service = learned(*(minute(index, 120, 2.0, 10) for index in range(600)))
    service = learned(minute(0, 120, 2.0, 40), service=service)
    assert service.peak_deviations == pytest.approx(3.1, abs=0.01)


def test_silence_is_no_load_and_absence_is_not_known() -> None:
    assert offered_load(MODEL, MetricMinute(T0, heartbeat=True), 1, TWO_S) == 0.0
    assert offered_load(MODEL, MetricMinute(T0), 1, TWO_S) is None
    assert offered_load(MODEL, MetricMinute(T0, refused=900.0), 0, TWO_S) is None
