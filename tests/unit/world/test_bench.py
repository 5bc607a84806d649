"""The benchmark runs and serves every request (its speed is nobody's test)."""

import pytest

from icscaler_sim.world import bench


@pytest.mark.parametrize("read", ["nothing", "rows", "series"])
def test_a_small_fleet_serves_everything(read: str) -> None:
    world = bench.build(9)
    assert all(view.current_copies == 1 for view in world.components())
    assert bench.run(world, 9, 10, 1 / 3, read) > 0
    counts = world.tally.requests()
    assert counts.in_time == counts.arrived > 0


def test_it_prints_a_line_per_case(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "--components", "3", "--days", "0.01"])
    bench.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all("model-minutes/s" in line for line in lines)
