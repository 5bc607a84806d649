"""The claims that are checked on recorded traffic, each with its bar: met, or by how much not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.sweeps import plan
from benchmarks.sweeps.lines import best_of, gpu_hours_at, loss_at, model_lost, reached_first
from benchmarks.sweeps.plan import DEFAULT_PRICE, Grid
from benchmarks.sweeps.records import Ledger, Record, Run
from benchmarks.sweeps.scenes import SceneKey
from icscaler_sim.simulate import ICSCALER
from icscaler_sim.simulate.policies import CLAIRVOYANT, STATIC_ALONE, documented

LEVELS = {0.02: 0.98, 0.01: 0.90, 0.005: 0.84, 0.003: 0.70}
"""Share lost -> most GPU-hours against the best setting of any peer."""
CLAIRVOYANT_LEVELS = {0.01: 1.06, 0.005: 1.15}
STATIC_TIMES = 8.0
AAS_LOSS, AAS_HOURS = 0.3, 0.85
RARE_LOSS = 0.01
WAKE_EVENT_S, WAKE_TICK_S = 10.0, 150.0
YOUNG_SHARE = 0.02
WITH_EVENTS = "with spike alarms and wake events: "


@dataclass(frozen=True, slots=True)
class Bar:
    """One line: what is claimed, the figure, its bar. `met` None: nothing to say yet."""

    claim: str
    figure: str
    bar: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class Results:
    """The records of a grid that are there."""

    grid: Grid
    ledger: Ledger
    any_code: bool

    def of(self, runs: Iterator[Run]) -> list[Record]:
        """Those of these runs that were made."""
        found = [self.ledger.of(run, any_code=self.any_code) for run in runs]
        return [record for record in found if record is not None]

    def one(self, run: Run) -> Record | None:
        """That run."""
        return self.ledger.of(run, any_code=self.any_code)

    def ours(self, scene: SceneKey, *, events: bool = False) -> list[Record]:
        """At every price."""
        return self.of(plan.frontier(self.grid, scene, events=events))

    def peers(self, scene: SceneKey) -> dict[str, list[Record]]:
        """By policy."""
        found: dict[str, list[Record]] = {}
        for record in self.of(plan.peers(self.grid, scene)):
            found.setdefault(record.policy, []).append(record)
        return found


def bars(results: Results) -> Iterator[Bar]:
    """Every bar of the claims, in their order."""
    fleet = results.grid.fleet
    peers = results.peers(fleet)
    for events in (False, True):
        ours = results.ours(fleet, events=events)
        for bar in _of_fleet(results, ours, peers):
            yield replace(bar, claim=f"{WITH_EVENTS}{bar.claim}") if events else bar
    yield from _wakes(results)
    bursty = results.grid.bursty
    yield from _bursty(results, list(results.peers(bursty).values()))
    yield from _shortage(results)


def _of_fleet(
    results: Results, ours: Sequence[Record], peers: Mapping[str, Sequence[Record]]
) -> Iterator[Bar]:
    yield from _static(results, ours)
    # One price is a point and no frontier: between points there is nothing to read.
    line = ours if len(ours) > 1 else []
    yield from _aas(results, line)
    yield from against_peers(line, list(peers.values()))
    yield from _clairvoyant(results, line)
    yield from _rare(line, peers)


def _static(results: Results, ours: Sequence[Record]) -> Iterator[Bar]:
    static = results.one(plan.other(results.grid.fleet, STATIC_ALONE, {}))
    chosen = reached_first(ours, 0.005)
    claim = "static peak, an endpoint per model: times fewer instance GPU-hours at 99.5 % in time"
    if static is None or chosen is None:
        yield Bar(claim, "-", f">= {STATIC_TIMES:g}x", None)
        return
    times = static.figures["instance_gpu_hours"] / chosen.figures["instance_gpu_hours"]
    dollars = static.figures["cheapest_dollars"] / chosen.figures["cheapest_dollars"]
    said = (
        f"{times:.2f}x at price {chosen.settings['price']:g}, {chosen.lost:.2%} lost; "
        f"dollars on cheapest types {dollars:.2f}x"
    )
    yield Bar(claim, said, f">= {STATIC_TIMES:g}x", times >= STATIC_TIMES)
    cold = sum(record.figures["protected_cold_minutes"] for record in ours)
    yield Bar("protected models: minutes cold, at any price", f"{cold}", "0", cold == 0)


def _aas(results: Results, ours: Sequence[Record]) -> Iterator[Bar]:
    for name in ("aas-60s", "aas-10s"):
        record = results.one(plan.other(results.grid.fleet, name, next(_documented(name))))
        if record is None or not ours:
            yield Bar(f"{name} as documented", "-", "", None)
            continue
        loss = loss_at(ours, record.gpu_hours)
        hours = gpu_hours_at(ours, record.lost)
        spent = f"its {record.figures['gpus']:.1f} GPUs"
        at_loss = f"its loss of {record.lost:.2%}"
        yield _ratio(f"{name} as documented: lost at {spent}", loss, record.lost, AAS_LOSS)
        yield _ratio(f"{name} as documented: GPUs at {at_loss}", hours, record.gpu_hours, AAS_HOURS)


def _documented(name: str) -> Iterator[plan.Settings]:
    for settings in plan.settings_of(name, full=False):
        if all(settings[knob] == value for knob, value in documented(name).items()):
            yield settings


def against_peers(ours: Sequence[Record], peers: Sequence[Sequence[Record]]) -> Iterator[Bar]:
    """GPU-hours against whichever peer setting was best at that loss, chosen afterwards."""
    for level, bar in LEVELS.items():
        mine, best = gpu_hours_at(ours, level), best_of(peers, level)
        claim = f"best peer with hindsight, GPUs at {1 - level:.1%} in time"
        if best is None and mine is not None and any(peers):
            yield Bar(claim, "no peer gets there", f"<= {bar:.2f}", True)
        else:
            yield _ratio(claim, mine, best, bar)


def _clairvoyant(results: Results, ours: Sequence[Record]) -> Iterator[Bar]:
    bound = results.one(plan.other(results.grid.fleet, CLAIRVOYANT, {}))
    for level, bar in CLAIRVOYANT_LEVELS.items():
        claim = f"clairvoyant that serves all, GPUs at {1 - level:.1%} in time"
        yield _ratio(claim, gpu_hours_at(ours, level), bound.gpu_hours if bound else None, bar)


def _rare(ours: Sequence[Record], peers: Mapping[str, Sequence[Record]]) -> Iterator[Bar]:
    """At each of our points that some careful peer setting can afford: the worst ratio counts."""
    careful = [one for group in peers.values() for one in group if one.lost < RARE_LOSS]
    claim = f"loss by models against peer settings that lose under {RARE_LOSS:.0%}, equal GPUs"
    ratios = [
        (record.model_lost / best, record)
        for record in ours
        if (best := loss_at(careful, record.gpu_hours, model_lost)) is not None
    ]
    if not ratios:
        yield Bar(claim, "-", "<= 1.00", None)
        return
    worst, record = max(ratios, key=lambda pair: pair[0])
    said = f"{worst:.2f} at price {record.settings['price']:g} ({record.model_lost:.2%})"
    yield Bar(claim, said, "<= 1.00", worst <= 1)
    never = sum(one.figures["never_woken"] for one in ours)
    yield Bar("models called and never woken, at any price", f"{never}", "0", never == 0)


def _wakes(results: Results) -> Iterator[Bar]:
    for events, bar in ((True, WAKE_EVENT_S), (False, WAKE_TICK_S)):
        record = results.one(plan.ours(results.grid.fleet, DEFAULT_PRICE, events=events))
        how = "wake events" if events else "tick alone"
        took: float | None = record.figures["wakes"]["decision_p90_s"] if record else None
        claim = f"wakes by {how}: p90 beyond the copy's own start-up"
        said = "-" if took is None else f"{took:.0f} s"
        yield Bar(claim, said, f"<= {bar:.0f} s", None if took is None else took <= bar)


def _bursty(results: Results, peers: Sequence[Sequence[Record]]) -> Iterator[Bar]:
    ours = results.ours(results.grid.bursty, events=True)
    for level in LEVELS:
        claim = f"bursty trace, best peer with hindsight, GPUs at {1 - level:.1%} in time"
        mine, best = gpu_hours_at(ours, level), best_of(peers, level)
        if best is None and mine is not None and any(peers):
            yield Bar(claim, "no peer gets there", "< 1.00", True)
        else:
            yield _ratio(claim, mine, best, 1.0)


def _shortage(results: Results) -> Iterator[Bar]:
    records = results.of(plan.shortage(results.grid, results.ledger))
    record = next((one for one in records if one.policy == ICSCALER), None)
    if record is None:
        yield Bar("60 % of the GPUs asked for at peak", "-", "", None)
        return
    cold = record.figures["protected_cold_minutes"]
    yield Bar("60 % of peak GPUs: protected models' cold minutes", f"{cold}", "0", cold == 0)
    order = [
        record.figures["classes"][name]["lost"] for name in ("critical", "interactive", "batch")
    ]
    said = " / ".join(f"{share:.2%}" for share in order)
    claim = "60 % of peak GPUs: lost, critical / interactive / batch"
    yield Bar(claim, said, "rising", order == sorted(order))
    young = record.figures["young_kills"] / max(1, record.figures["starts"])
    claim = "60 % of peak GPUs: copies removed within 10 minutes"
    yield Bar(claim, f"{young:.2%} of starts", f"<= {YOUNG_SHARE:.0%}", young <= YOUNG_SHARE)


def _ratio(claim: str, mine: float | None, theirs: float | None, bar: float) -> Bar:
    if mine is None or not theirs:
        return Bar(claim, "-", f"<= {bar:.2f}", None)
    ratio = mine / theirs
    return Bar(claim, f"{ratio:.3f}", f"<= {bar:.2f}", ratio <= bar)
