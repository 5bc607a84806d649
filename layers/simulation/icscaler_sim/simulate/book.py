"""Keeping count while a run goes on: what the world's books say, from the start of the traffic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from icscaler.entities import OutcomeKind
from icscaler_sim.pricing import Alternative, Bill, HeldCopies, PriceTable, measured
from icscaler_sim.report import Requests
from icscaler_sim.scoring.result import ChangeScore, HeldScore, ModelScore, WakeScore
from icscaler_sim.simulate.fleet import Fleet
from icscaler_sim.simulate.hands import Applied
from icscaler_sim.simulate.proxy import Held
from icscaler_sim.world import World
from icscaler_sim.world.tally import RequestCounts

STEP_S = 600
MINUTE_S = 60
LAST_CALLS_S = 1800
"""A model first called in the last half hour cannot be blamed for not having been woken yet."""


@dataclass(slots=True)
class _Line:
    """One model: what was counted before the traffic, and what is sampled during it."""

    before: RequestCounts
    gpu_s: float
    starts: int
    young: int
    seen_s: int
    held: list[float]
    lost: list[int]
    lost_so_far: int
    cold_minutes: int = 0
    first_cold_s: int | None = None


class Book:
    """Opened when the traffic begins; `sample` every `STEP_S`, `close` when it ends."""

    def __init__(self, world: World, fleet: Fleet) -> None:
        self._world = world
        self._fleet = fleet
        self._start_s = int(world.now_s)
        tally = world.tally
        self._instance_s = dict(tally.instance_seconds())
        self._wakes = len(tally.wakes)
        self._lines: dict[str, _Line] = {}
        for _, model in fleet.members():
            copies = tally.copies(model.name)
            requests = tally.requests(model.name)
            self._lines[model.name] = _Line(
                before=requests,
                gpu_s=copies.gpu_seconds,
                starts=copies.starts,
                young=copies.young_removals,
                seen_s=self._start_s,
                held=[],
                lost=[],
                lost_so_far=requests.late + requests.refused,
            )
        self._gpu_s = {name: line.gpu_s for name, line in self._lines.items()}
        self._end_s = self._start_s
        self._closed_gpu_s: dict[str, float] = {}
        self._closed_instance_s: dict[tuple[str, str], float] = {}

    def sample(self) -> None:
        """A step has passed: copies held in it, minutes in which somebody met no copy."""
        tally = self._world.tally
        step_s = self._world.now_s - self._end_s
        self._end_s = int(self._world.now_s)
        for name, line in self._lines.items():
            gpu_s = tally.gpu_seconds(name)
            if step_s > 0:
                gpus = self._fleet.shapes[name].gpus
                line.held.append((gpu_s - self._gpu_s[name]) / step_s / gpus)
            self._gpu_s[name] = gpu_s
            requests = tally.requests(name)
            lost = requests.late + requests.refused
            line.lost.append(lost - line.lost_so_far)
            line.lost_so_far = lost
            self._read_rows(name, line)

    def close(self) -> None:
        """The traffic ends: GPU and instance time count up to here, fates of requests go on."""
        if self._world.now_s > self._end_s:
            self.sample()
        self._closed_gpu_s = dict(self._gpu_s)
        self._closed_instance_s = {
            key: seconds - self._instance_s.get(key, 0.0)
            for key, seconds in self._world.tally.instance_seconds().items()
        }

    # --- after the last request met its fate
    @property
    def hours(self) -> float:
        """Length of the traffic."""
        return (self._end_s - self._start_s) / 3600

    def models(self, held: Mapping[str, Held]) -> list[ModelScore]:
        """Every model of the fleet; requests held by a proxy are counted by their own clock."""
        tally = self._world.tally
        woken = {wake.component for wake in tally.wakes}
        scores = []
        for _, model in self._fleet.members():
            name, line = model.name, self._lines[model.name]
            self._read_rows(name, line)
            copies = tally.copies(name)
            requests = _requests(tally.requests(name), line.before, held.get(name))
            cold_s = line.first_cold_s
            asleep = requests.total > 0 and requests.refused == requests.total
            early = cold_s is not None and cold_s < self._end_s - LAST_CALLS_S
            scores.append(
                ModelScore(
                    name=name,
                    stratum=self._fleet.strata.get(name, ""),
                    class_name=model.class_name,
                    gpus_per_copy=self._fleet.shapes[name].gpus,
                    protected=model.protected,
                    requests=requests,
                    gpu_hours=(self._closed_gpu_s[name] - line.gpu_s) / 3600,
                    starts=copies.starts - line.starts,
                    young_kills=copies.young_removals - line.young,
                    cold_minutes=line.cold_minutes + _held_minutes(held.get(name)),
                    never_woken=asleep and early and name not in woken,
                )
            )
        return scores

    def wakes(self, held: Mapping[str, Held]) -> list[WakeScore]:
        """From the first refused (or held) request to a ready copy."""
        found = [
            WakeScore(
                wake.component,
                wake.first_refused_s,
                wake.copy_ready_s - wake.first_refused_s,
                wake.copy_ready_s - wake.first_refused_s - wake.phases.get("decision", 0.0),
            )
            for wake in self._world.tally.wakes[self._wakes :]
        ]
        for name, book in sorted(held.items()):
            found += [WakeScore(name, 0.0, took_s, took_s) for took_s in book.waits_s]
        return found

    def timelines(self) -> tuple[dict[str, list[float]], dict[str, list[int]]]:
        """Copies held (means), and requests found late or refused, in each step, per model."""
        return (
            {name: line.held for name, line in self._lines.items()},
            {name: line.lost for name, line in self._lines.items()},
        )

    def instance_hours(self) -> dict[str, dict[str, float]]:
        """Billed, by endpoint and instance type."""
        found: dict[str, dict[str, float]] = {}
        for (endpoint, kind), seconds in self._closed_instance_s.items():
            found.setdefault(endpoint, {})[kind] = seconds / 3600
        return found

    def bills(self, prices: PriceTable) -> Alternative:
        """On the simulated instances, and the copies over time on the cheapest that fit."""
        timeline, _ = self.timelines()
        spent = [
            (prices.get(kind), seconds / 3600)
            for (_, kind), seconds in self._closed_instance_s.items()
        ]
        bill = Bill(
            gpu_hours=sum(self._closed_gpu_s[n] - line.gpu_s for n, line in self._lines.items())
            / 3600,
            instance_hours=sum(hours for _, hours in spent),
            instance_gpu_hours=sum(hours * kind.gpus for kind, hours in spent),
            dollars=sum(hours * kind.usd_per_hour for kind, hours in spent),
            instances={},
            estimated_price=any(kind.estimated for kind, _ in spent),
        )
        reference = {
            name: prices.get(max(config.variants.values(), key=lambda v: v.gpus).instance_type)
            for name, config in self._fleet.endpoints.items()
        }
        held = {
            name: HeldCopies(STEP_S, {model: timeline[model] for model in config.models})
            for name, config in self._fleet.endpoints.items()
        }
        return measured("", "", bill, held, self._fleet.shapes, prices, reference)

    def _read_rows(self, name: str, line: _Line) -> None:
        rows = self._world.minutes(name, line.seen_s, self._world.now_s)
        if not rows:
            return
        line.seen_s = rows[-1].at_s + MINUTE_S
        for row in rows:
            if row.no_capacity:
                line.cold_minutes += 1
                if line.first_cold_s is None:
                    line.first_cold_s = row.at_s


def change_score(log: Sequence[Applied]) -> ChangeScore:
    """What was tried and done."""
    done = [each for each in log if each.outcome is OutcomeKind.ACCEPTED]
    others = Counter(str(each.outcome) for each in log if each.outcome is not OutcomeKind.ACCEPTED)
    return ChangeScore(
        scale_out=sum(each.to_copies > each.from_copies for each in done),
        scale_in=sum(each.to_copies < each.from_copies for each in done),
        to_zero=sum(each.to_copies == 0 for each in done),
        from_zero=sum(each.from_copies == 0 for each in done),
        not_accepted=dict(sorted(others.items())),
    )


def held_score(held: Mapping[str, Held]) -> HeldScore:
    """All models' held requests together."""
    return HeldScore(
        total=sum(book.total for book in held.values()),
        in_time=sum(book.in_time for book in held.values()),
        late=sum(book.late for book in held.values()),
        timed_out=sum(book.timed_out for book in held.values()),
    )


def _requests(now: RequestCounts, before: RequestCounts, held: Held | None) -> Requests:
    """The world does not know how long a request was held: late ones count as late here."""
    total = now.arrived - before.arrived
    in_time = now.in_time - before.in_time
    late = now.late - before.late
    if held is not None:
        moved = min(held.late, in_time)
        in_time -= moved
        late += moved
        total += held.timed_out
    return Requests(total, in_time, late, total - in_time - late)


def _held_minutes(held: Held | None) -> int:
    return sum(-(-int(wait_s) // MINUTE_S) for wait_s in held.waits_s) if held else 0
