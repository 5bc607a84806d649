"""Instances that do not come: what there is goes to those who matter, and it is tried again."""

from icscaler_localcloud.faults.physics import PhysicsFaults
from tests.e2e.rig import FLEET, Rig
from tests.e2e.rig import rig as open_rig

PATIENT = FLEET.replace(
    "  shared:\n", "  shared:\n    instance_patience_s: 300\n    shortage_memory_s: 900\n"
).replace("idle_s: 600", "idle_s: never")


def told(rig: Rig) -> list[str]:
    return [notice for look in rig.looks() for notice in look["notices"]]


def test_what_there_is_goes_to_the_critical_model_until_more_comes(tmp_path) -> None:
    with open_rig(tmp_path, PATIENT) as rig:
        rig.play(12)
        PhysicsFaults(rig.cloud.world).no_capacity("ml.p4d.24xlarge", seconds=40 * 60)
        # Two seconds of work each: 96 in flight, six copies; the others have one GPU each, and
        # twelve copies of theirs are wanted too.
        busy = {"inline": 3600, "blocks": 2400, "flows": 2400}
        rig.play(25, **busy)
        assert "CapacityNotObtained main" in told(rig)
        copies = {name: rig.current(name) for name in busy}
        assert sum(copies.values()) <= 8, "one instance"
        assert copies["inline"] >= 5, copies
        assert copies["blocks"] + copies["flows"] <= 3, "the others would like twelve"
        rig.play(45, **busy)
        copies = {name: rig.current(name) for name in busy}
        assert sum(copies.values()) > 8, "it was tried again, and more came"
        assert rig.failures() == []
