"""Every policy that can be compared, by name: icscaler, the peers, static capacity, bounds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from icscaler_sim.baselines import PEERS, Knob, KnobError, Peer, Settings, Value, peer
from icscaler_sim.simulate.errors import SimulationError

ICSCALER = "icscaler"
STATIC_ALONE = "static-alone"
STATIC_PACKED = "static-packed"
ALWAYS_ON = "always-on"
CLAIRVOYANT = "clairvoyant"
CLAIRVOYANT_REFUSING = "clairvoyant-refusing"

_PEAK = Knob(
    "peak_fraction",
    1.0,
    (0.4, 0.55, 0.7, 0.85, 1.0, 1.25, 1.5),
    "share of the copies for the busiest 60 s of the period",
)
_REFUSAL = Knob(
    "gpu_minutes_per_request",
    0.1,
    (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0),
    "GPU-minutes that one served request may cost before it is refused",
)

STATIC: Mapping[str, tuple[str, tuple[Knob, ...]]] = {
    STATIC_ALONE: ("Static peak, one endpoint per model", (_PEAK,)),
    STATIC_PACKED: ("Static peak, packed", (_PEAK,)),
    ALWAYS_ON: ("Always on: static peak, and a copy of every model", (_PEAK,)),
}
BOUNDS: Mapping[str, tuple[str, tuple[Knob, ...]]] = {
    CLAIRVOYANT: ("Knows the future, serves every request", ()),
    CLAIRVOYANT_REFUSING: ("Knows the future, may refuse", (_REFUSAL,)),
}
SWITCHES: Mapping[str, str] = {
    "wake_events": "callers that are refused ask for a wake at once",
    "spike_alarms": "alarms on requests in flight, every 10 s, for models whose fleet file asks",
}
"""icscaler's settings that are no configuration but what reaches it between its looks."""
NAMES: tuple[str, ...] = (ICSCALER, *(one.name for one in PEERS), *STATIC, *BOUNDS)


@dataclass(frozen=True, slots=True)
class Job:
    """One run: a policy with settings and a seed.

    `wake_events`: callers that are refused ask for a wake at once (icscaler only). `check_every`:
    check the invariants of every n-th look (icscaler only; 0: none). `keep_timeline`: keep copies
    held over time in the score.
    """

    policy: str
    settings: Mapping[str, Value] = field(default_factory=dict)
    seed: int = 0
    wake_events: bool = False
    spike_alarms: bool = False
    check_every: int = 0
    keep_timeline: bool = False


def nearest(word: str, known: Iterable[str]) -> str:
    """What to write instead of a word that is not known."""
    names = list(known)
    near = get_close_matches(word, names, n=1, cutoff=0.5)
    return (f"did you mean {near[0]}? " if near else "") + f"choose from {', '.join(names)}"


def label_of(name: str) -> str:
    """The policy's name for people."""
    if name == ICSCALER:
        return "icscaler"
    return (STATIC.get(name) or BOUNDS.get(name) or (peer(name).label, ()))[0]


def knobs_of(name: str) -> tuple[Knob, ...]:
    """What can be set on a policy; icscaler's settings are those of the fleet file."""
    if name == ICSCALER:
        return ()
    return (STATIC.get(name) or BOUNDS.get(name) or ("", peer(name).knobs))[1]


def documented(name: str) -> Settings:
    """What a vendor's guide shows where the defaults here are kinder to it; else nothing."""
    return next((one.documented for one in PEERS if one.name == name), {})


def changed(name: str, settings: Mapping[str, object]) -> dict[str, object]:
    """Of a run's settings those that are not the defaults."""
    usual: dict[str, object] = {knob.name: knob.default for knob in knobs_of(name)}
    return {k: v for k, v in settings.items() if k not in usual or usual[k] != v}


def complete(name: str, given: Settings) -> dict[str, Value]:
    """All settings of a policy, the given ones as given. Raises `SimulationError`."""
    if name not in NAMES:
        raise SimulationError(f"there is no policy '{name}'", nearest(name, NAMES))
    if name == ICSCALER:
        return dict(given)
    try:
        return _as_peer(name).settings(given)
    except KnobError as error:
        raise SimulationError(str(error), "docs/simulate.md has every knob") from error


def outline(name: str) -> Iterator[dict[str, Value]]:
    """A policy's defaults and every other value of each knob by itself."""
    if name == ICSCALER:
        yield {}
        return
    yield from _as_peer(name).vary()


def _as_peer(name: str) -> Peer:
    """Static capacity and bounds have knobs like a peer, but no rule of their own."""
    for one in PEERS:
        if one.name == name:
            return one

    def no_rule(*_: object) -> object:
        raise NotImplementedError(name)

    return Peer(name, label_of(name), knobs_of(name), no_rule)  # type: ignore[arg-type]
