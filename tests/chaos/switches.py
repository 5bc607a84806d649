"""Every fault switch of the local cloud under a name, ready to be put on and taken off.

A switch is a function: put it on a running cloud, with a random stream for whatever it leaves
open; it returns a `Struck` that counts and takes it off again. Strengths are such that what AWS
promises still holds: at least some calls get through, SQS loses nothing, time is wrong by a minute
and a half at most. Only calls of functions are struck, never the harness's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.faults import FOREVER, Lane, Timekeeper

RECONCILE, DISPATCH = "ReconcileFunction", "DispatchFunction"
UPDATES = ("UpdateInferenceComponentRuntimeConfig", "UpdateEndpointWeightsAndCapacities")
"""What looks change copies with: of components, and of single-model variants."""
UPDATE = UPDATES[0]
SLOW_START = "slow_start_factor"


@dataclass(slots=True)
class Struck:
    """A switch that is on. `hits` is None where the cloud does not count."""

    off: Callable[[], None]
    hits: Callable[[], int | None] = lambda: None


PutOn = Callable[[LocalCloud, Random], Struck]


class Strongest(Random):
    """Chooses the last of what a switch offers, which is the worst."""

    def choice(self, seq: Any) -> Any:
        return seq[-1]


def _counted(*switches: Any) -> Struck:
    def off() -> None:
        for switch in switches:
            switch.off()

    return Struck(off, lambda: sum(switch.hits for switch in switches))


# -- calls: service, and what of it strikes only functions

_CALLED = (
    "sagemaker",
    "cloudwatch",
    "dynamodb",
    "sqs",
    "events",
    "application-autoscaling",
)
_WRITES = (
    ("sagemaker", UPDATE),
    ("dynamodb", "UpdateItem"),
    ("dynamodb", "PutItem"),
    ("dynamodb", "BatchWriteItem"),
    ("sqs", "SendMessageBatch"),
    ("events", "PutEvents"),
)
_RARE = ("events", "application-autoscaling", UPDATE, "PutEvents")
"""Called now and then only: what strikes them seldom would strike nothing."""
_REFUSALS = ("throttle", "fail", "drop_reply")


def _refuse(how: str, service: str, cloud: LocalCloud, draw: Random) -> Struck:
    chance = draw.choice((0.3, 0.6, 0.9) if service in _RARE else (0.05, 0.2, 0.4))
    put_on = getattr(cloud.faults, how)
    return _counted(
        *(put_on(service, times=FOREVER, chance=chance, function=f) for f in (RECONCILE, DISPATCH))
    )


def _outage(service: str, cloud: LocalCloud, draw: Random) -> Struck:
    """Looks can't reach it at all for some minutes, now and then."""
    state: dict[str, Any] = {"on": True, "made": []}

    def begin() -> None:
        if state["on"]:
            switch = cloud.faults.fail(service, times=FOREVER, function=RECONCILE)
            state["made"].append(switch)
            # Longest: one more look than ten minutes, so that what is read that seldom meets it.
            cloud.loop.call_in(draw.choice((60, 300, 660)), lambda: end(switch))

    def end(switch: Any) -> None:
        switch.off()
        cloud.loop.call_in(draw.uniform(600, 1200), begin)

    def off() -> None:
        state["on"] = False
        for switch in state["made"]:
            switch.off()

    begin()
    return Struck(off, lambda: sum(switch.hits for switch in state["made"]))


def _rate(cloud: LocalCloud, draw: Random) -> Struck:
    per_s = draw.choice((2.0, 0.5, 0.2))
    return _counted(cloud.faults.throttle_above("sagemaker", per_s=per_s, function=RECONCILE))


def _slow(service: str, cloud: LocalCloud, draw: Random) -> Struck:
    seconds = draw.choice((2.0, 8.0, 20.0))
    caller = DISPATCH if service == "sqs" else RECONCILE
    slow = cloud.faults.slow
    chance = 0.9 if service in _RARE else 0.15
    return _counted(slow(service, seconds=seconds, times=FOREVER, chance=chance, function=caller))


def _kill(when: str, service: str, operation: str, cloud: LocalCloud, draw: Random) -> Struck:
    put_on = getattr(cloud.faults, f"kill_{when}_call")
    chance = draw.choice((0.1, 0.3, 0.5) if operation in _RARE else (0.02, 0.05, 0.1))
    operations = UPDATES if operation == UPDATE else (operation,)
    return _counted(
        *(put_on(RECONCILE, service, one, times=FOREVER, chance=chance) for one in operations)
    )


def _kill_dispatch(when: str, cloud: LocalCloud, draw: Random) -> Struck:
    put_on = getattr(cloud.faults, f"kill_{when}_call")
    return _counted(put_on(DISPATCH, "sqs", "SendMessageBatch", times=FOREVER, chance=0.1))


def _pause(cloud: LocalCloud, draw: Random) -> Struck:
    seconds = draw.choice((5.0, 20.0, 50.0))
    switches = [
        cloud.faults.pause_before_call(RECONCILE, "sagemaker", operation, seconds, nth=nth, times=1)
        for operation in ("DescribeEndpoint", *UPDATES, "ListInferenceComponents")
        for nth in range(3, 90, 20)
    ]
    return _counted(*switches)


def _calls() -> Iterator[tuple[str, PutOn]]:
    for service in _CALLED:
        for how in _REFUSALS:
            yield f"{how} {service}", partial(_refuse, how, service)
        yield f"slow {service}", partial(_slow, service)
        yield f"outage {service}", partial(_outage, service)
    yield "throttle_above sagemaker", _rate
    for when in ("before", "after"):
        for service, operation in _WRITES:
            if service != "sqs":
                yield f"kill_{when} {operation}", partial(_kill, when, service, operation)
        yield f"kill_{when} dispatch", partial(_kill_dispatch, when)
    yield "pause_before_call", _pause


# -- deliveries, functions, clocks, metric answers


def _delivery(how: str, lane: Lane, cloud: LocalCloud, draw: Random) -> Struck:
    times = {"times": FOREVER, "chance": draw.choice((0.1, 0.3, 0.6))}
    if how == "lose":
        return _counted(cloud.faults.lose_deliveries(lane, **times))
    if how == "duplicate":
        after_s = draw.choice((0.5, 20.0, 90.0))
        return _counted(cloud.faults.duplicate_deliveries(lane, after_s=after_s, **times))
    if how == "delay":
        seconds = draw.choice((10.0, 45.0, 100.0))
        return _counted(cloud.faults.delay_deliveries(lane, seconds=seconds, **times))
    return _counted(cloud.faults.reorder_deliveries(lane, within_s=90.0, **times))


def _forget_deletes(cloud: LocalCloud, draw: Random) -> Struck:
    return _counted(cloud.faults.forget_deletes(times=FOREVER, chance=draw.choice((0.05, 0.2))))


def _function(how: str, cloud: LocalCloud, draw: Random) -> Struck:
    return _counted(getattr(cloud.faults, how)(times=FOREVER, chance=draw.choice((0.1, 0.4))))


def _clock(whose: Timekeeper, cloud: LocalCloud, draw: Random) -> Struck:
    seconds = draw.choice((-90.0, -20.0, 20.0, 90.0))
    cloud.faults.skew_clock(whose, seconds=seconds)
    return Struck(lambda: cloud.faults.skew_clock(whose, seconds=0.0))


def _spoil(status: Any, cloud: LocalCloud, draw: Random) -> Struck:
    chance = draw.choice((0.1, 0.4, 0.8))
    return _counted(cloud.faults.spoil_series(status, times=FOREVER, chance=chance))


def _plumbing() -> Iterator[tuple[str, PutOn]]:
    for lane in Lane:
        for how in ("lose", "duplicate", "delay", "reorder"):
            if lane is Lane.QUEUE and how in ("lose", "duplicate"):
                continue
            yield f"{how} {lane}", partial(_delivery, how, lane)
    yield "forget_deletes", _forget_deletes
    for how in ("throttle_function", "start_cold"):
        yield how, partial(_function, how)
    for whose in Timekeeper:
        yield f"skew {whose}", partial(_clock, whose)
    for status in ("PartialData", "InternalError", "Forbidden"):
        yield f"spoil {status}", partial(_spoil, status)


# -- the world's


def _windows(cloud: LocalCloud, draw: Random) -> list[tuple[float, float]]:
    """Part of each half hour to come."""
    windows = []
    at_s = cloud.clock.now_s
    for _ in range(8):
        at_s += draw.uniform(0, 900)
        windows.append((at_s, at_s := at_s + draw.uniform(120, 1500)))
    return windows


def _no_capacity(cloud: LocalCloud, draw: Random) -> Struck:
    held, windows = cloud.world.faults.no_capacity, _windows(cloud, draw)
    held.update(dict.fromkeys(_instances(cloud), windows))
    return Struck(held.clear)


def _metric_gaps(cloud: LocalCloud, draw: Random) -> Struck:
    held = cloud.world.faults.metric_gaps
    held["*"] = _windows(cloud, draw)
    return Struck(held.clear)


def _obtainable(cloud: LocalCloud, draw: Random) -> Struck:
    """No instance more than there are, of any type."""
    held = cloud.world.faults.obtainable_instances
    held.update(_instances(cloud))
    return Struck(held.clear)


def _instances(cloud: LocalCloud) -> dict[str, int]:
    """How many there are, by type."""
    there: Counter[str] = Counter()
    for endpoint in cloud.world.endpoints():
        for variant in endpoint.variants:
            there[variant.spec.instance_type] += variant.current_instances
    return there


def _components(cloud: LocalCloud) -> list[str]:
    return sorted(view.name for view in cloud.world.components())


def _models(cloud: LocalCloud) -> list[str]:
    """Components, and single-model variants as the world's faults call them."""
    variants = (
        f"{endpoint.name}/{variant.spec.name}"
        for endpoint in cloud.world.endpoints()
        for variant in endpoint.variants
        if variant.spec.model_name is not None
    )
    return [*_components(cloud), *variants]


def _stuck(cloud: LocalCloud, draw: Random) -> Struck:
    name, stuck = draw.choice(_components(cloud)), cloud.world.faults.stuck_updating
    stuck.add(name)
    return Struck(lambda: stuck.discard(name))


def slow_start(slowest: float, cloud: LocalCloud, draw: Random) -> Struck:
    """Every model's starts take `slowest` times as long, or less, or as ever."""
    held = cloud.world.faults.slow_start_factor
    for name in _models(cloud):
        held[name] = draw.choice((1.0, 2.0, slowest))
    return Struck(held.clear)


def _failing(cloud: LocalCloud, draw: Random) -> Struck:
    held = cloud.world.faults.failing_copies
    for name in _models(cloud):
        held[name] = draw.choice((0, 1, 3))
    return Struck(held.clear)


def _metric_shift(where: str, cloud: LocalCloud, draw: Random) -> Struck:
    held: dict[str, float] = getattr(cloud.world.faults, where)
    late_s = (30.0, 120.0, 400.0) if where == "metric_delay_s" else (-60.0, 15.0, 60.0)
    name = draw.choice(("*", draw.choice(_models(cloud))))
    held[name] = draw.choice(late_s)
    return Struck(lambda: held.pop(name, None))


def _lose_instances(cloud: LocalCloud, draw: Random) -> Struck:
    """One dies every now and then until it is off."""
    state = {"on": True, "lost": 0}

    def lose() -> None:
        if not state["on"]:
            return
        for endpoint in cloud.world.endpoints():
            for variant in endpoint.variants:
                if endpoint.name != "poisoned" and variant.current_instances:
                    try:
                        cloud.world.lose_instance(endpoint.name, variant.spec.name)
                    except ValueError:
                        continue  # none of them is in service yet
                    state["lost"] += 1
        cloud.loop.call_in(draw.uniform(1500, 3000), lose)

    lose()
    return Struck(lambda: state.update(on=False), lambda: state["lost"])


def _physics() -> Iterator[tuple[str, PutOn]]:
    yield "no_capacity", _no_capacity
    yield "metric_gaps", _metric_gaps
    yield "obtainable_instances", _obtainable
    yield "stuck_updating", _stuck
    yield SLOW_START, partial(slow_start, 5.0)
    yield "failing_copies", _failing
    yield "metric_delay_s", partial(_metric_shift, "metric_delay_s")
    yield "metric_clock_s", partial(_metric_shift, "metric_clock_s")
    yield "lose_instance", _lose_instances


SWITCHES: dict[str, PutOn] = {**dict(_calls()), **dict(_plumbing()), **dict(_physics())}
"""Name -> how it is put on."""
