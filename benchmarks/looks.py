"""One steady look at 10, 100 and 1,000 components: real time, and the AWS calls it makes."""

import statistics
from collections import Counter

from benchmarks.fleets import counted, fleet

SIZES = (10, 100, 1000)
MINUTES = 20  # twice the rotation of Describe


def run() -> None:
    """Print time and calls per look, each size as a ratio of the smallest."""
    figures = {size: measure(size) for size in SIZES}
    base_ms, base_calls = figures[SIZES[0]]
    print(f"{'components':>10}{'look ms':>10}{'ratio':>8}{'us each':>10}{'calls':>8}{'ratio':>8}")
    for size, (ms, calls) in figures.items():
        total, first = sum(calls.values()), sum(base_calls.values())
        print(
            f"{size:>10}{ms:>10.1f}{ms / base_ms:>8.1f}{ms / size * 1000:>10.0f}"
            f"{total:>8.1f}{total / first:>8.1f}"
        )
    print("\ncalls per look (dispatch's part of it included):")
    names = sorted({name for _, calls in figures.values() for name in calls})
    print(f"{'':<52}" + "".join(f"{size:>8}" for size in SIZES))
    for name in names:
        print(f"{name:<52}" + "".join(f"{figures[size][1][name]:>8.2f}" for size in SIZES))


def measure(components: int) -> tuple[float, Counter[str]]:
    """Median ms of a warm look, and mean calls by name per look."""
    with fleet(components) as (cloud, _):
        cloud.run_for(1200)
        with counted(cloud) as calls:
            cloud.run_for(60 * MINUTES)
        looks = [one for one in cloud.lambda_log if one.logical_id == "ReconcileFunction"]
        ms = statistics.median(one.real_ms for one in looks[-MINUTES:])
        per_look = Counter({name: count / MINUTES for name, count in calls.items()})
        return ms, per_look
