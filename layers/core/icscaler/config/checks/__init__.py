"""Checks that need more than one key: references, scaling, variants, room, schedules, overrides."""

from collections.abc import Iterator
from itertools import chain

from icscaler.config.checks import overrides, references, room, scaling, schedules, variants
from icscaler.config.checks.case import Case
from icscaler.config.problems import Problem

__all__ = ["Case", "check"]


def check(case: Case) -> Iterator[Problem]:
    """All that is wrong or odd with a fleet beyond single keys."""
    return chain(
        references.check(case),
        scaling.check(case),
        variants.check(case),
        room.check(case),
        schedules.check(case),
        overrides.check(case),
    )
