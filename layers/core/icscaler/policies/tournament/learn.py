"""Learning: each settled metric minute charges every rule for what it would have done.

A rule's copy serves in a minute only if the rule wanted it for a whole start-up before. What a rule
wants never depends on what was really there, nor on floors, ceilings or prices.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from math import ceil, inf
from operator import attrgetter

from icscaler.learned import NEVER_USED, TOURNAMENT_VERSION, TournamentMemory
from icscaler.policies.tournament import rules
from icscaler.policies.tournament.rules import TUNING

_LEVEL_GROWTH = 2.0 ** (1 / TUNING.level_half_life_minutes)
_KEEP_GROWTH = 2.0 ** (1 / TUNING.keep_half_life_minutes)
_RATE_FADING = 0.5 ** (1 / TUNING.rate_half_life_minutes)
_MOST_UNIT = 2.0**20
_MOST_WANTED = 10_000
_LONG_BLOCKS = tuple(window * rules.MINUTE_S // rules.BLOCK_S for window in rules.LONG_WINDOWS)
_LONG = len(rules.SHORT_WINDOWS)
# All fields in order: a memory is copied for each model and minute, which `replace` is slow at.
_fields_of = attrgetter(*(field.name for field in fields(TournamentMemory)))
_LENGTHS_OF = {
    **dict.fromkeys(("bases", "lows"), rules.SIGNALS),
    **dict.fromkeys(("waiting", "held", "missed"), len(rules.LEVEL_RULES)),
    **dict.fromkeys(("wanted", "kept", "refused"), len(rules.KEEP_RULES)),
    "recent": rules.RECENT_MINUTES,
    "blocks": rules.KEPT_BLOCKS,
    "long_peaks": len(rules.LONG_WINDOWS),
}
_lists_of = attrgetter(*_LENGTHS_OF)
_LENGTHS = tuple(_LENGTHS_OF.values())
_KEEPS = tuple((rule.idle_minutes, rule.profile) for rule in rules.KEEP_RULES)
_LEAST_SLOT_SHARE = 1 / max(rules.HEADROOMS)
# Of each window of a profile rule the next shorter and the next longer of the short windows.
_BRACKETS = tuple(
    (
        window,
        max(place for place, short in enumerate(rules.SHORT_WINDOWS) if short <= window),
        min(place for place, short in enumerate(rules.SHORT_WINDOWS) if short >= window),
    )
    for window in rules.PROFILE_WINDOWS
)


@dataclass(slots=True)
class Minute:
    """What a settled minute says. `load`: requests in service at once, of those accepted.

    `arrivals`: requests, refused ones too. `offered`: the load of all arrivals; None: as `load`.
    """

    at_s: int
    load: float
    arrivals: float
    offered: float | None = None


def fresh_memory(*, used: bool = False) -> TournamentMemory:
    """The memory of a model nothing is known of. `used`: it counts as used just now."""
    signals, levels, keeps = rules.SIGNALS, len(rules.LEVEL_RULES), len(rules.KEEP_RULES)
    return TournamentMemory(
        idle=0 if used else NEVER_USED,
        recent=[0.0] * rules.RECENT_MINUTES,
        blocks=[-1.0] * rules.KEPT_BLOCKS,
        long_peaks=[0.0] * len(rules.LONG_WINDOWS),
        bases=[0.0] * signals,
        lows=[[0.0, 0.0] for _ in range(signals)],
        waiting=[0.0] * levels,
        held=[0.0] * levels,
        missed=[0.0] * levels,
        wanted=[0] * keeps,
        kept=[0.0] * keeps,
        refused=[0.0] * keeps,
    )


def usable(memory: TournamentMemory | None) -> bool:
    """Whether this code can go on from a stored memory."""
    return (
        memory is not None
        and memory.version == TOURNAMENT_VERSION
        and tuple(map(len, _lists_of(memory))) == _LENGTHS
    )


def used_until_s(memory: TournamentMemory) -> int:
    """End of the newest minute with a request that was learned from; far back if there was none."""
    return memory.newest_s + 60 * (1 - memory.idle)


def recent_peak(memory: TournamentMemory) -> float:
    """Highest load of the last three quarters of an hour that was learned from."""
    return memory.bases[_LONG - 1]


def learn(
    memory: TournamentMemory | None,
    minutes: Iterable[Minute],
    slots: float,
    start_minutes: int,
    *,
    used: bool = False,
) -> TournamentMemory:
    """The memory after settled minutes, oldest first; `memory` is not modified.

    `slots`: requests one copy serves at once. `start_minutes`: from the minute in which a copy is
    called for to the first one it serves in. Minutes that are not known are left out by the caller:
    they are no evidence, and what was wished stays wished. One older than the newest is ignored.
    `used`: a model of which there is no usable memory counts as used just now.
    """
    if memory is not None and usable(memory):
        after = TournamentMemory(*_fields_of(memory))
    else:
        after = fresh_memory(used=used)
    # The two memories share their lists: below a list that changes is replaced, never written to.
    coming = _newer(minutes, after.newest_s)
    for together in _by_block(coming) if len(coming) > 1 else (coming,):
        if len(together) > 1 and _sleeps(after, together):
            _sleep(after, together, slots, start_minutes)
            continue
        for minute in together:
            _age(after)
            _charge_levels(after, minute, slots)
            _charge_keeps(after, minute, slots, start_minutes)
            _take_in(after, minute)
            _wish(after, start_minutes)
    return after


def _newer(minutes: Iterable[Minute], newest_s: int) -> list[Minute]:
    found = []
    for minute in minutes:
        if minute.at_s > newest_s:
            newest_s = minute.at_s
            found.append(minute)
    return found


def _by_block(minutes: Iterable[Minute]) -> Iterator[list[Minute]]:
    for _, together in groupby(minutes, _block):
        yield list(together)


def _block(minute: Minute) -> int:
    return minute.at_s // rules.BLOCK_S


def _sleeps(memory: TournamentMemory, minutes: Sequence[Minute]) -> bool:
    """Whether minutes of one block go by of which none changes a window or a unit of account."""
    return (
        _block(minutes[0]) == memory.block
        and memory.bases[_LONG - 1] == 0
        and not any(memory.waiting)
        and max(memory.level_unit, memory.keep_unit) < _MOST_UNIT / 2
        and all(minute.arrivals == minute.load == 0 for minute in minutes)
    )


def _sleep(
    memory: TournamentMemory, minutes: Sequence[Minute], slots: float, start_minutes: int
) -> None:
    """All of `minutes` at once (see `_sleeps`): the sums of the loop in `learn`, in its order."""
    count, idle, used_yesterday = len(minutes), memory.idle, memory.yesterday > 0
    wanting = max(memory.bases) > slots * _LEAST_SLOT_SHARE
    # Who wished as the first minute began is charged until its wish has lapsed.
    charged = [
        0
        if not wanted
        else count
        if until == inf or (used_yesterday and profile)
        else max(1, ceil(until) - idle)
        for wanted, (until, profile) in zip(memory.wanted, _KEEPS, strict=True)
    ]
    for place in range(count):
        memory.level_unit *= _LEVEL_GROWTH
        unit = memory.keep_unit = memory.keep_unit * _KEEP_GROWTH
        if wanting:
            _hold(memory, slots)
        memory.kept = [
            before + unit if minutes_charged > place else before
            for before, minutes_charged in zip(memory.kept, charged, strict=True)
        ]
        memory.asked *= _RATE_FADING
        memory.asked_s = memory.asked_s * _RATE_FADING + rules.MINUTE_S
    memory.minutes += count
    memory.newest_s = minutes[-1].at_s
    memory.idle = min(NEVER_USED, idle + count)
    _wish(memory, start_minutes, count)


def _age(memory: TournamentMemory) -> None:
    """A minute passes: new evidence counts more than all that is there."""
    memory.level_unit *= _LEVEL_GROWTH
    if memory.level_unit > _MOST_UNIT:
        unit, memory.level_unit = memory.level_unit, 1.0
        memory.held = [value / unit for value in memory.held]
        memory.missed = [value / unit for value in memory.missed]
    memory.keep_unit *= _KEEP_GROWTH
    if memory.keep_unit > _MOST_UNIT:
        unit, memory.keep_unit = memory.keep_unit, 1.0
        memory.kept = [value / unit for value in memory.kept]
        memory.refused = [value / unit for value in memory.refused]


def _charge_levels(memory: TournamentMemory, minute: Minute, slots: float) -> None:
    """Copy-minutes above copy 1 that each rule held, and requests it lost."""
    # While nobody waits and no rule wants a second copy, all rules do the same.
    if max(memory.bases) > slots * _LEAST_SLOT_SHARE:
        _hold(memory, slots)
    if minute.load > slots or any(memory.waiting):
        _charge_waiting(memory, minute, slots)


def _hold(memory: TournamentMemory, slots: float) -> None:
    """A minute of the copies above copy 1 that each rule wants."""
    unit, wishes = memory.level_unit, rules.level_wishes(memory.bases, slots)
    memory.held = [
        before + (wish - 1) * unit if wish > 1 else before
        for before, wish in zip(memory.held, wishes, strict=True)
    ]


def _charge_waiting(memory: TournamentMemory, minute: Minute, slots: float) -> None:
    """Requests that each rule lost, because they met fewer copies than they needed."""
    waiting, missed = memory.waiting[:], memory.missed[:]
    unit, arrivals = memory.level_unit, minute.arrivals
    work = minute.load * rules.MINUTE_S
    per_work = arrivals / work if work > 0 else 0.0
    lowest = rules.level_wishes([low[1] for low in memory.lows], slots)
    for place, wish in enumerate(lowest):
        ready = wish * slots if wish > 1 else slots
        left = waiting[place] + work - ready * rules.MINUTE_S
        lost = left - ready * TUNING.patience_s
        if lost > 0:
            missed[place] += min(arrivals, lost * per_work) * unit
            left -= lost
        waiting[place] = left if left > 0 else 0.0
    memory.waiting, memory.missed = waiting, missed


def _charge_keeps(
    memory: TournamentMemory, minute: Minute, slots: float, start_minutes: int
) -> None:
    """Minutes each rule kept copy 1, and requests that met no copy of it."""
    unit, held = memory.keep_unit, memory.wanted
    least = min(held)
    if least:
        memory.kept = [before + unit for before in memory.kept]
    elif any(held):
        memory.kept = [
            before + unit if wanted else before
            for before, wanted in zip(memory.kept, held, strict=True)
        ]
    # What every rule has wanted for a whole start-up no rule refuses.
    if minute.arrivals > 0 and least < start_minutes:
        offered = minute.load if minute.offered is None else minute.offered
        share = slots / offered if offered > slots else 1.0
        lost = minute.arrivals * share * unit
        memory.refused = [
            before + lost if wanted < start_minutes else before
            for before, wanted in zip(memory.refused, held, strict=True)
        ]


def _take_in(memory: TournamentMemory, minute: Minute) -> None:
    """The minute becomes history: windows, blocks, idle time, rate."""
    load = minute.load
    memory.minutes += 1
    memory.newest_s = minute.at_s
    memory.asked = memory.asked * _RATE_FADING + minute.arrivals
    memory.asked_s = memory.asked_s * _RATE_FADING + rules.MINUTE_S
    if minute.arrivals > 0 or load > 0:
        memory.idle = 0
    elif memory.idle < NEVER_USED:
        memory.idle += 1
    block = minute.at_s // rules.BLOCK_S
    # The longest of the short windows; while it is silent another silent minute moves nothing.
    if load == 0 and block == memory.block and memory.bases[_LONG - 1] == 0:
        return
    before = memory.recent
    memory.recent = [*before[1:], load]
    if block != memory.block:
        _close_blocks(memory, block)
    if load > memory.block_peak:
        memory.block_peak = load
    memory.bases = _bases(memory, before)


def _close_blocks(memory: TournamentMemory, block: int) -> None:
    blocks = memory.blocks
    if memory.block >= 0:
        unknown = min(block - memory.block - 1, rules.KEPT_BLOCKS)
        blocks = [*blocks, memory.block_peak, *([-1.0] * unknown)][-rules.KEPT_BLOCKS :]
        memory.blocks = blocks
    memory.block, memory.block_peak = block, 0.0
    memory.long_peaks = [max(0.0, max(blocks[-count:])) for count in _LONG_BLOCKS]
    profile = blocks[len(blocks) - rules.PROFILE_FIRST : len(blocks) - rules.PROFILE_LAST + 1]
    memory.yesterday = max(0.0, *profile)


def _bases(memory: TournamentMemory, before: Sequence[float]) -> list[float]:
    """`before`: the recent load without the newest minute, as `memory.bases` still has it."""
    recent, load = memory.recent, memory.recent[-1]
    # A peak is looked for anew only when the minute that falls out of the window was one.
    bases = [
        load if load >= peak else peak if before[-window] < peak else max(recent[-window:])
        for window, peak in zip(rules.SHORT_WINDOWS, memory.bases, strict=False)
    ]
    peak = max(memory.block_peak, bases[-1])
    for long_peak in memory.long_peaks:
        if long_peak > peak:
            peak = long_peak
        bases.append(peak)
    yesterday = memory.yesterday
    for window, shorter, longer in _BRACKETS:
        peak = bases[shorter]
        if peak != bases[longer]:  # else the window between them sees the same peak
            peak = max(recent[-window:])
        bases.append(peak if peak > yesterday else yesterday)
    return bases


def _wish(memory: TournamentMemory, start_minutes: int, count: int = 1) -> None:
    """Every rule's new wish joins those of the last start-up; it is that of `count` minutes."""
    now = float(memory.minutes)
    expired = now - start_minutes
    lows: list[list[float]] = []
    lowest = [now, -1.0]
    for low, base in zip(memory.lows, memory.bases, strict=True):
        if base > low[1]:
            lows.append(_joined(low, now, base, expired))
            continue
        if base != lowest[1]:
            lowest = [now, base]
        lows.append(lowest)
    memory.lows = lows
    idle, used_yesterday = memory.idle, memory.yesterday > 0
    if not idle:
        memory.wanted = [
            wanted + count if wanted < _MOST_WANTED else wanted for wanted in memory.wanted
        ]
        return
    memory.wanted = [
        (wanted + count if wanted < _MOST_WANTED else wanted)
        if idle < idle_minutes or (used_yesterday and profile)
        else 0
        for wanted, (idle_minutes, profile) in zip(memory.wanted, _KEEPS, strict=True)
    ]


def _joined(low: Sequence[float], now: float, base: float, expired: float) -> list[float]:
    """What can still be a signal's minimum: (minute, value) one after the other, values rising."""
    end = len(low)
    while end and low[end - 1] >= base:
        end -= 2
    start = 0
    while start < end and low[start] <= expired:
        start += 2
    return [*low[start:end], now, base]
