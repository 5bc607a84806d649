"""Checks that need more than one key: names, scaling, room, ceilings, schedules, overrides."""

from collections.abc import Iterator
from itertools import chain

from icscaler.config.checks import (
    ceilings,
    overrides,
    references,
    room,
    scaling,
    schedules,
    variants,
)
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
        ceilings.check(case),
        schedules.check(case),
        overrides.check(case),
    )
