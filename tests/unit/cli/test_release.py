"""Handing models back: who is woken, in which order, what waiting ends with."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from icscaler.adapters.memory_store import MemoryStateStore
from icscaler.entities import (
    Change,
    ComponentView,
    EndpointConfig,
    Hold,
    ModelConfig,
    Outcome,
    OutcomeKind,
    Override,
)
from icscaler.ports import FleetPointer, PortError
from icscaler_cli import clock
from icscaler_cli.controller import Fleet
from icscaler_cli.release import waking as waking_module
from icscaler_cli.release.plan import Released, State, judge, released, selected
from icscaler_cli.release.waking import DeniedError, Waking
from tests.unit.core.build import T0, config, model


class Time:
    """A clock that only waiting moves; `meanwhile` runs after each wait."""

    def __init__(self) -> None:
        self.now_s = float(T0)
        self.meanwhile: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.meanwhile()


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Iterator[Time]:
    virtual = Time()
    monkeypatch.setattr(clock, "now_s", lambda: virtual.now_s)
    monkeypatch.setattr(clock, "sleep", virtual.sleep)
    return virtual  # type: ignore[return-value]


class Account:
    """SageMaker as `ports.Endpoints`; copies are in service one wait after they were asked for."""

    def __init__(self, **copies: int) -> None:
        self.views = {name: view(name, count) for name, count in copies.items()}
        self.answers: dict[str, list[OutcomeKind]] = {}
        self.written: list[tuple[str, int]] = []
        self.owned: frozenset[str] = frozenset()
        self.broken = 0

    def describe_components(self, names: Sequence[str], at_s: int) -> dict[str, Any]:
        if self.broken:
            self.broken -= 1
            raise PortError("sagemaker: away")
        return {name: self.views.get(name) for name in names}

    def scalable_targets(self, names: Sequence[str]) -> frozenset[str]:
        return self.owned & frozenset(names)

    def set_copies(self, change: Change, at_s: int) -> Outcome:
        self.written.append((change.component, change.to_copies))
        kind = (self.answers.get(change.component) or [OutcomeKind.ACCEPTED]).pop(0)
        if kind is OutcomeKind.ACCEPTED:
            found = self.views[change.component]
            found.desired_copies, found.status = change.to_copies, "Updating"
        return Outcome(kind, change.attempt_id, change.to_copies, at_s, f"said {kind}")

    def settle(self) -> None:
        for each in self.views.values():
            if each.status == "Updating":
                each.current_copies, each.status = each.desired_copies, "InService"


def view(name: str, copies: int, status: str = "InService", **changes: Any) -> ComponentView:
    return ComponentView(name, "main", status, copies, copies, T0, T0, **changes)


def waking(account: Account, said: list[str] | None = None) -> Waking:
    told = said if said is not None else []
    return Waking(MemoryStateStore(), account, "v1", told.append)  # type: ignore[arg-type]


def chosen(*models: ModelConfig, floor: int = 1) -> list[Released]:
    fleet = Fleet(FleetPointer("v1", ("shared",)), {"shared": config(*models)})
    return released(
        selected(fleet, every=True, endpoints=(), models=()), floor=floor, leave=False, at_s=T0
    )


# ---------------------------------------------------------------- who


@pytest.mark.parametrize(
    ("one", "floor", "text"),
    [
        pytest.param(model(), 2, "", id="usual"),
        pytest.param(model(max_copies=1), 1, "", id="ceiling under the floor"),
        pytest.param(model(max_copies=0), 0, "its max_copies is 0", id="ceiling of 0"),
        pytest.param(
            model(kind="variant"), 0, "a variant of its own, which always runs", id="variant"
        ),
        pytest.param(
            model(overrides=(Override(T0 + 60, "launch", max_copies=0),)),
            0,
            "its max_copies is 0",
            id="ceiling of 0 for now",
        ),
        pytest.param(model(paused=True), 0, "paused by the fleet file", id="paused"),
        pytest.param(model(adapter_of="base"), 0, "adapter, served by", id="adapter"),
        pytest.param(model(observe=True), 2, "", id="observed: its zero may be ours"),
    ],
)
def test_who_is_woken(one: ModelConfig, floor: int, text: str) -> None:
    [each] = chosen(one, floor=2)
    assert each.floor == floor
    assert each.text.startswith(text)
    assert each.state is (State.TO_WAKE if floor else State.LEFT)


def test_those_worth_most_come_first() -> None:
    models = [model("a", worth=1.0), model("c", worth=5.0), model("b", worth=5.0)]
    assert [each.name for each in chosen(*models)] == ["b", "c", "a"]


def test_selection_by_name_and_endpoint() -> None:
    other = EndpointConfig("other", "v1", {}, {"x": model("x"), "y": model("y")})
    fleet = Fleet(None, {"shared": config(model("a"), model("b")), "other": other})
    found = selected(fleet, every=False, endpoints=("other",), models=("b",))
    assert sorted(m.name for _, m in found) == ["b", "x", "y"]


HELD = Hold("roll-out-7", T0 + 60, T0)


@pytest.mark.parametrize(
    ("seen", "hold", "state"),
    [
        pytest.param(view("m", 1), None, State.READY, id="serves"),
        pytest.param(view("m", 0), None, State.TO_WAKE, id="at zero"),
        pytest.param(view("m", 0), HELD, State.HELD, id="held"),
        pytest.param(view("m", 0), Hold("old", T0 - 1), State.TO_WAKE, id="held until lately"),
        pytest.param(view("m", 1), HELD, State.READY, id="held and serving"),
        pytest.param(view("m", 0, "Failed"), None, State.FAILED, id="failed"),
        pytest.param(view("m", 0, "Deleting"), None, State.LEFT, id="deleting"),
        pytest.param(None, None, State.LEFT, id="does not exist"),
    ],
)
def test_how_it_stands(seen: ComponentView | None, hold: Hold | None, state: State) -> None:
    [each] = chosen(model("m"))
    judge(each, {"m": seen}, (), {"m": hold} if hold else {}, T0)
    assert each.state is state


def test_what_could_not_be_read_stays_as_it_was() -> None:
    [each] = chosen(model("m"))
    judge(each, {"m": view("m", 1)}, (), {}, T0)
    judge(each, {}, (), {}, T0)
    assert each.state is State.READY


def test_copies_on_their_way_are_shown() -> None:
    [each] = chosen(model("m"))
    assert each.copies == "-"
    seen = view("m", 2)
    seen.current_copies = 1
    judge(each, {"m": seen}, (), {}, T0)
    assert each.copies == "2 (1 in service)"


# ---------------------------------------------------------------- waking


def test_each_is_asked_for_once(time: Time) -> None:
    account = Account(a=0, b=0, c=3)
    time.meanwhile = account.settle
    every = chosen(model("a"), model("b"), model("c"))
    waking(account).run(every, 600)
    assert account.written == [("a", 1), ("b", 1)]
    assert {each.state for each in every} == {State.READY}


@pytest.mark.parametrize(
    "refusal",
    [
        OutcomeKind.IN_FLIGHT,
        OutcomeKind.NO_ROOM,
        OutcomeKind.QUOTA,
        OutcomeKind.THROTTLED,
        OutcomeKind.UNKNOWN,
    ],
)
def test_a_refusal_is_tried_again(time: Time, refusal: OutcomeKind) -> None:
    account = Account(a=0)
    account.answers["a"] = [refusal, refusal, OutcomeKind.ACCEPTED]
    time.meanwhile = account.settle
    every = chosen(model("a"))
    waking(account).run(every, 600)
    assert len(account.written) == 3
    assert every[0].state is State.READY


def test_waiting_ends_and_says_what_aws_said(time: Time) -> None:
    account = Account(a=0)
    account.answers["a"] = [OutcomeKind.NO_ROOM] * 100
    every = chosen(model("a"))
    waking(account).run(every, 60)
    assert (every[0].state, every[0].text) == (State.REFUSED, "said NoRoom")
    assert time.now_s - T0 <= 60
    assert len(account.written) == 4


def test_what_can_never_be_accepted_is_not_waited_for(time: Time) -> None:
    account = Account(a=0)
    account.answers["a"] = [OutcomeKind.INVALID]
    every = chosen(model("a"))
    waking(account).run(every, 600)
    assert every[0].state is State.FAILED
    assert time.now_s - T0 < 15


def test_no_permission_ends_it_at_once(time: Time) -> None:
    account = Account(a=0, b=0)
    account.answers = {"a": [OutcomeKind.DENIED], "b": [OutcomeKind.DENIED]}
    wake = waking(account)
    with pytest.raises(DeniedError, match="said Denied"):
        wake.run(chosen(model("a"), model("b")), 600)
    assert len(account.written) == 1
    assert wake.store.acquire_lease("shared", "a look", int(time.now_s), 30), "lease not given back"


def test_copies_that_a_late_look_takes_are_asked_for_again(time: Time) -> None:
    account = Account(a=0)
    steps = iter(range(100))

    def meanwhile() -> None:
        if next(steps) == 0:  # began before the pause, wrote after our write
            account.views["a"] = view("a", 0)
        account.settle()

    time.meanwhile = meanwhile
    every = chosen(model("a"))
    waking(account).run(every, 600)
    assert account.written == [("a", 1), ("a", 1)]
    assert every[0].state is State.READY


def test_nothing_is_written_while_somebody_else_holds_the_lease(time: Time) -> None:
    account = Account(a=0)
    told: list[str] = []
    wake = waking(account, told)
    assert wake.store.acquire_lease("shared", "a look", T0, 40)
    time.meanwhile = account.settle
    every = chosen(model("a"))
    wake.run(every, 600)
    assert "  a look at shared is under way, waiting for its end" in told
    assert every[0].state is State.READY
    assert time.now_s - T0 >= 40


def test_the_lease_is_renewed_while_much_is_written(
    time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking_module, "WRITE_EVERY_S", 7.0)
    models = [model(f"m{number:02}") for number in range(30)]
    account = Account(**{each.name: 0 for each in models})
    wake = waking(account)
    busy = []

    def meanwhile() -> None:
        at_s = int(time.now_s)
        if len(account.written) < len(models):
            busy.append(wake.store.acquire_lease("shared", "a look", at_s, 1) is None)

    time.meanwhile = meanwhile
    wake.run(chosen(*models), 0)
    assert len(account.written) == 30
    assert all(busy)


def test_what_is_owned_elsewhere_is_not_written_to(time: Time) -> None:
    account = Account(a=0)
    account.owned = frozenset({"a"})
    every = chosen(model("a"))
    waking(account).run(every, 600)
    assert account.written == []
    assert every[0].state is State.LEFT


@pytest.mark.parametrize(
    ("broken", "survives"),
    [pytest.param(3, True, id="for a while"), pytest.param(9, False, id="for long")],
)
def test_an_api_that_is_away(time: Time, broken: int, survives: bool) -> None:
    account = Account(a=0)
    account.broken = broken
    time.meanwhile = account.settle
    every = chosen(model("a"))
    told: list[str] = []
    if survives:
        waking(account, told).run(every, 600)
        assert every[0].state is State.READY
        assert told.count("  sagemaker: away; trying again") == 3
    else:
        with pytest.raises(PortError, match="away"):
            waking(account, told).run(every, 600)
