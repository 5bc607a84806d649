"""Signs of life: in which looks the heartbeat of a loaded component must be read.

The heartbeat tells a silent minute from a missing one. A minute whose requests were seen needs
none, and series cost money; so it is read only while a minute is open that nothing was seen of.
Metrics come up to a minute late and minutes are learned three after they began (`evidence`), so a
hole is noticed at least one look before it is learned. Where that cannot be relied upon (a first
look, one after a pause of the looks) the heartbeat is read too.
"""

from collections.abc import Mapping

from icscaler.entities import MetricMinute, ModelState

MINUTE_S = 60
# CloudWatch shows a minute 30 to 60 s after its end; until then it says nothing of anybody.
READABLE_AFTER_S = 60
# Looks come once a minute; after a longer pause nobody has noticed the holes.
LONGEST_PAUSE_S = 90
# An old sign is renewed so long before the component would count as blind.
RENEWED_BEFORE_S = 120


def oldest_silent_s(minutes: Mapping[int, MetricMinute], since_s: int, at_s: int) -> int:
    """The oldest minute from `since_s` on that should be readable and says nothing; 0: none."""
    for minute_s in range(since_s, at_s - MINUTE_S - READABLE_AFTER_S + 1, MINUTE_S):
        minute = minutes.get(minute_s)
        if minute is None or not tells_requests(minute):
            return minute_s
    return 0


def tells_requests(minute: MetricMinute) -> bool:
    """Whether it says how many requests there were, even if none."""
    return minute.invocations is not None or minute.concurrency_per_copy is not None


def heartbeat_due(
    state: ModelState | None, last_look_s: int | None, blind_after_s: int, at_s: int
) -> bool:
    """Whether this look should read the heartbeat of a loaded component."""
    if state is None or last_look_s is None or at_s - last_look_s > LONGEST_PAUSE_S:
        return True
    signs_end_s = state.last_heartbeat_s + blind_after_s - RENEWED_BEFORE_S
    return state.silent_s > 0 or at_s >= signs_end_s
