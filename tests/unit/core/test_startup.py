"""Start-up time: what is taken for a phase, what is charged, what is told when it drifts."""

from dataclasses import replace

import pytest

from icscaler.adapters import codec
from icscaler.decide import decide
from icscaler.entities import EndpointState, EndpointView, MetricMinute, VariantView
from icscaler.learned import FinishedStart, StartTimes
from icscaler.policies import startup
from icscaler.reasons import Notice
from tests.unit.core.build import T0, config, model, snapshot, view

LOOK_S = 60


class Endpoint:
    """One component on one variant, looked at every minute; what SageMaker shows is set by hand."""

    def __init__(self, copies: int = 0, instances: int = 1, max_copies: int = 4) -> None:
        self.at_s = T0
        self.config = config(model(min_copies=0, max_copies=max_copies))
        self.state = EndpointState()
        self.desired = self.current = copies
        self.modified_s = T0
        self.instances = self.wanted_instances = instances
        self.finished: list[FinishedStart] = []
        self.notices: list[str] = []

    def look(self, seconds: int = LOOK_S, refused: int = 0, after_s: int = 30) -> None:
        """`refused` requests in the minute that ended last; SageMaker accepts what is asked."""
        self.at_s += seconds
        minute_s = (self.at_s - after_s) // 60 * 60 - 60
        metrics = {"m": (MetricMinute(minute_s, refused=float(refused)),) if refused else ()}
        status = "InService" if self.desired == self.current else "Updating"
        shown = view(
            "m",
            desired_copies=self.desired,
            current_copies=self.current,
            status=status,
            last_modified_s=self.modified_s,
        )
        variant = VariantView("main", None, self.instances, self.wanted_instances, 0, 4)
        seen = snapshot(
            self.at_s,
            shown,
            metrics=metrics,
            endpoint=EndpointView("shared", "InService", {"main": variant}),
        )
        state = codec.decode(codec.encode(self.state), EndpointState)
        self.state, plan = decide(self.config, state, seen, self.at_s)
        self.finished += plan.started
        self.notices += [one.text for one in plan.notices if one.notice is Notice.START_UP_DRIFT]
        for change in plan.changes:
            self.desired, self.modified_s = change.to_copies, self.at_s

    def arrive(self) -> None:
        """The ordered copies come into service between two looks."""
        self.current, self.modified_s = self.desired, self.at_s + 20

    def wake(self) -> None:
        while self.desired == 0:
            self.look(refused=1)


def test_a_wake_by_phase_on_an_instance_that_is_there() -> None:
    place = Endpoint()
    place.wake()
    ordered_s = place.at_s
    for _ in range(4):
        place.look()
    place.arrive()
    place.look()
    (start,) = place.finished
    assert (start.component, start.phase, start.ordered_s) == ("m", startup.COLD, ordered_s)
    assert start.total_s == 4 * LOOK_S + 20, "to the second, as LastModifiedTime moved"
    assert start.instance_s == 0
    # The refused request came in a minute that ended at least 30 s before the look.
    assert start.decision_s is not None
    assert 30 + 30 <= start.decision_s <= 30 + 30 + 60


def test_an_instance_that_had_to_come_is_a_phase_of_its_own() -> None:
    place = Endpoint(instances=0)
    place.wake()
    place.wanted_instances = 1
    for _ in range(3):
        place.look()
    place.instances = 1
    for _ in range(5):
        place.look()
    place.arrive()
    place.look()
    (start,) = place.finished
    assert (start.phase, start.instance_s) == (startup.LAUNCHED, 4 * LOOK_S)
    assert start.total_s == 8 * LOOK_S + 20
    assert place.state.models["m"].starts.launched_s == (4 * LOOK_S + 20,)
    assert place.state.variants["main"].launches_s == (4 * LOOK_S,)


def test_an_instance_that_came_for_somebody_else_is_not_charged() -> None:
    place = Endpoint()
    place.wake()
    place.wanted_instances = 2
    place.look()
    place.arrive()
    place.instances = 2
    place.look()
    assert [(one.phase, one.instance_s) for one in place.finished] == [(startup.COLD, 0)]


@pytest.mark.parametrize(("instances_meanwhile", "phase"), [(1, startup.CACHED), (0, startup.COLD)])
def test_what_was_there_before_may_be_cached_while_its_instance_stays(
    instances_meanwhile: int, phase: str
) -> None:
    place = Endpoint(copies=1)
    place.look()
    place.desired = place.current = 0
    place.instances = place.wanted_instances = instances_meanwhile
    place.look()
    place.instances = place.wanted_instances = 1
    place.wake()
    place.look()
    place.arrive()
    place.look()
    assert [one.phase for one in place.finished] == [phase]


def test_a_start_that_failed_or_was_taken_back_teaches_nothing() -> None:
    place = Endpoint()
    place.wake()
    place.look()
    place.desired = 0
    place.look()
    assert place.finished == []
    assert place.state.models["m"].starts.underway is None
    place.wake()
    for _ in range(startup.GIVEN_UP_S // LOOK_S + 1):
        place.look()
    place.arrive()
    place.look()
    assert place.finished == []


def test_what_somebody_else_ordered_is_not_our_start() -> None:
    place = Endpoint()
    place.look()
    place.desired = 1
    place.look()
    place.arrive()
    place.look()
    assert place.finished == []


def test_demand_that_could_not_be_acted_on_is_no_decision_time() -> None:
    place = Endpoint()
    place.config = replace(place.config, paused=True)
    for _ in range(30):
        place.look(refused=1)
    place.config = replace(place.config, paused=False)
    place.wake()
    place.look()
    place.arrive()
    place.look()
    assert [one.decision_s for one in place.finished] == [None]
    assert place.state.decisions_s == ()


# ---------------------------------------------------------------- what is charged


def test_before_the_first_start_the_prior_is_charged() -> None:
    found = startup.charged(StartTimes(), ())
    assert (found.decision_s, found.total_s) == (startup.PRIOR_DECISION_S, startup.PRIOR_TOTAL_S)
    assert found.all_s == 420


def test_three_starts_replace_the_prior() -> None:
    assert startup.late((60, 60, 60), 300) == 60
    assert 60 < startup.late((60,), 300) <= 300


def test_a_late_quantile_not_the_mean() -> None:
    values = (*range(100, 200, 10), 300, 300)
    assert startup.late(values) > sum(values) / len(values) + 50
    assert startup.late(values) < max(values)


@pytest.mark.parametrize("count", [3, 5, 12])
def test_one_accident_is_not_the_time_to_reckon_with(count: int) -> None:
    assert startup.late((*[100] * (count - 1), 3000), 100) <= 300


def test_starts_are_remembered_in_bounded_state() -> None:
    starts = StartTimes()
    for number in range(100):
        starts = startup.order(starts, T0 + 10_000 * number, 1, None)
        up = view("m", 1, last_modified_s=T0)
        starts = startup.follow(starts, up, None, T0 + 10_000 * number + 1000 + number, None)
    assert starts.total_s == tuple(range(1088, 1100))
    assert len(codec.encode(starts)) < 500


# ---------------------------------------------------------------- drift


def test_a_phase_that_drifts_is_reported_once_with_figures() -> None:
    place = Endpoint(copies=1)
    place.look()
    for looks in [2] * 6 + [6] * 5:
        place.desired = place.current = 0
        place.look(900)
        place.wake()
        for _ in range(looks):
            place.look()
        place.arrive()
        place.look()
    (told,) = place.notices
    assert told == "Starts of m (cached) took 380 s in the latest 4 cases, 140 s before (medians)."


@pytest.mark.parametrize(
    "values",
    [
        pytest.param((100,) * 7, id="too few"),
        pytest.param((100, 120, 90, 110, 130, 100, 120, 110), id="noise"),
        pytest.param((10,) * 6 + (25,) * 4, id="twice nothing"),
        pytest.param((100,) * 8 + (100, 100, 900, 100), id="one accident"),
    ],
)
def test_no_drift(values: tuple[int, ...]) -> None:
    assert startup.drift("cached", values) is None


def test_faster_starts_are_news_too() -> None:
    assert startup.drift("cold", (300,) * 5 + (100,) * 4) == startup.Drift("cold", 100, 300)
