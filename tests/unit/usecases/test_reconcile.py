"""One look from message to record: order, crashes, races, refusals."""

import pytest

from icscaler import reconcile
from icscaler.adapters.codec import encode, read_look
from icscaler.entities import OutcomeKind
from icscaler.ports import Allowance, PortError
from icscaler.reconcile import LookKind
from tests.unit.core.build import config, model
from tests.unit.usecases.desk import Desk


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    for _ in range(12):
        assert desk.tick().kind is LookKind.LOOKED
    return desk


def records(desk: Desk):
    return desk.store.records("shared", 0, desk.at_s + 1)


def test_a_look_scales_out_records_and_tells(desk: Desk) -> None:
    outcome = desk.tick(31.0)
    assert desk.copies() == 4
    assert outcome.outcomes["m"].kind is OutcomeKind.ACCEPTED
    (record,) = records(desk)
    assert (record.from_copies, record.to_copies, record.outcome) == (1, 4, "Accepted")
    assert record.steps == ("AboveTarget 4",)
    assert [r.component for r in desk.notifier.changes] == ["m"]


def test_an_acting_look_replays_to_the_same_plan_byte_for_byte(desk: Desk) -> None:
    outcome = desk.tick(31.0)
    kept = desk.store.snapshot("shared", desk.at_s)
    assert kept is not None
    assert encode(reconcile.replay(read_look(kept.payload))) == encode(outcome.plan)


def test_a_quiet_look_keeps_no_snapshot_unless_asked(desk: Desk) -> None:
    desk.tick()
    assert desk.store.snapshot("shared", desk.at_s) is None
    desk.deps.keep_all_snapshots = True
    desk.tick()
    assert desk.store.snapshot("shared", desk.at_s) is not None


def test_a_repeated_event_changes_nothing(desk: Desk) -> None:
    desk.tick(31.0)
    before = list(desk.endpoints.writes)
    again = desk.look()
    assert again.kind is LookKind.COLLAPSED
    assert desk.endpoints.writes == before


def test_a_late_event_looks_at_the_present_not_at_its_own_time(desk: Desk) -> None:
    desk.at_s += 60
    outcome = desk.look(event_at_s=desk.at_s - 3600)
    assert outcome.kind is LookKind.LOOKED
    assert outcome.at_s == desk.at_s - 60 + 1  # after the last look: time never runs backwards


def test_an_event_from_the_future_counts_as_now(desk: Desk) -> None:
    desk.at_s += 60
    outcome = desk.look(event_at_s=desk.at_s + 10**6)
    assert outcome.at_s == desk.at_s + 1


def test_a_busy_endpoint_is_left_to_whoever_has_the_lease(desk: Desk) -> None:
    desk.at_s += 60
    assert desk.store.acquire_lease("shared", "rollout-7", desk.at_s, 60) is not None
    desk.load(31.0)
    assert desk.look().kind is LookKind.BUSY
    assert desk.copies() == 1


def test_an_expired_lease_is_taken_over(desk: Desk) -> None:
    assert desk.store.acquire_lease("shared", "dead", desk.at_s, 30) is not None
    assert desk.tick().kind is LookKind.LOOKED


@pytest.mark.parametrize("endpoint", ["unknown", "shared-2"])
def test_an_endpoint_of_no_fleet_is_not_touched(desk: Desk, endpoint: str) -> None:
    assert desk.look(endpoint=endpoint).kind is LookKind.NOT_MANAGED


def test_a_look_killed_before_it_acts_is_repaired_by_the_next(desk: Desk, monkeypatch) -> None:
    class KilledError(BaseException):
        pass

    def die(change, at_s):
        raise KilledError

    monkeypatch.setattr(desk.deps.endpoints.__class__, "set_copies", lambda self, c, a: die(c, a))
    with pytest.raises(KilledError):
        desk.tick(31.0)
    monkeypatch.undo()
    assert desk.copies() == 1
    assert [r.outcome for r in records(desk)] == ["Intended"]
    assert desk.store.load("shared", "v1").state.models["m"].intent is not None
    desk.at_s += 120  # the dead look's lease runs out
    desk.tick(31.0)
    assert desk.copies() == 4


def test_a_dependency_that_fails_ends_the_look_and_frees_the_lease(desk: Desk, monkeypatch) -> None:
    def broken(self, endpoint):
        raise PortError("sagemaker ListInferenceComponents: InternalFailure")

    monkeypatch.setattr(desk.endpoints.__class__, "list_components", broken)
    outcome = desk.tick()
    assert outcome.kind is LookKind.FAILED
    assert "ListInferenceComponents" in outcome.message
    monkeypatch.undo()
    assert desk.tick().kind is LookKind.LOOKED


def test_what_cannot_be_told_does_not_undo_a_look(desk: Desk, monkeypatch) -> None:
    def broken(self, records):
        raise PortError("events PutEvents: Throttled")

    monkeypatch.setattr(desk.notifier.__class__, "copy_count_changed", broken)
    outcome = desk.tick(31.0)
    assert outcome.kind is LookKind.LOOKED
    assert "PutEvents" in outcome.message
    assert records(desk)[0].outcome == "Accepted"


@pytest.mark.parametrize(
    "kind", [OutcomeKind.IN_FLIGHT, OutcomeKind.NO_ROOM, OutcomeKind.THROTTLED, OutcomeKind.UNKNOWN]
)
def test_a_refusal_is_an_outcome_of_the_record(desk: Desk, kind: OutcomeKind) -> None:
    desk.endpoints.refusals["m"] = kind
    assert desk.tick(31.0).kind is LookKind.LOOKED
    assert records(desk)[0].outcome == kind
    assert desk.notifier.changes == []


def test_no_room_is_remembered_and_said_once(desk: Desk) -> None:
    desk.endpoints.refusals["m"] = OutcomeKind.NO_ROOM
    for _ in range(4):
        desk.tick(31.0)
    tried = [r.to_copies for r in records(desk)]
    assert tried == [4, 3, 2]  # smaller is tried, the same is not
    said = [item.notice for _, _, item in desk.notifier.notices]
    assert said.count("RefusedByAws") == 1


def test_throttled_writes_leave_the_rest_to_the_next_look() -> None:
    names = [f"m{index}" for index in range(5)]
    desk = Desk(config(*(model(name) for name in names)))
    for _ in range(4):
        desk.tick()
    desk.endpoints.refusals = dict.fromkeys(names, OutcomeKind.THROTTLED)
    kinds = [o.kind for o in desk.tick(12.0).outcomes.values()]
    assert kinds == [OutcomeKind.THROTTLED] * 2 + [OutcomeKind.NOT_TRIED] * 3


def test_wakes_go_first_and_are_tried_however_short_calls_are() -> None:
    names = ["asleep-batch", "asleep-dear", "asleep-kept", "busy-a", "busy-b", "busy-c"]
    worth = {"asleep-dear": 50.0, "busy-c": 99.0}
    models = (
        model(name, worth=worth.get(name, 1.0), protected=name in ("asleep-kept", "busy-b"))
        for name in names
    )
    desk = Desk(config(*models))
    for name in names[:3]:
        desk.endpoints.components[name].desired_copies = 0
        desk.endpoints.components[name].current_copies = 0
    for _ in range(4):
        desk.tick(0.0)
    desk.endpoints.refusals = dict.fromkeys(names, OutcomeKind.THROTTLED)
    outcomes = desk.tick(12.0).outcomes
    assert list(outcomes) == [
        *("asleep-kept", "asleep-dear", "asleep-batch"),
        *("busy-b", "busy-c", "busy-a"),
    ]
    tried = [name for name, o in outcomes.items() if o.kind is OutcomeKind.THROTTLED]
    assert tried == names[2::-1]
    desk.endpoints.refusals = {}
    desk.tick(12.0)
    assert all(desk.copies(name) >= 1 for name in names[:3])


def test_out_of_time_leaves_the_rest_to_the_next_look(desk: Desk) -> None:
    desk.time_left_s = 0.0
    assert desk.tick(31.0).outcomes["m"].kind is OutcomeKind.NOT_TRIED
    desk.time_left_s = 20.0
    desk.tick(31.0)
    assert desk.copies() == 4


def test_removals_stop_when_others_used_the_allowance_up(desk: Desk, monkeypatch) -> None:
    """The allowance was there when the look began and gone when it acted."""
    desk.tick(31.0)
    for _ in range(30):
        desk.at_s += 60
        desk.endpoints.settle(desk.at_s)
        desk.store.grant_allowance(Allowance(10, 0, desk.at_s + 150))
        desk.load(2.0)
        monkeypatch.setattr(
            desk.store.__class__, "draw_allowance", lambda self, copies, at_s: False
        )
        outcome = desk.look()
        if outcome.outcomes:
            break
    assert outcome.outcomes["m"].kind is OutcomeKind.NO_ALLOWANCE
    assert desk.copies() == 4


def test_a_missing_endpoint_is_reported_not_raised(desk: Desk) -> None:
    desk.endpoints.endpoints.clear()
    desk.endpoints.components.clear()
    desk.at_s += 60
    outcome = desk.look()
    assert outcome.kind is LookKind.LOOKED
    assert outcome.plan is not None
    assert [item.notice for item in outcome.plan.notices] == ["ComponentMissing"]


def test_one_series_at_zero_copies_and_two_or_three_when_loaded(desk: Desk) -> None:
    def series(request) -> int:
        flags = (request.invocations, request.concurrency, request.refused, request.heartbeat)
        return sum(flags)

    assert series(desk.metrics.asked[0]) == 3
    assert series(desk.metrics.asked[-1]) == 2
    idle = Desk(config(model(idle_s=None)))
    idle.endpoints.components["m"].desired_copies = 0
    idle.endpoints.components["m"].current_copies = 0
    idle.tick(0.0)
    assert series(idle.metrics.asked[-1]) == 1


def test_settled_components_are_described_in_rotation_only(desk: Desk, monkeypatch) -> None:
    described = []
    original = desk.endpoints.__class__.describe_components

    def count(self, names, at_s):
        described.append(len(names))
        return original(self, names, at_s)

    monkeypatch.setattr(desk.endpoints.__class__, "describe_components", count)
    for _ in range(20):
        desk.tick()
    assert sum(described) == 2  # every ten minutes


def test_every_look_has_a_time_of_its_own(desk: Desk) -> None:
    """Records and snapshots are kept by it: two looks at one time would overwrite each other."""
    first = desk.tick(31.0)
    second = desk.look(sent_s=desk.at_s + 2.0, received_s=desk.at_s + 3.0)
    assert second.kind is LookKind.LOOKED
    assert second.at_s == first.at_s + 1
    assert desk.store.snapshot("shared", first.at_s) is not None
