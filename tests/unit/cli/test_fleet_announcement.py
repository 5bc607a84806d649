"""Publishing tells the controller where it can, and says when the alarms follow where it can't."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from icscaler_cli.controller import BUS_OUTPUT, Controller, tell_published
from icscaler_cli.fleet_publish import _have_spike_alarms
from tests.unit.core.build import config, model


@dataclass
class Events:
    """PutEvents as a controller's bus answers it."""

    answer: Any = field(default_factory=lambda: {"FailedEntryCount": 0})
    entries: list[Any] = field(default_factory=list)

    def put_events(self, Entries: list[Any]) -> Any:  # noqa: N803
        self.entries += Entries
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def told(events: Events, monkeypatch: pytest.MonkeyPatch, **outputs: str) -> bool:
    monkeypatch.setattr(Controller, "client", lambda self, service: events)
    controller: Any = Controller(None, None, None, outputs)  # type: ignore[arg-type]
    return tell_published(controller, "v7")


def test_the_controllers_bus_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    events = Events()
    assert told(events, monkeypatch, **{BUS_OUTPUT: "icscaler"})
    (entry,) = events.entries
    assert (entry["EventBusName"], entry["DetailType"]) == ("icscaler", "FleetPublished")
    assert '"v7"' in entry["Detail"]


def test_a_table_alone_does_not_say_which_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    events = Events()
    assert not told(events, monkeypatch)
    assert events.entries == []


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({"FailedEntryCount": 1}, id="the entry fails"),
        pytest.param(
            ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutEvents"), id="denied"
        ),
    ],
)
def test_what_could_not_be_told_is_no_failure(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    assert not told(Events(answer), monkeypatch, **{BUS_OUTPUT: "icscaler"})


@pytest.mark.parametrize(
    ("before", "after", "have"), [(False, False, False), (True, False, True), (False, True, True)]
)
def test_only_fleets_with_spike_alarms_have_to_wait_for_them(
    before: bool, after: bool, have: bool
) -> None:
    fleets = [config(model("m", spike_alarm=asked)) for asked in (before, after)]
    assert _have_spike_alarms(*fleets) is have
