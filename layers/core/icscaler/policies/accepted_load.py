"""Accepted load: how many requests a model would have in service if none had to wait.

    load = Invocations / 60 s x mean service time

Requests in flight are no measure of it: they contain the container's queue, which grows without
bound once the copies are full. ModelLatency contains that waiting (SageMaker AI Developer Guide,
"Amazon SageMaker AI metrics in Amazon CloudWatch"), so the service time is learned from minutes in
which hardly anybody waited: no copy had more in flight than it serves at once, or not much more
while on average so much room was left that queueing theory expects next to no waiting (square-root
staffing). What is refused at zero copies is not in the load: clients' retries inflate it.
"""

from collections.abc import Callable, Mapping
from math import sqrt

from icscaler.entities import MetricMinute, ModelConfig
from icscaler.learned import ServiceTime

MINUTE_S = 60
# A series costs the same for one minute as for an hour of them: once the service time is known it
# is read for a quarter of an hour together, four times an hour instead of sixty.
LATENCY_EVERY_S = 900
# Nothing older than this is asked for, after a long outage either.
LATENCY_HISTORY_S = 3600
# A minute counts as this many requests at most, and the mean as this many: a busy model follows a
# change of its traffic in about ten minutes, a rare one averages over its last few hundred calls.
_MOST_OF_A_MINUTE = 50.0
_MOST_EVIDENCE = 500.0
# A copy that had more than this many times its slots in flight at one moment met a burst.
_MOST_IN_FLIGHT = 1.5
# This many times what all copies serve at once in flight all the minute long: a queue that stays.
_LONG_QUEUE = 1.5
_GROWTH_WHILE_FULL = 1.25
# While no service time is known, full copies say only that they are too few: eight times as many. A
# change takes minutes; doubling again and again lost what a new, loaded model had to serve.
_GROWTH_WHILE_UNKNOWN = 8.0
_EVIDENCE_WHILE_UNKNOWN = 2.0
# Who waits longer gives up, or is given up by SageMaker; from then on a queue grows no more.
_LONGEST_GROWTH_S = 30
# How far a minute's peak lies above its mean is taken from the latest hour of minutes; before there
# are any, what is assumed counts as much as this many.
_ASSUMED_PEAK_MINUTES = 10
_MOST_PEAK_MINUTES = 60
_MOST_DEVIATIONS = 10.0
# Requests in flight are published every ten seconds.
_LEAST_SPAN_S = 10


def latency_since_s(
    model: ModelConfig, service: ServiceTime, last_active_s: int, loaded: bool, settled_until_s: int
) -> int | None:
    """From when on this look should read the model's latency; None: not in this look.

    Always while the service time is not known and the model is loaded, else every quarter of an
    hour; never when nobody has called it since the last time.
    """
    read_s = service.read_until_s
    if model.concurrent_requests_per_copy is None or (read_s and last_active_s <= read_s):
        return None
    unknown = loaded and service.mean_s is None and settled_until_s > read_s
    if unknown or settled_until_s - read_s >= LATENCY_EVERY_S:
        return max(read_s, settled_until_s - LATENCY_HISTORY_S)
    return None


def learn_service_time(
    model: ModelConfig,
    service: ServiceTime,
    minutes: Mapping[int, MetricMinute],
    copies_at: Callable[[int], int],
    span_s: tuple[int, int],
) -> ServiceTime:
    """The service time after the settled minutes of the span [from, until).

    `copies_at`: the fewest copies that served during a minute (0: none).
    """
    slots, (since_s, until_s) = model.concurrent_requests_per_copy, span_s
    if slots is None:
        return service
    mean = service.mean_s, service.evidence
    peak = service.peak_deviations, service.peak_minutes
    for minute_s in sorted(minutes):
        if since_s <= minute_s < until_s:
            minute, copies = minutes[minute_s], copies_at(minute_s)
            peak = _with_peak(peak, minute, slots, copies)
            told = _told_by(minute, slots, copies, mean[0])
            if told is not None:
                mean = _with(mean, minute.invocations or 0.0, told)
    return ServiceTime(*mean, max(service.read_until_s, until_s), *peak)


def _told_by(minute: MetricMinute, slots: int, copies: int, known_s: float | None) -> float | None:
    """What a minute says of the service time; None: nothing that can be used."""
    requests, latency_s, in_flight = (
        minute.invocations,
        minute.latency_s,
        minute.concurrency_per_copy,
    )
    if latency_s is None or not requests or not copies:
        return None
    room = float(slots * copies)
    mean_in_flight = requests / MINUTE_S * latency_s  # Little's law, waiting requests included
    if in_flight is not None and (
        in_flight <= slots
        or (in_flight <= _MOST_IN_FLIGHT * slots and mean_in_flight <= room - sqrt(room))
    ):
        return latency_s
    if known_s is None:
        return None
    if latency_s < known_s:
        return latency_s  # with waiting it is an upper bound, lower than what was known
    rooms_s = room * MINUTE_S / requests
    if known_s < rooms_s and mean_in_flight > _LONG_QUEUE * room:
        # By the known mean there is room, yet a long queue waits: requests take longer now than
        # they did, a new version perhaps. Full copies alone would never show a clean minute.
        return min(latency_s, _GROWTH_WHILE_FULL * rooms_s)
    return None


def _with(
    known: tuple[float | None, float], requests: float, told_s: float
) -> tuple[float | None, float]:
    """(mean seconds, evidence) with one minute more."""
    weight = min(requests, _MOST_OF_A_MINUTE)
    evidence = min(known[1] + weight, _MOST_EVIDENCE)
    before_s = known[0] or 0.0
    # Rounded, so that the stored figure is short; a microsecond is nothing here.
    return round(before_s + (told_s - before_s) * weight / evidence, 6), evidence


def _with_peak(
    known: tuple[float, int], minute: MetricMinute, slots: int, copies: int
) -> tuple[float, int]:
    """(peak deviations, minutes that told them) with one minute more.

    A minute with much room, so with next to no waiting, says something of peaks and means.
    """
    peak, requests, latency_s = minute.concurrency_per_copy, minute.invocations, minute.latency_s
    if peak is None or latency_s is None or not requests or not copies:
        return known
    mean = requests / MINUTE_S * latency_s / copies
    # Below one request in flight the peak is a whole number by chance.
    if not 1.0 <= mean <= slots / 2:
        return known
    told = min(max(0.0, (peak - mean) / sqrt(mean)), _MOST_DEVIATIONS)
    minutes = min(known[1] + 1, _MOST_PEAK_MINUTES)
    step = (told - known[0]) / (minutes + _ASSUMED_PEAK_MINUTES)
    return round(known[0] + step, 4), minutes


def offered_load(
    model: ModelConfig,
    minute: MetricMinute,
    copies: int,
    service: ServiceTime,
    *,
    guess: bool = False,
) -> float | None:
    """Requests in service that the minute's accepted requests ask for; None: not known.

    `copies` were in service. Before the service time is known it is what was in flight on average,
    at most twice what the copies serve at once. `guess`: at most eight times, for a decision of
    now; as evidence, which is kept for days, that would be a peak that never was.
    """
    if minute.invocations is not None and service.mean_s is not None:
        return minute.invocations / MINUTE_S * service.mean_s
    slots, in_flight = model.concurrent_requests_per_copy, minute.concurrency_per_copy
    if in_flight is not None and slots is not None:
        mean = _mean_of_peak(in_flight, service.peak_deviations)
        most = slots * (_GROWTH_WHILE_UNKNOWN if guess else _EVIDENCE_WHILE_UNKNOWN)
        return min(mean, most) * max(1, copies)
    if minute.invocations is None and minute.heartbeat:
        return 0.0
    return None


def load_in_flight(
    model: ModelConfig,
    minute: MetricMinute,
    before: MetricMinute | None,
    copies: int,
    service: ServiceTime,
    until_s: int,
) -> float:
    """The load of a minute whose requests can't be read yet, from what is in flight at `until_s`.

    What is published is the busiest moment of the busiest copy. Requests in service fluctuate as a
    Poisson number (an M/G/infinity queue), so their peak lies some of their own deviations above
    their mean; how many is learned of each model (`peak_deviations`, three until then: 33 at once
    are taken as 20 on average). Up to the slots of a copy that mean is what is in service. Beyond,
    the queue tells by its growth: `slots + growth x service time / span` per copy. Its length would
    say many times the load. It grows for half a minute at most, until those who came first give up;
    a queue that grew more slowly is taken for up to twice the overload it is. `before` is the
    minute before, where it is known.

    Where ten-second points were read (`rise_per_s`), the fastest of their rises is that growth:
    a queue of which only the first ten seconds are published yet is told in full.
    """
    slots, deviations = model.concurrent_requests_per_copy or 0, service.peak_deviations
    in_flight = _mean_of_peak(minute.concurrency_per_copy or 0.0, deviations)
    if in_flight <= slots:
        return in_flight * max(1, copies)
    if minute.rise_per_s is not None:
        # What rose up to the slots was no queue; it had one publishing interval for that at least.
        growth_per_s = max(0.0, min(minute.rise_per_s, (in_flight - slots) / _LEAST_SPAN_S))
    else:
        waited = before.concurrency_per_copy if before is not None else None
        growth = max(0.0, in_flight - max(slots, _mean_of_peak(waited or 0.0, deviations)))
        span_s = min(max(until_s - minute.at_s, _LEAST_SPAN_S), _LONGEST_GROWTH_S)
        growth_per_s = growth / span_s
    return (slots + growth_per_s * (service.mean_s or 0.0)) * max(1, copies)


def _mean_of_peak(peak: float, deviations: float) -> float:
    """The mean `m` of which `peak = m + deviations x sqrt(m)` is the highest of a minute."""
    root = (sqrt(deviations**2 + 4 * peak) - deviations) / 2
    return root * root
