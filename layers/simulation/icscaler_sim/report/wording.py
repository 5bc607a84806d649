"""Reason codes in the words of somebody who reads them for the first time."""

from icscaler.reasons import Reason

WORDS: dict[str, str] = {
    Reason.TARGET_MET: "load is on target",
    Reason.ABOVE_TARGET: "load per copy is above target",
    Reason.BELOW_TARGET: "load per copy is below target",
    Reason.EARNS_ITS_GPUS: "the traffic it saves is worth its GPUs",
    Reason.NOT_WORTH_ITS_GPUS: "its traffic is not worth its GPUs now",
    Reason.RECENTLY_USED: "was used recently",
    Reason.IDLE: "no request for the idle time",
    Reason.WOKEN_BY_REFUSED_REQUEST: "a request was refused at zero copies",
    Reason.WOKEN_BY_WAKE_REQUEST: "a caller asked to wake it",
    Reason.GROUP: "its group stays or wakes together",
    Reason.NO_DATA: "no metric data yet",
    Reason.STABILIZED: "the stabilization window still holds more",
    Reason.SCALE_IN_DISABLED: "scale-in is switched off",
    Reason.SCALE_OUT_COOLDOWN: "scaled out a moment ago",
    Reason.SCALE_IN_COOLDOWN: "changed a moment ago",
    Reason.SCALE_OUT_RATE: "no faster than the scale-out limit",
    Reason.SCALE_IN_RATE: "no faster than the scale-in limit",
    Reason.ONE_BEFORE_ZERO: "one copy before zero",
    Reason.MINIMUM_LIFE: "the newest copy is still fresh",
    Reason.BLIND: "no data, so nothing is removed",
    Reason.METRICS_VANISHED: "metrics of many models vanished, so nothing is removed",
    Reason.REFUSED_RECENTLY: "AWS refused this a moment ago",
    Reason.MIN_COPIES: "kept at its floor",
    Reason.MAX_COPIES: "kept at its ceiling",
    Reason.ONE_INSTANCE: "a single-model variant keeps one instance",
    Reason.MAX_GPUS: "kept to a ceiling in GPUs",
    Reason.SCHEDULE: "a schedule's floor",
    Reason.OVERRIDE: "a person's override",
    Reason.OVERLAY: "a workflow's limits",
    Reason.ONE_INSTANCE: "a variant keeps one instance",
    Reason.DISPLACED: "made room for a model worth more",
    Reason.WAITING_FOR_ROOM: "waits for room on the endpoint",
    Reason.FOLLOWS_BASE: "an adapter lives in its base's copies",
    Reason.IN_FLIGHT: "a change is still under way",
    Reason.ENDPOINT_NOT_IN_SERVICE: "the endpoint is not in service",
    Reason.COMPONENT_FAILED: "the component has failed",
    Reason.COMPONENT_MISSING: "the component does not exist",
    Reason.HELD_BY_ROLLOUT: "held by a rollout",
    Reason.PAUSED: "paused",
    Reason.OBSERVE: "observe only",
    Reason.FOREIGN_TARGET: "Application Auto Scaling owns it",
    Reason.MANUAL_CHANGE: "somebody changed it by hand",
    Reason.REMOVAL_ALLOWANCE: "the fleet's removal allowance is used up",
}
"""Every code has words; a test keeps the two lists together."""


def explain_step(step: str) -> str:
    """`AboveTarget 3` as `load per copy is above target: 3`; unknown codes stay as they are."""
    code, _, rest = step.partition(" ")
    copies, _, by = rest.partition(" by ")
    words = WORDS.get(code, code)
    if by:
        words = f"{words} ({by})"
    return f"{words}: {copies}" if copies else words


def explain_change(steps: tuple[str, ...]) -> str:
    """The reason in one phrase: what demand asked for, and what last limited it."""
    if not steps:
        return "no reason recorded"
    first = WORDS.get(steps[0].partition(" ")[0], steps[0])
    last = WORDS.get(steps[-1].partition(" ")[0], steps[-1])
    return first if len(steps) == 1 or first == last else f"{first}; {last}"
