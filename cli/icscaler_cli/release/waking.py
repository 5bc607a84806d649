"""Waking released models, and waiting until they serve.

Each round observes first and then writes what is still missing, so it makes no difference where
the run before ended. Writes are made under the endpoint's lease, as every writer's: a look that
began before the pause has then ended, and none runs meanwhile.
"""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from icscaler.entities import Change, Hold, OutcomeKind
from icscaler.ports import Endpoints, Lease, PortError, StateStore
from icscaler_cli import clock
from icscaler_cli.release.plan import Released, State, judge, pending

ROUND_S = 15.0
# A wait of many minutes should not end because a table or an API was away for one.
FAILED_ROUNDS = 3
LEASE_S = 60
# SageMaker throttles the whole account, which goes on serving while models are handed back.
WRITE_EVERY_S = 0.2
_AGAIN = frozenset(
    {
        OutcomeKind.IN_FLIGHT,
        OutcomeKind.NO_ROOM,
        OutcomeKind.QUOTA,
        OutcomeKind.THROTTLED,
        OutcomeKind.UNKNOWN,
    }
)


class DeniedError(Exception):
    """AWS does not let this caller set copies; its words."""


@dataclass(slots=True)
class Waking:
    """Wakes models of one fleet. `version` is the published configuration's."""

    store: StateStore
    endpoints: Endpoints
    version: str
    tell: Callable[[str], None]
    owner: str = field(default_factory=lambda: f"release-{uuid.uuid4()}")

    def observe(self, every: Sequence[Released]) -> None:
        """See how each stands. Raises `PortError`."""
        at_s = int(clock.now_s())
        names = [each.name for each in every]
        if not names:
            return
        views = self.endpoints.describe_components(names, at_s)
        owned = self.endpoints.scalable_targets([each.name for each in every if each.floor])
        holds = self._holds(every)
        for each in every:
            judge(each, views, owned, holds, at_s)

    def run(self, every: Sequence[Released], wait_s: float) -> None:
        """Ask for copies until all serve or `wait_s` are over. Raises `PortError`, `DeniedError`.

        At least one round is made. What is refused is asked for again in the next round.
        """
        until_s = clock.now_s() + wait_s
        said, failures = "", 0
        while True:
            try:
                self._round(every)
                failures = 0
            except PortError as error:
                failures += 1
                if failures > FAILED_ROUNDS or clock.now_s() + ROUND_S > until_s:
                    raise
                self.tell(f"  {error}; trying again")
            waiting = pending(every)
            if not waiting or clock.now_s() + ROUND_S > until_s:
                return
            said = self._progress(every, waiting, said)
            clock.sleep(ROUND_S)

    def _round(self, every: Sequence[Released]) -> None:
        self.observe([each for each in every if each.floor])
        by_endpoint = sorted(pending(every), key=lambda each: each.endpoint)
        for endpoint, group in groupby(by_endpoint, lambda each: each.endpoint):
            self._write(endpoint, [each for each in group if _lacks(each)])

    def _progress(self, every: Iterable[Released], waiting: Sequence[Released], said: str) -> str:
        """Say how far it is, when that is news."""
        ready = sum(each.state is State.READY for each in every)
        text = f"  {ready} in service, waiting for {', '.join(w.name for w in waiting[:8])}"
        text += f" and {len(waiting) - 8} more" if len(waiting) > 8 else ""
        if text != said:
            self.tell(text)
        return text

    def _holds(self, every: Iterable[Released]) -> dict[str, Hold]:
        holds: dict[str, Hold] = {}
        for endpoint in sorted({each.endpoint for each in every}):
            holds |= self.store.load(endpoint, self.version).holds
        return holds

    def _write(self, endpoint: str, lacking: Sequence[Released]) -> None:
        lease: Lease | None = None
        try:
            # In the order of worth, which `selected` has put them in.
            for each in lacking:
                lease = self._renewed(endpoint, lease)
                if lease is None:
                    self.tell(f"  a look at {endpoint} is under way, waiting for its end")
                    return
                self._wake(each)
                clock.sleep(WRITE_EVERY_S)
        finally:
            if lease is not None:
                self.store.release(lease)

    def _renewed(self, endpoint: str, lease: Lease | None) -> Lease | None:
        at_s = int(clock.now_s())
        if lease is not None and lease.expires_at_s - at_s > LEASE_S / 2:
            return lease
        return self.store.acquire_lease(endpoint, self.owner, at_s, LEASE_S)

    def _wake(self, each: Released) -> None:
        view = each.view
        if view is None:
            return
        attempt = f"{self.owner}-{each.name}"
        change = Change(each.name, view.desired_copies, each.floor, attempt)
        outcome = self.endpoints.set_copies(change, int(clock.now_s()))
        if outcome.kind is OutcomeKind.DENIED:
            raise DeniedError(outcome.message)
        if outcome.kind is OutcomeKind.ACCEPTED:
            each.state, each.text = State.ASKED, ""
        elif outcome.kind is OutcomeKind.NOT_FOUND:
            each.state, each.text, each.view = State.LEFT, "it does not exist any more", None
        else:
            helps = outcome.kind in _AGAIN
            each.state, each.text = State.REFUSED if helps else State.FAILED, outcome.message


def _lacks(each: Released) -> bool:
    """Whether copies can be asked for now: SageMaker takes one change at a time."""
    wanted = each.state in (State.TO_WAKE, State.REFUSED)
    return wanted and each.view is not None and each.view.status == "InService"


def outcomes(every: Iterable[Released]) -> Mapping[State, list[Released]]:
    """By state, in the order of `State`."""
    found: dict[State, list[Released]] = {state: [] for state in State}
    for each in every:
        found[each.state].append(each)
    return found
