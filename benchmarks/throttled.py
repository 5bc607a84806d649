"""An account that allows five control-plane calls a second, under 1,000 components on 50 endpoints.

Every endpoint is looked at once a minute and all looks share the account's calls. What is told: how
many changes looks wanted, how many of them SageMaker took, and how many looks a model that is
called at zero copies waited for its wake, beside the same minutes before the throttle.
"""

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.recorded import Played, playing, scenario
from icscaler_localcloud.cloud import LocalCloud

MODELS = 1000
PER_S = 5.0
BEFORE_MIN, MINUTES = 10, 15
FROM_H = 8.0
LONGEST_WAIT_LOOKS = 5
AHEAD_S = 240
"""Requests are told to the world so long before: a handler that waits for its turn takes the clock
past a minute."""
ACCEPTED = "Accepted"

Wanted = tuple[str, int, int, str]
"""(component, copies before, copies after, outcome)."""


@dataclass(slots=True)
class Told:
    """What came of the changes that looks wanted."""

    looks: int = 0
    unread: int = 0
    """Looks that could not even be made and were left to the next tick."""
    wakes: int = 0
    wakes_taken: int = 0
    others: int = 0
    others_taken: int = 0
    waits: list[int] = field(default_factory=list)
    """Looks each taken wake needed."""
    waiting: dict[str, int] = field(default_factory=dict)
    disorder: list[str] = field(default_factory=list)

    def take_in(self, changes: Sequence[Wanted]) -> None:
        """The changes of one look, in the order in which they were tried."""
        wakes = [before == 0 for _, before, _, _ in changes]
        if wakes != sorted(wakes, reverse=True):
            self.disorder.append(f"a wake came after others: {changes}")
        for (name, _, _, outcome), wake in zip(changes, wakes, strict=True):
            taken = outcome == ACCEPTED
            if not wake:
                self.others += 1
                self.others_taken += taken
                continue
            self.wakes += 1
            self.wakes_taken += taken
            looks = self.waiting.pop(name, 0) + 1
            if taken:
                self.waits.append(looks)
            else:
                self.waiting[name] = looks

    def row(self, label: str) -> str:
        """As told."""
        median = statistics.median(self.waits) if self.waits else 0
        return (
            f"{label:<18}{self.looks:>8}{self.unread:>8}{self.wakes:>8}{self.wakes_taken:>8}"
            f"{self.others:>8}{self.others_taken:>8}{median:>9.1f}{max(self.waits, default=0):>9}"
        )


HEAD = (
    f"{'':<18}{'looks':>8}{'left':>8}{'wakes':>8}{'taken':>8}{'others':>8}{'taken':>8}"
    f"{'p50':>9}{'longest':>9}"
)


def play() -> list[str]:
    """Play, print a row before and one under the throttle; what went wrong."""
    scene = scenario(MODELS, 1.0, FROM_H)
    print(
        f"{MODELS} components on {len(scene.fleet.endpoints)} endpoints, {PER_S:g} calls a second"
    )
    print(HEAD, flush=True)
    with playing(scene, DescribeConcurrency="1") as played:
        before = told(played, BEFORE_MIN, call_sleepers(played.cloud, 0))
        print(before.row("not throttled"), flush=True)
        throttle = played.cloud.faults.throttle_above("sagemaker", per_s=PER_S)
        under = told(played, MINUTES, call_sleepers(played.cloud, 1))
        print(under.row("throttled"), f" {throttle.hits} calls refused", flush=True)
    wrong = [*before.disorder, *under.disorder]
    late = {name: looks for name, looks in under.waiting.items() if looks > LONGEST_WAIT_LOOKS}
    wrong += [f"{name} still waits after {looks} looks" for name, looks in late.items()]
    if not throttle.hits:
        wrong.append("nothing was throttled")
    return wrong


def call_sleepers(cloud: LocalCloud, turn: int) -> set[str]:
    """Let models at zero copies be called from now on, a 25th of all components; their names."""
    asleep = [one.name for one in cloud.world.components() if not one.desired_copies]
    called = asleep[turn :: max(1, len(asleep) * 25 // MODELS)]
    now_s = cloud.clock.now_s
    for name in called:
        cloud.world.arrive(name, 3 * MINUTES, now_s, now_s + 60 * MINUTES)
    return set(called)


def told(played: Played, minutes: int, called: set[str]) -> Told:
    """Play so many minutes on. Of those `called`, whoever was not woken still waits."""
    cloud, found = played.cloud, Told()
    since_s, first_s = cloud.clock.now_s, round(cloud.clock.now_s - played.start_s)
    for end_s in range(first_s + 60, first_s + 60 * minutes + 1, 60):
        played.arriving.until(end_s + AHEAD_S)
        played.until(end_s)
    for changes in _looks(cloud, since_s, found):
        found.take_in(changes)
    views = {one.name: one for one in cloud.world.components()}
    for name in called:
        if not views[name].desired_copies:
            found.waiting.setdefault(name, minutes)
    return found


def _looks(cloud: LocalCloud, since_s: float, found: Told) -> Iterator[list[Wanted]]:
    for done in cloud.lambda_log:
        if done.logical_id != "ReconcileFunction" or done.at_s < since_s:
            continue
        for line in map(json.loads, done.lines):
            kind = str(line.get("message", ""))
            if not kind.startswith("Look: "):
                continue
            found.looks += 1
            found.unread += "changes" not in line
            yield [
                (one["component"], one["from_copies"], one["to_copies"], one["outcome"])
                for one in line.get("changes", ())
            ]
