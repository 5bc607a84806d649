"""Bounds: floor, ceiling and pause of one component at one moment, and who set them.

The rule, key by key: the fleet file's own setting, over it the overrides that hold (the last one in
the file wins), over it what workflows have laid on (`ModelConfig.overlays`). An overlay can only
tighten: of several the highest floor and the lowest ceiling count, and none lowers a floor or
raises a ceiling of the file. A floor is never above the ceiling.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from icscaler.entities import ModelConfig, Override
from icscaler.reasons import Reason


@dataclass(frozen=True, slots=True)
class Bound:
    """A number of copies, and the reason code and name of who set it."""

    copies: int
    reason: Reason
    by: str | None = None


def ceiling(model: ModelConfig, at_s: int) -> Bound:
    """The most copies the component may have at `at_s`."""
    found = Bound(model.max_copies, Reason.MAX_COPIES)
    for one in _holding(model.overrides, at_s):
        if one.max_copies is not None:
            found = Bound(one.max_copies, Reason.OVERRIDE)
    for one in _holding(model.overlays, at_s):
        if one.max_copies is not None and one.max_copies < found.copies:
            found = Bound(one.max_copies, Reason.OVERLAY, one.reason)
    return found


def floor(model: ModelConfig, at_s: int) -> Bound:
    """The fewest copies the component must have at `at_s`; never above its ceiling."""
    found = Bound(model.min_copies, Reason.MIN_COPIES)
    for one in _holding(model.overrides, at_s):
        if one.min_copies is not None:
            found = Bound(one.min_copies, Reason.OVERRIDE)
    for one in _holding(model.overlays, at_s):
        if one.min_copies is not None and one.min_copies > found.copies:
            found = Bound(one.min_copies, Reason.OVERLAY, one.reason)
    most = ceiling(model, at_s)
    return found if found.copies <= most.copies else most


def paused(model: ModelConfig, at_s: int) -> bool:
    """Whether the fleet file, an override or an overlay pauses it."""
    temporary = (*model.overrides, *model.overlays)
    return model.paused or any(one.paused for one in _holding(temporary, at_s))


def _holding(entries: Iterable[Override], at_s: int) -> Iterator[Override]:
    return (one for one in entries if one.from_s <= at_s < one.until_s)
