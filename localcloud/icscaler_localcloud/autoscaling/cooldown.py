"""Cooldowns of one scaling policy.

Source: API Reference, StepScalingPolicyConfiguration and TargetTrackingScalingPolicyConfiguration:
what a scale-out added counts for the next until the cooldown ends, so only a larger one passes;
scale-ins are blocked until it ends; a scale-out stops the cooldown of a scale-in.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Cooldown:
    """The last change a policy made: from `before` to `after`.

    `until_s` is None while that change is in progress, which counts as cooling down.
    """

    before: int
    after: int
    until_s: float | None = None

    def is_over(self, now_s: float) -> bool:
        """Has it ended?"""
        return self.until_s is not None and now_s >= self.until_s

    @property
    def of_scale_out(self) -> bool:
        """Does it cool down a scale-out?"""
        return self.after > self.before


def out_to(cooldown: Cooldown | None, now_s: float, base: int, asked: int) -> int:
    """Where a scale-out from `base` to `asked` leads, with what was already added counted."""
    if cooldown is None or cooldown.is_over(now_s) or not cooldown.of_scale_out:
        return asked
    return cooldown.before + (asked - base)


def blocks_scale_in(cooldown: Cooldown | None, now_s: float) -> bool:
    """Must a scale-in wait?"""
    return cooldown is not None and not cooldown.of_scale_out and not cooldown.is_over(now_s)


def after_scale_out(cooldown: Cooldown | None, now_s: float, base: int, capacity: int) -> Cooldown:
    """The cooldown that a scale-out starts; one that cuts into another keeps where it began."""
    if cooldown is not None and cooldown.of_scale_out and not cooldown.is_over(now_s):
        return Cooldown(cooldown.before, capacity)
    return Cooldown(base, capacity)
