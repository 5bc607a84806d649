"""Two hundred components in one rollout: within what Step Functions takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from icscaler_sim.world import ServiceProfile
from tests.e2e.rig import bare_rig
from tests.workflow.entered import history
from tests.workflow.rollouts import FAST, NEW_IMAGE, Rollouts, lost, traffic

ENDPOINTS, EACH = 40, 5
MAX_EVENTS, MAX_PAYLOAD = 25_000, 256 * 1024


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_hundred_components(tmp_path: Path) -> None:
    names = {f"e{e:02d}": [f"m{e:02d}-{n}" for n in range(EACH)] for e in range(ENDPOINTS)}
    with bare_rig(tmp_path) as rig:
        for name in (name for each in names.values() for name in each):
            rig.cloud.world.profiles.set(name, ServiceProfile(**FAST))
        for endpoint, components in names.items():
            rig.create_endpoint(endpoint, *components, instances=1)
        rig.publish(_fleet(names))
        # Looks would take most of the time, and nothing of this is about them.
        for schedule in rig.cloud.client("scheduler").list_schedules()["Schedules"]:
            rig.cloud.client("scheduler").delete_schedule(Name=schedule["Name"])
        rollouts = Rollouts(rig)
        every = [name for each in names.values() for name in each]
        traffic(rig, **dict.fromkeys(every, 6))
        arn = rollouts.start(
            components={"patterns": ["m*"]},
            waves=[{"count": 1}, {"percent": 10}, {"percent": 100}],
            parallel=20,
        )
        ended = rollouts.end(limit_s=24 * 3600, step_s=300)
        assert ended["status"] == "SUCCEEDED", ended
        assert set(rollouts.phases().values()) == {"Updated"}
        assert len(rollouts.jobs()) == ENDPOINTS * EACH
        assert rollouts.image("m39-4") == NEW_IMAGE
        assert lost(rig, *every) == 0
        events = history(rollouts.api, arn)
        largest = max(len(json.dumps(event, default=str)) for event in events)
        took_s = (ended["stopDate"] - ended["startDate"]).total_seconds()
        print(f"{len(events)} events, largest {largest} bytes, {took_s / 3600:.1f} hours")
        assert len(events) < MAX_EVENTS
        assert largest < MAX_PAYLOAD
        for child in rollouts.children()[:20]:
            assert len(history(rollouts.api, child["executionArn"])) < 1000


def _fleet(names: dict[str, list[str]]) -> str:
    lines = [
        "version: 1",
        "defaults:",
        "  min_copies: 1",
        "  max_copies: 2",
        "  resources: {gpus: 1, cpus: 4, memory_mb: 16384}",
        "  policy: {target_tracking: {metric: concurrency, target_value: 16}}",
        "endpoints:",
    ]
    for endpoint in names:
        lines += [f"  {endpoint}:", "    variants:", "      main: {instance_type: ml.p4d.24xlarge}"]
    lines.append("models:")
    for endpoint, components in names.items():
        lines.append(f"  - {{name: [{', '.join(components)}], endpoint: {endpoint}}}")
    return "\n".join(lines) + "\n"
