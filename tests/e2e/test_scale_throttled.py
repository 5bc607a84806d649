"""An account that allows few calls: of what a look writes, wakes go first; all get through."""

import json
from collections.abc import Iterator

from benchmarks.fleets import fleet, spread
from icscaler_localcloud.cloud import LocalCloud

RECONCILE = "ReconcileFunction"


def test_throttled_as_an_account_of_fifty_endpoints_wakes_go_first() -> None:
    """Five calls a second for fifty endpoints, scaled to four."""
    homes = spread(32, 4)
    with fleet(32, 4, idle_s="600") as (cloud, _):
        loaded = [name for names in homes.values() for name in names[:3]]
        asleep = {names[-1] for names in homes.values()}
        arrive(cloud, loaded, a_minute=40, minutes=24)
        cloud.run_for(60 * 23)
        assert {
            view.current_copies for view in cloud.world.components() if view.name in asleep
        } == {0}
        cloud.run_until((cloud.clock.now_s // 60 + 1) * 60)
        began_s = cloud.clock.now_s
        arrive(cloud, loaded, a_minute=120, minutes=12)
        arrive(cloud, sorted(asleep), a_minute=3, minutes=1)
        throttle = cloud.faults.throttle_above("sagemaker", per_s=0.4)
        cloud.run_for(60 * 12)
        looks = [looked for looked in changes(cloud, began_s) if looked]
        assert throttle.hits
        assert any(outcome != "Accepted" for looked in looks for *_, outcome in looked)
        orders = [[from_copies == 0 for _, from_copies, _ in looked] for looked in looks]
        assert any(len(set(order)) == 2 for order in orders), "a wake beside others"
        assert all(order == sorted(order, reverse=True) for order in orders), orders
        woken = {name for looked in looks for name, _, outcome in looked if outcome == "Accepted"}
        assert asleep <= woken


def arrive(cloud: LocalCloud, names: list[str], a_minute: int, minutes: int) -> None:
    now_s = cloud.clock.now_s
    for name in names:
        cloud.world.arrive(
            name,
            a_minute * minutes,
            now_s,
            now_s + 60 * minutes,
            input_tokens=500,
            output_tokens=500,
        )


def changes(cloud: LocalCloud, since_s: float) -> Iterator[list[tuple[str, int, str]]]:
    """What each look wanted to write, in its order: (component, copies before, outcome)."""
    for done in cloud.lambda_log:
        if done.logical_id == RECONCILE and done.at_s >= since_s:
            for line in map(json.loads, done.lines):
                if "changes" in line:
                    yield [
                        (change["component"], change["from_copies"], change["outcome"])
                        for change in line["changes"]
                    ]
