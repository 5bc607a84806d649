"""Which runs a sweep makes, the most telling first, so that an interrupted one says something.

The full grid: every peer's defaults, what its vendor documents, every knob by itself over its whole
range (`catalog`), and two knobs at a time where a peer's best needs both. The reduced grid: one
day; of each peer the defaults, the documented, and settings along the frontier of the full grid.
The week grid: these settings and the whole week.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from benchmarks.sweeps.ablations import ABLATIONS
from benchmarks.sweeps.records import Ledger, Run
from benchmarks.sweeps.scenes import SceneKey, share_of_peak
from icscaler_sim.baselines import PEERS, Value
from icscaler_sim.simulate import ICSCALER, Job, knobs_of, outline
from icscaler_sim.simulate.policies import (
    ALWAYS_ON,
    CLAIRVOYANT,
    CLAIRVOYANT_REFUSING,
    STATIC_ALONE,
    STATIC_PACKED,
    documented,
)

PRICES = (1.0, 3.0, 10.0, 20.0, 30.0, 60.0, 100.0, 200.0, 300.0)
DEFAULT_PRICE = 30.0
SHORTAGE = 0.6
STARTS_S = (240.0, 120.0, 60.0, 15.0)
ABLATION_SCENE = SceneKey("fleet", 0, 2)
MULTIMODAL = SceneKey("multimodal", 0, 1)

Settings = dict[str, Value]
PAIRS: Mapping[str, Sequence[tuple[str, str]]] = {
    "keep-alive": (("window_s", "keep_s"), ("window_s", "headroom")),
    "hybrid-histogram": (("window_s", "headroom"), ("window_s", "range_min")),
    "aas-60s": (("target_fraction", "low_minutes"), ("target_fraction", "scale_out_cooldown_s")),
    "keda": (("target_fraction", "cooldown_s"), ("cooldown_s", "downscale_stabilization_s")),
    "hpa": (("target_fraction", "downscale_stabilization_s"),),
    "kpa": (("utilization", "scale_down_delay_s"), ("scale_down_delay_s", "retention_s")),
    "ray-serve": (("target_fraction", "downscale_delay_s"),),
    "aas-10s": (("target_fraction", "low_minutes"), ("target_fraction", "high_points")),
}
"""In the order in which they are run: what is cheap and near the frontier first."""
REDUCED: Mapping[str, Sequence[Settings]] = {
    "keep-alive": [
        {"window_s": window, "keep_s": keep}
        for window, keep in ((900, 600), (1800, 1200), (1800, 3600), (3600, 3600), (7200, 7200))
    ],
    "hybrid-histogram": [
        {"window_s": window, "headroom": headroom}
        for window, headroom in ((900, 1.0), (1800, 1.0), (3600, 1.0), (7200, 1.2))
    ],
    "aas-60s": [
        {"target_fraction": target, "scale_out_cooldown_s": 0, "high_points": 1}
        for target in (0.4, 0.55, 0.7, 0.85)
    ],
    "keda": [{"cooldown_s": cooldown} for cooldown in (600, 3600)],
    "hpa": [{"least": 0, "downscale_stabilization_s": hold} for hold in (900, 3600)],
    "kpa": [{"scale_down_delay_s": hold} for hold in (900, 3600)],
    "ray-serve": [{"downscale_delay_s": hold} for hold in (1200,)],
    "aas-10s": [{"target_fraction": 0.55, "scale_out_cooldown_s": 0}],
}


@dataclass(frozen=True, slots=True)
class Grid:
    """Scenes and how far the settings are swept. `fleet` is the scene that most bars are about."""

    name: str
    fleet: SceneKey
    bursty: SceneKey
    prices: Sequence[float]
    full: bool
    seeds: Sequence[int]
    multimodal: SceneKey = MULTIMODAL


REDUCED_GRID = Grid(
    "reduced",
    SceneKey("fleet", 1, 2),
    SceneKey("bursty", 1, 4),
    (3.0, 10.0, 30.0, 100.0, 300.0),
    full=False,
    seeds=(0,),
)
FULL_GRID = Grid(
    "full", SceneKey("fleet"), SceneKey("bursty"), PRICES, full=True, seeds=(0, 1, 2, 3)
)
WEEK_GRID = Grid(
    "week",
    SceneKey("fleet"),
    SceneKey("bursty"),
    (3.0, 10.0, 20.0, 30.0, 60.0, 100.0, 200.0, 300.0),
    full=False,
    seeds=FULL_GRID.seeds,
)
"""The whole week, with few settings of each peer."""
GRIDS = {grid.name: grid for grid in (REDUCED_GRID, WEEK_GRID, FULL_GRID)}


def ours(scene: SceneKey, price: float, *, events: bool = False, seed: int = 0) -> Run:
    """icscaler as shipped, but for the price. `events`: callers ask for wakes, and every model has
    a spike alarm."""
    settings: Settings = {"price": price, **({"spike_alarm": True} if events else {})}
    job = Job(
        ICSCALER,
        settings,
        seed=seed,
        wake_events=events,
        spike_alarms=events,
        check_every=500,
        keep_timeline=True,
    )
    return Run(scene, job)


def other(scene: SceneKey, policy: str, settings: Mapping[str, Value], seed: int = 0) -> Run:
    """A peer, static capacity or a bound."""
    return Run(scene, Job(policy, dict(settings), seed=seed, keep_timeline=True))


def settings_of(policy: str, *, full: bool) -> Iterator[Settings]:
    """What is tried of a peer: its defaults first, then the documented, nothing twice."""
    seen: list[Settings] = []
    for given in _wanted(policy, full=full):
        usual = {knob.name: knob.default for knob in knobs_of(policy)}
        complete = {**usual, **given}
        if complete not in seen:
            seen.append(complete)
            yield complete


def _wanted(policy: str, *, full: bool) -> Iterator[Settings]:
    yield {}
    yield dict(documented(policy))
    if not full:
        yield from REDUCED[policy]
        return
    yield from outline(policy)
    values = {knob.name: knob.values for knob in knobs_of(policy)}
    for pair in PAIRS[policy]:
        for both in product(*(values[name] for name in pair)):
            yield dict(zip(pair, both, strict=True))


def frames(grid: Grid) -> Iterator[Run]:
    """What the fleet's bars compare with, apart from peers."""
    for policy in (CLAIRVOYANT, STATIC_ALONE, STATIC_PACKED, ALWAYS_ON):
        yield other(grid.fleet, policy, {})
    for knob in knobs_of(CLAIRVOYANT_REFUSING):
        for value in knob.values:
            yield other(grid.fleet, CLAIRVOYANT_REFUSING, {knob.name: value})


def frontier(grid: Grid, scene: SceneKey, *, events: bool = False) -> Iterator[Run]:
    """Ours at every price."""
    for price in sorted(grid.prices, key=lambda price: abs(price - DEFAULT_PRICE)):
        yield ours(scene, price, events=events)


def peers(grid: Grid, scene: SceneKey, names: Iterable[str] = PAIRS) -> Iterator[Run]:
    """Every peer with all settings of the grid."""
    known = {one.name for one in PEERS}
    for name in names:
        if name in known:
            for settings in settings_of(name, full=grid.full):
                yield other(scene, name, settings)


def starts(grid: Grid) -> Iterator[Run]:
    """The same fleet with other start-up times."""
    for start_s in STARTS_S:
        scene = SceneKey("fleet", grid.fleet.from_day, grid.fleet.to_day, start_s=start_s)
        yield ours(scene, DEFAULT_PRICE)
        yield other(scene, CLAIRVOYANT, {})


def shortage(grid: Grid, ledger: Ledger) -> Iterator[Run]:
    """The same fleet on 60 % of the GPUs it held at its peak; known once that run was made."""
    wide = ledger.of(ours(grid.fleet, DEFAULT_PRICE), any_code=True)
    if wide is None:
        return
    instances = share_of_peak(dict(wide.figures["peak_gpus"]), SHORTAGE)
    scene = SceneKey("fleet", grid.fleet.from_day, grid.fleet.to_day, instances=instances)
    yield ours(scene, DEFAULT_PRICE)
    yield other(scene, "aas-60s", dict(documented("aas-60s")))


def seeds(grid: Grid) -> Iterator[Run]:
    """The same once more with other luck."""
    for seed in grid.seeds[1:]:
        yield ours(grid.fleet, DEFAULT_PRICE, seed=seed)
        yield other(grid.fleet, "keep-alive", {}, seed=seed)


def ablations(grid: Grid) -> Iterator[Run]:
    """Whole, then with each part of the core taken out. The reduced grid has no time for them."""
    if not grid.full:
        return
    whole = ours(ABLATION_SCENE, DEFAULT_PRICE)
    yield whole
    for name, ablation in ABLATIONS.items():
        settings = {**whole.job.settings, **ablation.settings}
        yield Run(ABLATION_SCENE, replace(whole.job, settings=settings), name)


def elsewhere(grid: Grid, scene: SceneKey) -> Iterator[Run]:
    """Other traffic: ours by the tick, and with spike alarms and wake events; all peers."""
    yield from frontier(grid, scene)
    yield from frontier(grid, scene, events=True)
    yield other(scene, CLAIRVOYANT, {})
    yield from peers(grid, scene)


Part = Callable[[Grid, Ledger], Iterator[Run]]
PARTS: Mapping[str, Part] = {
    "frames": lambda grid, ledger: frames(grid),
    "frontier": lambda grid, ledger: frontier(grid, grid.fleet),
    "events": lambda grid, ledger: frontier(grid, grid.fleet, events=True),
    "peers": lambda grid, ledger: peers(grid, grid.fleet),
    "shortage": shortage,
    "starts": lambda grid, ledger: starts(grid),
    "bursty": lambda grid, ledger: elsewhere(grid, grid.bursty),
    "multimodal": lambda grid, ledger: elsewhere(grid, grid.multimodal),
    "seeds": lambda grid, ledger: seeds(grid),
    "ablations": lambda grid, ledger: ablations(grid),
}
"""Parts of a sweep by name, in order; each names its runs when those before are done."""
