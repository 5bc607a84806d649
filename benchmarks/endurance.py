"""Whether a fleet holds out: `python -m benchmarks.endurance [hour day throttled simulated]`.

    hour        one virtual hour of 1,000 components on 50 endpoints through the real functions
    day         24 virtual hours of 100 components on 5 endpoints through the real functions
    throttled   those 1,000 in an account that allows five control-plane calls a second
    simulated   24 hours of 1,000 components in the simulator

A row for each stretch of time: what drifts or leaks shows as a column that grows. Exits 1 at a dead
letter, an invocation that failed, a bound or capacity that was broken, or an endpoint that was not
looked at for longer than a tick and a half.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

from benchmarks import simulator, throttled
from benchmarks.costs.count import RECORDS
from benchmarks.fleets import counted
from benchmarks.recorded import Played, playing, scenario
from icscaler.adapters.dynamodb.table import item_bytes
from icscaler_cli.demo.look_log import LookLog
from icscaler_cli.demo.play import copies_there
from icscaler_cli.demo.watch import Watch
from icscaler_sim.simulate import Job, run_job

LATE_S = 90


@dataclass(frozen=True, slots=True)
class Part:
    """What is played, and how many rows it is told in."""

    models: int
    hours: float
    rows: int
    before_h: float = 0.5
    """Played first and not told: the newly deployed fleet settles."""


PARTS = {"hour": Part(1000, 1.0, 6, 0.2), "day": Part(100, 24.0, 8)}
SIMULATED = Part(1000, 24.0, 1, 0.0)


@dataclass(slots=True)
class Stretch:
    """What was seen in some minutes."""

    minutes: int
    looks: int = 0
    cpu_ms: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    latest_s: int = 0
    """Longest time between two looks at an endpoint."""
    state_kb: float = 0.0
    records_kb: float = 0.0
    process_mb: float = 0.0

    def row(self) -> str:
        """As told."""
        control = sum(n for name, n in self.calls.items() if name.startswith("sagemaker "))
        return (
            f"{self.minutes:>8}{self.looks:>8}{self.cpu_ms / max(1, self.looks):>9.1f}"
            f"{self.calls.total() / max(1, self.looks):>8.2f}{control / max(1, self.looks):>8.2f}"
            f"{self.latest_s:>8}{self.state_kb:>9.0f}{self.records_kb:>9.0f}{self.process_mb:>9.0f}"
        )


HEAD = (
    f"{'minutes':>8}{'looks':>8}{'CPU ms':>9}{'calls':>8}{'of SM':>8}{'gap s':>8}"
    f"{'state kB':>9}{'rec. kB':>9}{'RSS MB':>9}"
)


class Endurance:
    """One part, played."""

    def __init__(self, part: Part, played: Played) -> None:
        self._part, self._played = part, played
        self._log = LookLog(played.cloud)
        self._watch = Watch(played.scenario)
        self._last = dict.fromkeys(played.scenario.fleet.endpoints, 0)

    def stretches(self) -> Iterator[Stretch]:
        """Play; each stretch when it is over."""
        self._played.until(round(self._part.before_h * 3600), self._minute)
        self._log.failures.clear()
        self._last = {name: times[-1] for name, times in self._log.looked.items()}
        minutes = round(self._part.hours * 60 / self._part.rows)
        for number in range(self._part.rows):
            self._log.looked.clear()
            yield self._stretch(minutes, number)

    def _stretch(self, minutes: int, number: int) -> Stretch:
        stretch, before = Stretch(minutes), self._log.looks
        seen = {done.request_id for done in self._played.cloud.lambda_log}
        with counted(self._played.cloud) as calls:
            for minute in range(minutes):
                end_min = number * minutes + minute + 1
                self._played.until(round(self._part.before_h * 3600) + end_min * 60, self._minute)
        stretch.calls = calls
        stretch.looks = self._log.looks - before
        stretch.cpu_ms = sum(
            done.cpu_ms for done in self._played.cloud.lambda_log if done.request_id not in seen
        )
        stretch.latest_s = max(map(self._longest_s, self._last))
        stretch.state_kb, stretch.records_kb = self._table()
        stretch.process_mb = resident_mb()
        return stretch

    def _minute(self) -> None:
        cloud = self._played.cloud
        views = copies_there(cloud.world, self._played.scenario.shapes)
        self._watch.minute(views, int(cloud.clock.now_s))
        self._log.read()

    def _longest_s(self, endpoint: str) -> int:
        times = [self._last[endpoint], *self._log.looked.get(endpoint, ())]
        end_s = int(self._played.cloud.clock.now_s)
        self._last[endpoint] = times[-1]
        return max(later - earlier for earlier, later in pairwise([*times, end_s]))

    def _table(self) -> tuple[float, float]:
        """KB of what looks go on from, and of records and snapshots, which expire."""
        client = self._played.cloud.client("dynamodb")
        (table,) = client.list_tables()["TableNames"]
        sizes: Counter[bool] = Counter()
        for page in client.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                sizes[item["pk"]["S"].startswith(RECORDS)] += item_bytes(item)
        return sizes[False] / 1024, sizes[True] / 1024

    def wrong(self) -> list[str]:
        """What must not have happened."""
        cloud = self._played.cloud
        sqs = cloud.client("sqs")
        found = [*self._log.failures, *self._watch.violations]
        found += [f"undelivered: {text}" for text in cloud.undelivered]
        for url in sqs.list_queues()["QueueUrls"]:
            if "DeadLetter" in url or "FailureQueue" in url:
                name = "ApproximateNumberOfMessages"
                answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
                if int(answer["Attributes"][name]):
                    found.append(f"{answer['Attributes'][name]} messages in {url}")
        return found


def play(part: Part) -> list[str]:
    """Play a part through the functions and print its rows; what went wrong."""
    scene = scenario(part.models, part.hours + part.before_h, 8.0 if part.hours < 12 else 0.0)
    print(f"{part.models} components on {len(scene.fleet.endpoints)} endpoints, {part.hours:g} h")
    print(HEAD, flush=True)
    with playing(scene, DescribeConcurrency="1") as played:
        endurance = Endurance(part, played)
        late = []
        for stretch in endurance.stretches():
            print(stretch.row(), flush=True)
            if stretch.latest_s > LATE_S:
                late.append(f"an endpoint was not looked at for {stretch.latest_s} s")
        return [*late, *endurance.wrong()]


def simulate(part: Part) -> list[str]:
    """Play a part in the simulator; nothing can fail there but the run itself."""
    played = simulator.scenario(part.models, round(part.hours))
    before_mb = resident_mb()
    score = run_job(played, Job("icscaler"))
    rate = part.models * part.hours * 60 / score.cpu_s
    endpoints = len(played.fleet.endpoints)
    print(
        f"{part.models} components on {endpoints} endpoints, {part.hours:g} h simulated: "
        f"{score.cpu_s:.0f} CPU-s, {rate:,.0f} model-minutes a second, "
        f"{resident_mb() - before_mb:.0f} MB more than before"
    )
    return []


def resident_mb() -> float:
    """Memory of this process."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise OSError("no VmRSS in /proc/self/status")


OTHERS: Mapping[str, Callable[[], list[str]]] = {
    "throttled": throttled.play,
    "simulated": partial(simulate, SIMULATED),
}


def main(arguments: Sequence[str]) -> int:
    """Play the parts asked for, or all."""
    names = [*PARTS, *OTHERS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.endurance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("part", nargs="*", help=f"of {', '.join(names)}")
    asked = parser.parse_args(arguments).part or names
    if unknown := [name for name in asked if name not in names]:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(names)}")
    wrong = []
    for name in asked:
        found = play(PARTS[name]) if name in PARTS else OTHERS[name]()
        for text in found[:20]:
            print(f"WRONG: {text}")
        wrong += found
    print(
        "nothing failed, nothing was late, no dead letter" if not wrong else f"{len(wrong)} wrong"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
