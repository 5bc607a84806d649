"""Guards: how far and how fast a wish may move one component. Pure steps with reason codes.

Each guard takes the `Case` and a number of copies and returns the copies it lets through. `shape`
runs them in order and notes every step that changed the number. All but the bounds act on demand
only; the bounds come last and therefore always hold.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, floor

from icscaler.bounds import START_UP_PRIOR_S, Bounds, bounds_at, promise_at, request_worth_at
from icscaler.entities import EndpointConfig, ModelConfig, ModelState, Snapshot, Step
from icscaler.learned import Promise
from icscaler.policies import startup
from icscaler.policies.evidence import Fresh
from icscaler.reasons import Reason

# Looks come once a minute.
LOOK_S = 60
TRACKED_STEP_COPIES = 4
TRACKED_STEP_FRACTION = 1.0


@dataclass(slots=True)
class Case:
    """One component in one look, as the guards see it. `from_copies` is the desired count now.

    `fresh`: what minutes that are not settled say; None where nothing could be read.
    """

    config: EndpointConfig
    model: ModelConfig
    state: ModelState
    seen: Snapshot
    from_copies: int
    current_copies: int
    fresh: Fresh | None = None
    bounds: Bounds = field(init=False)
    request_worth: float = field(init=False)
    promise: Promise | None = field(init=False)

    def __post_init__(self) -> None:
        model, at_s = self.model, self.seen.at_s
        before_s = start_up_s(self.state) if model.schedules else 0
        self.bounds = bounds_at(self.config, model, at_s, before_s)
        self.request_worth = request_worth_at(self.config, model, at_s, before_s)
        self.promise = promise_at(self.config, model, at_s, before_s)

    @property
    def at_s(self) -> int:
        """Time of the look."""
        return self.seen.at_s

    @property
    def floor(self) -> int:
        """The fewest copies it must have now; never above the ceiling."""
        return self.bounds.floor.copies

    @property
    def ceiling(self) -> int:
        """The most copies it may have now."""
        return self.bounds.ceiling.copies

    @property
    def blind(self) -> bool:
        """Whether a loaded component has given no sign of life for too long."""
        if self.current_copies == 0:
            return False
        newest_s = max(self.state.last_heartbeat_s, self.state.newest_copy_s)
        unread = self.model.name not in self.seen.metrics
        return unread or self.at_s - newest_s > self.config.blind_after_s


def start_up_s(state: ModelState) -> int:
    """How long before the start of a window its copies are asked for: a late start, and a look."""
    return startup.late(state.starts.total_s, START_UP_PRIOR_S) + LOOK_S


Guard = Callable[[Case, int], tuple[int, Reason | None]]


def hold_when_blind(case: Case, copies: int) -> tuple[int, Reason | None]:
    """Missing or stale data never removes a copy."""
    if copies < case.from_copies and case.blind:
        return case.from_copies, Reason.BLIND
    return copies, None


def hold_when_metrics_vanished(case: Case, copies: int) -> tuple[int, Reason | None]:
    """When the metrics of many models vanish together, nothing scales in."""
    if copies < case.from_copies and case.seen.metrics_vanished:
        return case.from_copies, Reason.METRICS_VANISHED
    return copies, None


def keep_scale_in_disabled(case: Case, copies: int) -> tuple[int, Reason | None]:
    """`disable_scale_in`: the policy only scales out (AWS's DisableScaleIn)."""
    policy = case.model.policy
    if policy is not None and copies < case.from_copies and policy.disable_scale_in:
        return case.from_copies, Reason.SCALE_IN_DISABLED
    return copies, None


def cool_down_scale_in(case: Case, copies: int) -> tuple[int, Reason | None]:
    """A pause after each observed scale in; a scale out ends it (AWS's ScaleInCooldown)."""
    state, policy = case.state, case.model.policy
    cooling = policy and case.at_s - state.last_scale_in_s < policy.scale_in_cooldown_s
    if copies < case.from_copies and cooling and state.last_scale_in_s >= state.last_scale_out_s:
        return case.from_copies, Reason.SCALE_IN_COOLDOWN
    return copies, None


def cool_down_scale_out(case: Case, copies: int) -> tuple[int, Reason | None]:
    """A pause after each observed scale out; only a larger one passes, and waking always does."""
    policy = case.model.policy
    if policy is None or case.from_copies == 0 or copies <= case.from_copies:
        return copies, None
    state = case.state
    cooling = case.at_s - state.last_scale_out_s < policy.scale_out_cooldown_s
    if cooling and copies - case.from_copies <= state.last_scale_out_copies:
        return case.from_copies, Reason.SCALE_OUT_COOLDOWN
    return copies, None


def limit_scale_out_rate(case: Case, copies: int) -> tuple[int, Reason | None]:
    """At most a number or a share of the copies more per look, whichever is larger."""
    step = scale_out_step(case.model)
    if step is None:
        return copies, None
    most = case.from_copies + max(step[0], ceil(case.from_copies * step[1]))
    if copies > most:
        return most, Reason.SCALE_OUT_RATE
    return copies, None


def scale_out_step(model: ModelConfig) -> tuple[int, float] | None:
    """Most copies added by one look, as a number and as a share; None: `max_copies` alone bounds.

    Requests in flight, which a target may follow, contain the queue and ask for any number of
    copies; what is accepted, which an objective follows, does not. A change takes minutes in which
    SageMaker takes no other, so a first step that is too small is paid for with all of them.
    """
    copies, share = model.limits.scale_out_step_copies, model.limits.scale_out_step_fraction
    if copies is None and share is None and model.policy is None:
        return None
    return (
        TRACKED_STEP_COPIES if copies is None else copies,
        TRACKED_STEP_FRACTION if share is None else share,
    )


def limit_scale_in_rate(case: Case, copies: int) -> tuple[int, Reason | None]:
    """At most a number or a share of the copies fewer per look, whichever is larger."""
    limits, now = case.model.limits, case.from_copies
    least = min(now - limits.scale_in_step_copies, floor(now * (1 - limits.scale_in_step_fraction)))
    if copies < least:
        return least, Reason.SCALE_IN_RATE
    return copies, None


def stop_at_one_before_zero(case: Case, copies: int) -> tuple[int, Reason | None]:
    """N to 1 to 0: unloading is a step of its own."""
    if copies == 0 and case.from_copies > 1:
        return 1, Reason.ONE_BEFORE_ZERO
    return copies, None


def respect_minimum_life(case: Case, copies: int) -> tuple[int, Reason | None]:
    """A copy that just came stays a while: starting it cost minutes of a GPU."""
    if copies < case.from_copies and is_young(case):
        return case.from_copies, Reason.MINIMUM_LIFE
    return copies, None


def is_young(case: Case) -> bool:
    """Whether the newest copy is younger than the minimum life, or has not even come yet."""
    starting = case.current_copies < case.from_copies
    age_s = case.at_s - case.state.newest_copy_s
    since_out_s = case.at_s - case.state.last_scale_out_s
    life_s = case.model.limits.minimum_life_s
    return age_s < life_s or (starting and since_out_s < life_s)


def remember_refusal(case: Case, copies: int) -> tuple[int, Reason | None]:
    """What AWS refused a moment ago is not asked again before its memory expires."""
    refused = case.state.refused
    if refused is None or refused.until_s <= case.at_s or copies < refused.copies:
        return copies, None
    if copies <= case.from_copies:
        return copies, None
    return max(case.from_copies, refused.copies - 1), Reason.REFUSED_RECENTLY


def bound(case: Case, copies: int, steps: list[Step]) -> int:
    """The ceiling, which applies at once, data or not; the floor, which keeps a model warm."""
    most, least = case.bounds.ceiling, case.bounds.floor
    for limit, exceeded in ((most, copies > most.copies), (least, copies < least.copies)):
        if exceeded:
            copies = limit.copies
            steps.append(Step(limit.reason, copies, limit.by))
    return copies


DEMAND_GUARDS: tuple[Guard, ...] = (
    keep_scale_in_disabled,
    hold_when_blind,
    hold_when_metrics_vanished,
    cool_down_scale_in,
    cool_down_scale_out,
    respect_minimum_life,
    limit_scale_in_rate,
    limit_scale_out_rate,
    stop_at_one_before_zero,
    remember_refusal,
)


def shape(case: Case, copies: int, steps: list[Step]) -> int:
    """Run all guards in order; appends a step for each that changed the number."""
    # Who stays as it is is held by no guard.
    for guard in DEMAND_GUARDS if copies != case.from_copies else ():
        copies, reason = guard(case, copies)
        if reason is not None:
            steps.append(Step(reason, copies))
    return bound(case, copies, steps)
