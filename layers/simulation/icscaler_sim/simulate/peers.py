"""A peer at work: its rule for every model, fed by the metrics, writing like anybody else.

A change in flight holds the next one back, as SageMaker refuses it. A model at zero copies of which
no metric can have changed is left alone until something may have.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from icscaler.entities import ModelConfig
from icscaler_sim.baselines import Facts, Level, Minute, Observation, Peer, Rule, Settings
from icscaler_sim.simulate.fleet import Fleet
from icscaler_sim.simulate.hands import Hands
from icscaler_sim.simulate.places import copies_of, write_call
from icscaler_sim.simulate.proxy import Proxy
from icscaler_sim.simulate.sight import MINUTE_S, PeerSight
from icscaler_sim.world import World

ROTATION_S = 600
_SERIES_PER_MODEL = 3
_SERIES_PER_CALL = 500
_LIST_PAGE = 100


class _Seat:
    """One model: its rule, what is known of it, and until when it must be looked at."""

    __slots__ = (
        "awake_s",
        "ceiling",
        "due_s",
        "floor",
        "name",
        "number",
        "ready",
        "requested",
        "rule",
        "sight",
        "state",
        "steady",
        "viewed_s",
    )

    def __init__(
        self, number: int, model: ModelConfig, rule: Rule[Any], sight: PeerSight, at_s: int
    ) -> None:
        self.number = number
        self.name = model.name
        self.rule = rule
        self.sight = sight
        self.state: Any = rule.begin(at_s)
        self.floor = max(min(model.min_copies, model.max_copies), model.kind == "variant")
        self.ceiling = model.max_copies
        self.requested = 0
        self.ready = 0
        self.steady = False
        self.viewed_s = at_s
        self.awake_s: float = at_s
        self.due_s = float("inf")


class PeerPilot:
    """Runs one peer on all models of the fleet. `drowse=False` looks at every model every time."""

    def __init__(
        self,
        peer: Peer,
        settings: Settings,
        world: World,
        fleet: Fleet,
        facts: Mapping[str, Facts],
        hands: Hands,
        *,
        proxy: Proxy | None = None,
        drowse: bool = True,
        rules: Mapping[str, Rule[Any]] | None = None,
    ) -> None:
        self._world = world
        self._hands = hands
        self._proxy = proxy
        self._drowse = drowse
        self._in_tens = peer.period_s == 10
        self._polls = not peer.managed
        lags = world.settings
        self._rest_s = lags.metric_lag_60s.at(1.0) + lags.late_lag_s + 2 * MINUTE_S
        at_s = int(world.now_s)
        knobs = peer.settings(settings)
        self._seats: dict[str, _Seat] = {}
        for number, (_, model) in enumerate(fleet.members()):
            own = facts[model.name]
            rule = rules[model.name] if rules is not None else peer.make(own, knobs)
            sight = PeerSight(world, model.name, own, at_s, in_tens=self._in_tens)
            self._seats[model.name] = _Seat(number, model, rule, sight, at_s)
        self._awake: dict[str, _Seat] = dict(self._seats)
        self._due: list[tuple[float, int, _Seat]] = []
        self._pages = sum(-(-len(e.models) // _LIST_PAGE) for e in fleet.endpoints.values())
        self._batches = -(-len(self._seats) * _SERIES_PER_MODEL // _SERIES_PER_CALL)
        self._calls: Counter[str] = Counter()

    @property
    def calls(self) -> Mapping[str, int]:
        """AWS calls made so far; what Application Auto Scaling reads inside AWS is no call."""
        writes = Counter(write_call(self._world, each.component) for each in self._hands.log)
        return {**(dict(self._calls) if self._polls else {}), **writes}

    def called(self, name: str, until_s: float) -> None:
        seat = self._seats[name]
        seat.awake_s = max(seat.awake_s, until_s)
        self._awake[name] = seat

    def look(self, at_s: int) -> None:
        world = self._world
        now_s = world.now_s
        self._calls["ListInferenceComponents"] += self._pages
        self._calls["GetMetricData"] += self._batches
        while self._due and self._due[0][0] <= now_s:
            _, _, seat = heapq.heappop(self._due)
            seat.awake_s = max(seat.awake_s, now_s)
            self._awake[seat.name] = seat
        changes: list[tuple[int, _Seat, int]] = []
        for seat in self._awake.values():
            self._view(seat, at_s)
            wish = self._step(seat, at_s, now_s)
            if wish != seat.requested and seat.steady:
                changes.append((seat.number, seat, wish))
        for _, seat, wish in sorted(changes, key=lambda change: change[0]):
            self._hands.set_copies(seat.name, seat.requested, wish, at_s)
            seat.steady = False
        if self._drowse and at_s % MINUTE_S == 0:
            self._let_rest(now_s)

    def _view(self, seat: _Seat, at_s: int) -> None:
        if seat.steady and at_s - seat.viewed_s < ROTATION_S:
            return
        alone = seat.name in self._world.aliases
        self._calls["DescribeEndpoint" if alone else "DescribeInferenceComponent"] += 1
        # A refused or unfinished change is looked at again; a finished one stays as it is.
        seat.requested, seat.ready, seat.steady = copies_of(self._world, seat.name)
        seat.viewed_s = at_s if seat.requested == seat.ready else at_s - ROTATION_S

    def _step(self, seat: _Seat, at_s: int, now_s: float) -> int:
        minutes = seat.sight.minutes(now_s)
        levels: Sequence[Level | Minute] = minutes
        if self._in_tens:
            levels = seat.sight.levels(now_s)
        elif seat.sight.fresh != len(minutes):
            levels = minutes[len(minutes) - seat.sight.fresh :]
        held = self._proxy.waiting(seat.name) if self._proxy is not None else 0
        seen = Observation(seat.ready, seat.requested, minutes, levels, held)
        wish, seat.state, _ = seat.rule.step(at_s, seen, seat.state)
        if seat.requested or seat.ready or held:
            seat.awake_s = max(seat.awake_s, now_s)
        return max(seat.floor, min(wish, seat.ceiling))

    def _let_rest(self, now_s: float) -> None:
        resting = [
            seat
            for seat in self._awake.values()
            if not seat.requested
            and not seat.ready
            and seat.steady
            and seat.sight.settled
            and now_s - seat.awake_s > self._rest_s
        ]
        for seat in resting:
            del self._awake[seat.name]
            due_s = seat.rule.rests_until(seat.state)
            if now_s < due_s < float("inf"):
                heapq.heappush(self._due, (due_s, seat.number, seat))
