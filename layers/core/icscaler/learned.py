"""What is learned of a component from its own past, as it is kept between looks.

Part of `entities.ModelState`, apart only for its size. Values: learning makes new ones.
Fields may be added with a default, so that the version before can read what a newer one wrote.
"""

from dataclasses import dataclass, field

TOURNAMENT_VERSION = 1
NEVER_USED = 1_000_000
# How many of its own roots a minute's peak of requests in flight lies above their mean, until a
# model's own peaks tell (`policies.accepted_load`).
ASSUMED_DEVIATIONS = 3.0


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """Mean seconds one request occupies a copy; None until a minute told it.

    `evidence`: requests that stand behind the mean, old ones forgotten. `read_until_s`: end of the
    newest settled minute whose latency was asked for. `peak_deviations`: how many of its own square
    roots the peak of what is in flight in a minute lies above its mean; `peak_minutes` told it.
    """

    mean_s: float | None = None
    evidence: float = 0.0
    read_until_s: int = 0
    peak_deviations: float = ASSUMED_DEVIATIONS
    peak_minutes: int = 0


@dataclass(frozen=True, slots=True)
class Underway:
    """A start that is being watched.

    `instances`: those the variant had when it was ordered; `instance_s`: seconds until it had more,
    None: it has not. `decision_s`: from the first sign of demand to the order, where it is known.
    """

    ordered_s: int
    copies: int
    instances: int
    instance_s: int | None = None
    decision_s: int | None = None


@dataclass(frozen=True, slots=True)
class FinishedStart:
    """A start that ended with all ordered copies in service; phases as in `policies.startup`.

    `seen_s`: the look that saw it ended. `total_s`: order to in service, `instance_s` of that for
    an instance to come, the rest as `phase` says. `decision_s` comes before, where it is known.
    """

    component: str
    phase: str
    ordered_s: int
    seen_s: int
    total_s: int
    instance_s: int = 0
    decision_s: int | None = None


@dataclass(frozen=True, slots=True)
class StartTimes:
    """How long a component's starts took, in seconds, the latest ones, newest last.

    `total_s`: order to in service. `cached_s`, `cold_s` and `launched_s`: the same without the wait
    for an instance, by phase (`policies.startup`). `been_there`: it has had a copy on instances of
    which some are still there. `demand_s`: first sign of demand since it is at zero copies; 0:
    none. `last`: the newest finished start.
    """

    total_s: tuple[int, ...] = ()
    cached_s: tuple[int, ...] = ()
    cold_s: tuple[int, ...] = ()
    launched_s: tuple[int, ...] = ()
    been_there: bool = False
    demand_s: int = 0
    underway: Underway | None = None
    last: FinishedStart | None = None


@dataclass(slots=True)
class TournamentMemory:
    """Evidence and recent load of one model, by settled metric minute.

    `newest_s`: start of the newest minute taken in. `minutes`: how many were taken in. `idle`:
    minutes since the last one with a request, a million where none was ever seen. `recent`: load
    of the last 45 minutes, oldest first. `blocks`: peaks of whole ten-minute blocks up to block
    `block - 1`, -1.0 where nothing was known; `block_peak` is that of block `block`, which still
    runs. `long_peaks`: highest complete blocks of each long window; `yesterday`: highest load
    around this time yesterday.

    `bases`: newest value of every base signal. `lows`: per base signal what can still be its
    minimum over a start-up, as minute, value, minute, value, ... with rising values.

    `waiting`, `held`, `missed`: per level rule the slot-seconds waiting, and in growing units
    (`level_unit` is one of now) the copy-minutes above copy 1 and the requests lost. `wanted`: for
    how many minutes each keep rule has wanted copy 1. `kept`, `refused`: per keep rule in units of
    `keep_unit`. `asked`, `asked_s`: requests and seconds they were counted over, both fading.
    """

    version: int = TOURNAMENT_VERSION
    newest_s: int = 0
    minutes: int = 0
    idle: int = NEVER_USED
    recent: list[float] = field(default_factory=list)
    block: int = -1
    block_peak: float = 0.0
    blocks: list[float] = field(default_factory=list)
    long_peaks: list[float] = field(default_factory=list)
    yesterday: float = 0.0
    bases: list[float] = field(default_factory=list)
    lows: list[list[float]] = field(default_factory=list)
    level_unit: float = 1.0
    waiting: list[float] = field(default_factory=list)
    held: list[float] = field(default_factory=list)
    missed: list[float] = field(default_factory=list)
    keep_unit: float = 1.0
    wanted: list[int] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    asked: float = 0.0
    asked_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Promise:
    """A share of requests to be answered within `deadline_s`."""

    in_time_fraction: float
    deadline_s: float


@dataclass(frozen=True, slots=True)
class InTime:
    """How many requests of a model with an objective were in time lately.

    `asked` and `missed` are requests, old ones fading. `worth_factor` is what the objective makes
    of a request's worth. `read_until_s`: end of the newest settled minute that was counted.
    `least_missed_fraction`: share that is missed whatever a request is worth. `floor_copies`: the
    floor that would reach an objective which no worth can; 0: worth can.

    `promise`: what is counted for; None: nothing, or, where something was read, what the version
    before knew as the model's one objective. `set_aside`: the same for the model's other promises,
    each standing still until a schedule brings it back (`policies.objectives.take_up`).
    """

    asked: float = 0.0
    missed: float = 0.0
    worth_factor: float = 1.0
    read_until_s: int = 0
    least_missed_fraction: float = 0.0
    floor_copies: int = 0
    promise: Promise | None = None
    set_aside: tuple["InTime", ...] = ()

    @property
    def missed_fraction(self) -> float | None:
        """None before the first request."""
        return self.missed / self.asked if self.asked > 0 else None


@dataclass(slots=True)
class Intent:
    """A write that was decided; stored before acting so that a crash in between is seen."""

    attempt_id: str
    from_copies: int
    copies: int
    at_s: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the last look decided about a component, for people; `resting` asks whether it sleeps.

    `steps`: (reason, copies, by) of each. `since_s`: the first look that decided just this.
    """

    copies: int
    steps: tuple[tuple[str, int, str | None], ...]
    blocked: str | None
    since_s: int


@dataclass(slots=True)
class VariantState:
    """Memory of instances that did not come, and of how long those that came took.

    `obtainable_instances` holds until `until_s`. `launches_s`: order of a copy to the instance it
    waited for, the latest ones, newest last.
    """

    short_since_s: int | None = None
    obtainable_instances: int | None = None
    until_s: int = 0
    launches_s: tuple[int, ...] = ()
