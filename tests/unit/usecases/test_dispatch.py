"""Which looks an event asks for, and what dispatch grants."""

import pytest

from icscaler.adapters.memory import MemoryLookQueue, MemoryNotifier
from icscaler.adapters.memory_store import MemoryStateStore
from icscaler.dispatch import Cause, Deps, DispatchEvent, dispatch
from icscaler.ports import Closing, EndpointSummary, PortError
from icscaler.reasons import Notice
from tests.unit.core.build import T0, config, model
from tests.unit.usecases.desk import Desk


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    other = config(model("other"))
    other = type(other)("second", "v1", other.variants, other.models)
    desk.store.publish({"shared": desk.config, "second": other}, "v2", "v1")
    return desk


def event(cause: Cause, **changes) -> DispatchEvent:
    return DispatchEvent(cause, T0, "event-1", **changes)


def test_a_tick_queues_every_endpoint_once_a_minute(desk: Desk) -> None:
    outcome = dispatch(event(Cause.TICK), desk.dispatch_deps)
    assert sorted(outcome.queued) == ["second", "shared"]
    dispatch(event(Cause.TICK), desk.dispatch_deps)
    assert sorted(message[0] for message in desk.queue.messages) == ["second", "shared"]


def test_a_wake_is_noted_before_its_endpoint_is_queued(desk: Desk) -> None:
    outcome = dispatch(event(Cause.WAKE_REQUESTED, components=("m",)), desk.dispatch_deps)
    assert outcome.queued == ("shared",)
    assert desk.store.load("shared", "v2").wakes == {"m": T0}


def test_names_of_no_fleet_are_reported_and_ignored(desk: Desk) -> None:
    asked = event(Cause.WAKE_REQUESTED, components=("stranger", "m"))
    outcome = dispatch(asked, desk.dispatch_deps)
    assert (outcome.queued, outcome.unknown) == (("shared",), ("stranger",))
    foreign = dispatch(event(Cause.ENDPOINT_CHANGED, endpoints=("x",)), desk.dispatch_deps)
    assert (foreign.queued, foreign.unknown) == ((), ("x",))


def test_nothing_is_queued_before_a_fleet_is_published() -> None:
    empty = Deps(MemoryStateStore(), MemoryLookQueue(), MemoryNotifier())
    assert dispatch(event(Cause.TICK), empty).queued == ()


@pytest.mark.parametrize(
    ("copies", "allowance"),
    [pytest.param(8, 3, id="a small fleet may lose a few"), pytest.param(400, 40, id="a tenth")],
)
def test_the_allowance_is_a_share_of_the_fleet(desk: Desk, copies: int, allowance: int) -> None:
    _summarize(desk, copies=copies, models=9, blind=0)
    dispatch(event(Cause.TICK), desk.dispatch_deps)
    granted = desk.store.fleet(T0).allowance
    assert granted is not None
    assert granted.limit == allowance


def test_a_repeated_tick_grants_nothing_new(desk: Desk) -> None:
    dispatch(event(Cause.TICK), desk.dispatch_deps)
    assert desk.store.draw_allowance(3, T0)
    dispatch(event(Cause.TICK), desk.dispatch_deps)
    assert not desk.store.draw_allowance(1, T0)


@pytest.mark.parametrize(
    ("models", "blind", "vanished"),
    [
        pytest.param(10, 9, True, id="nearly all"),
        pytest.param(10, 4, False, id="less than half"),
        pytest.param(4, 4, False, id="too few to tell"),
    ],
)
def test_many_blind_models_at_once_are_a_metrics_problem(desk, models, blind, vanished) -> None:
    _summarize(desk, copies=10, models=models, blind=blind)
    assert dispatch(event(Cause.TICK), desk.dispatch_deps).metrics_vanished is vanished
    pointer = desk.store.fleet_pointer()
    assert pointer is not None
    assert pointer.metrics_vanished is vanished


def tick(desk: Desk, after_s: int, blind: int) -> str:
    """A tick so long after T0, with so many of ten models blind; why nobody was told."""
    _summarize(desk, copies=10, models=10, blind=blind, at_s=T0 + after_s)
    return dispatch(DispatchEvent(Cause.TICK, T0 + after_s, "tick"), desk.dispatch_deps).not_told


def told(desk: Desk) -> list[tuple[str, int, Notice]]:
    return [(where, at_s - T0, item.notice) for where, at_s, item in desk.notifier.notices]


def test_an_episode_of_vanished_metrics_is_told_once_for_the_fleet(desk: Desk) -> None:
    for minute in range(60):
        tick(desk, 60 * minute, blind=9)
        tick(desk, 60 * minute, blind=9)  # a tick may come twice
    assert told(desk) == [("", 0, Notice.METRICS_VANISHED)]
    ((_, _, item),) = desk.notifier.notices
    assert item.text.startswith("The metrics of 9 of 10 loaded models, on 1 endpoint, vanished")


@pytest.mark.parametrize(
    ("gap_minutes", "messages"), [(5, 1), (20, 2)], ids=["flickering", "another episode"]
)
def test_the_end_of_an_episode(desk: Desk, gap_minutes: int, messages: int) -> None:
    tick(desk, 0, blind=9)
    for minute in range(1, gap_minutes):
        tick(desk, 60 * minute, blind=0)
    pointer = desk.store.fleet_pointer()
    assert pointer is not None
    assert not pointer.metrics_vanished
    tick(desk, 60 * gap_minutes, blind=9)
    assert len(told(desk)) == messages


def test_a_message_that_could_not_be_sent_is_tried_again_and_stops_no_look(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: MemoryNotifier, notices: object, at_s: int) -> None:
        raise PortError("sns Publish: InternalError")

    with monkeypatch.context() as broken:
        broken.setattr(MemoryNotifier, "notify_fleet", fail)
        assert tick(desk, 0, blind=9) == "sns Publish: InternalError"
        assert tick(desk, 60, blind=9) == "sns Publish: InternalError"
    assert len(desk.queue.messages) == 4, "two endpoints, two ticks"
    assert tick(desk, 120, blind=9) == ""
    assert tick(desk, 180, blind=9) == ""
    assert told(desk) == [("", 120, Notice.METRICS_VANISHED)]


def test_endpoints_nobody_looked_at_lately_are_named(desk: Desk) -> None:
    _summarize(desk, copies=1, models=1, blind=0)
    assert dispatch(event(Cause.TICK), desk.dispatch_deps).late_endpoints == ("second",)


def _summarize(desk: Desk, *, copies: int, models: int, blind: int, at_s: int = T0) -> None:
    lease = desk.store.acquire_lease("shared", "test", at_s, 60)
    assert lease is not None
    summary = EndpointSummary("shared", at_s, copies, models, blind)
    desk.store.finish(lease, Closing({}, summary, float(at_s)))
