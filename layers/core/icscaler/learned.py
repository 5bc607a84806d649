"""What is learned of a component from its own past, as it is kept between looks.

Part of `entities.ModelState`, apart only for its size. Values are frozen: learning makes new ones.
Fields may be added with a default, so that the version before can read what a newer one wrote.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """Mean seconds one request occupies a copy; None until a minute told it.

    `evidence`: requests that stand behind the mean, old ones forgotten. `read_until_s`: end of the
    newest settled minute whose latency was asked for.
    """

    mean_s: float | None = None
    evidence: float = 0.0
    read_until_s: int = 0


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
