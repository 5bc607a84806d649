"""What is remembered between looks."""

from dataclasses import dataclass, field

from icscaler import learned
from icscaler.entities.observation import OutcomeKind

STATE_SCHEMA_VERSION = 1


@dataclass(slots=True)
class RefusedCopies:
    """AWS refused to go to `copies` or more; believed until `until_s`."""

    copies: int
    kind: OutcomeKind
    until_s: int


@dataclass(slots=True)
class ModelState:
    """What is remembered of one component between looks.

    `recommendations`: (minute, copies) that can still be the maximum of the stabilization window,
    oldest first. `copies_log`: (at_s, current copies) changes. `last_minute_s`: newest settled
    minute learned. `last_unknown_s`: end of the newest in which a loaded one said nothing at all.
    """

    first_seen_s: int
    observed_desired: int
    observed_current: int
    last_active_s: int
    last_minute_s: int
    last_heartbeat_s: int
    last_unknown_s: int = 0
    recommendations: tuple[tuple[int, int], ...] = ()
    copies_log: tuple[tuple[int, int], ...] = ()
    newest_copy_s: int = 0
    last_scale_out_s: int = 0
    last_scale_out_copies: int = 0
    last_scale_in_s: int = 0
    intent: learned.Intent | None = None
    owned_copies: int | None = None
    manual_until_s: int = 0
    refused: RefusedCopies | None = None
    noticed: tuple[str, ...] = ()
    service: learned.ServiceTime = field(default_factory=learned.ServiceTime)
    starts: learned.StartTimes = field(default_factory=learned.StartTimes)
    tournament: learned.TournamentMemory | None = None
    in_time: learned.InTime = field(default_factory=learned.InTime)
    verdict: learned.Verdict | None = None
    silent_s: int = 0  # see policies.signs_of_life


@dataclass(slots=True)
class EndpointState:
    """What is remembered of an endpoint; `decisions_s`: sign of demand to accepted write.

    `gpu_price` is the last plan's, for people.
    """

    schema_version: int = STATE_SCHEMA_VERSION
    last_look_s: int | None = None
    models: dict[str, ModelState] = field(default_factory=dict)
    variants: dict[str, learned.VariantState] = field(default_factory=dict)
    noticed: tuple[str, ...] = ()
    decisions_s: tuple[int, ...] = ()
    gpu_price: float = 0.0
