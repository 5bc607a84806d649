"""Demand: the copies a model's policy asks for, before groups, guards and bounds."""

from collections.abc import Callable, Sequence

from icscaler import guards
from icscaler.bounds import promise_at
from icscaler.entities import Objective, Step, TargetTracking
from icscaler.learned import TournamentMemory
from icscaler.policies import evidence, keep_alive, objectives, tournament
from icscaler.reasons import Reason

TRACKED_WORTH = 8.0
SHORTEST_KEEP_S = int(60 * min(tournament.KEEP_MINUTES))
# What a sudden rise shows beyond what the copies serve, and beyond the last three quarters of an
# hour, counts so many times: what is seen of it is seconds old, its requests may take longer than
# those before, and after this change SageMaker takes no other for minutes. Copies too many leave
# after their minimum life (design 008).
RISE = 1.7
_OBJECTIVE = Objective()


def copies(case: guards.Case, steps: list[Step]) -> int:
    """What demand asks for, by the model's kind of policy."""
    if case.model.policy is None:
        return _by_objective(case, steps)
    return _by_target(case, case.model.policy, steps)


def _by_objective(case: guards.Case, steps: list[Step]) -> int:
    """The copies that earn their GPUs by the tournament's vote."""
    chosen = tournament.choose(memory(case), terms(case), now(case)).copies
    if chosen < case.from_copies and case.state.last_unknown_s >= known_until_s(case):
        steps.append(Step(Reason.NO_DATA, case.from_copies))
        return case.from_copies
    if case.from_copies == 0 and chosen > 0:
        steps.append(Step(_presence_reason(case), chosen))
    else:
        earned = chosen >= case.from_copies
        reason = Reason.EARNS_ITS_GPUS if earned else Reason.NOT_WORTH_ITS_GPUS
        steps.append(Step(reason, chosen))
    return chosen


def known_until_s(case: guards.Case) -> int:
    """End of the newest settled minute."""
    return case.state.last_minute_s + evidence.MINUTE_S


def memory(case: guards.Case) -> TournamentMemory:
    """What the model's tournament remembers."""
    return case.state.tournament or tournament.fresh_memory()


def now(case: guards.Case) -> tournament.Now:
    """What is known beyond the minutes that the tournament has learned from."""
    active_s, until_s = case.state.last_active_s, known_until_s(case)
    # Use that showed only after its minute was settled, or before it was hidden again, was never
    # learned: it counts for as long as the shortest keep rule would have kept a copy for it.
    late = active_s > until_s - SHORTEST_KEEP_S and active_s > tournament.used_until_s(memory(case))
    load = case.fresh.load if case.fresh is not None else 0.0
    return tournament.Now(load=_risen(case, load), used=active_s > until_s or late)


def _risen(case: guards.Case, load: float) -> float:
    """The load with what `RISE` adds; while no service time is known it is a guess, and ample."""
    if not case.from_copies or case.state.service.mean_s is None:
        return load
    served = case.from_copies * float(case.model.concurrent_requests_per_copy or 1)
    usual = max(served, tournament.recent_peak(memory(case)))
    return load if load <= usual else usual + RISE * (load - usual)


def terms(case: guards.Case) -> tournament.Terms:
    """What copies and requests are worth: as configured, and as the objective has it."""
    model = case.model
    objective = model.objective or _OBJECTIVE
    return tournament.Terms(
        slots=float(model.concurrent_requests_per_copy or 1),
        gpus=model.resources.gpus,
        price=case.config.price,
        worth=case.request_worth * _promised_worth(case),
        rare_per_s=objective.rare_per_s,
    )


def _promised_worth(case: guards.Case) -> float:
    """The larger of both where a window's objective begins a start-up time early."""
    now, early = promise_at(case.config, case.model, case.at_s), case.promise
    worth = objectives.worth_factor(case.state.in_time, early)
    return worth if now == early else max(worth, objectives.worth_factor(case.state.in_time, now))


def explanation(case: guards.Case, most: int = 5) -> tournament.Explanation | None:
    """Why the tournament wants what it wants; None for a model that states a target."""
    if case.model.policy is not None:
        return None
    return tournament.explain(memory(case), terms(case), now(case), most)


def prices(case: guards.Case, most: int) -> Callable[[], Sequence[float]] | None:
    """For an objective: the highest price at which each of `most` copies is still wanted."""
    if case.model.policy is not None:
        return None
    return lambda: tournament.copy_prices(memory(case), terms(case), now(case), most)


def worth_scale(case: guards.Case) -> float:
    """Puts copies by target tracking beside those that have a price of their own.

    Nobody measured what they save: copy k counts as if it were wanted up to 8/k times the price.
    """
    return 1.0 if case.model.policy is None else TRACKED_WORTH * case.config.price


def _by_target(case: guards.Case, policy: TargetTracking, steps: list[Step]) -> int:
    """Levels above one copy by target tracking, copy 1 by recent use."""
    state, fresh, until_s = case.state, case.fresh, known_until_s(case)
    window = evidence.highest(state.recommendations)
    newest = fresh.copies if fresh is not None else 0
    latest = max(newest, state.recommendations[-1][1] if state.recommendations else 0)
    wish = max(newest, window or 0)
    unknown_s = until_s - state.last_unknown_s
    if unknown_s < policy.scale_in_stabilization_s and wish < case.from_copies:
        steps.append(Step(Reason.NO_DATA, case.from_copies))
        return case.from_copies
    if wish > 1:
        reason = (
            Reason.ABOVE_TARGET
            if wish > case.from_copies
            else Reason.BELOW_TARGET
            if wish < case.from_copies
            else Reason.TARGET_MET
        )
        steps.append(Step(reason, latest))
        if latest < wish:
            steps.append(Step(Reason.STABILIZED, wish))
        return wish
    # Unknown minutes may hold a copy that is there; they never call one that is not.
    used_s = max(state.last_active_s, state.last_unknown_s if case.from_copies else 0)
    if keep_alive.wants_presence(case.model.idle_s, used_s, until_s):
        steps.append(Step(_presence_reason(case), 1))
        return 1
    steps.append(Step(Reason.IDLE, 0))
    return 0


def _presence_reason(case: guards.Case) -> Reason:
    if case.from_copies > 0:
        return Reason.RECENTLY_USED
    if case.fresh is not None and case.fresh.refused:
        return Reason.WOKEN_BY_REFUSED_REQUEST
    wake_s = case.seen.wakes.get(case.model.name)
    if wake_s is not None and wake_s >= case.state.last_active_s:
        return Reason.WOKEN_BY_WAKE_REQUEST
    return Reason.WOKEN_BY_REFUSED_REQUEST
