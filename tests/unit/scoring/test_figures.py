"""Scores as figures, on runs made up by hand."""

from __future__ import annotations

import pytest

from icscaler_sim.pricing import Bill
from icscaler_sim.report import Requests
from icscaler_sim.scoring import (
    ChangeScore,
    ModelScore,
    Score,
    WakeScore,
    figures,
    frontier,
    gpu_hours_at,
    percentile,
    wake_figures,
)

BILL = Bill(10.0, 3.0, 24.0, 75.0, {})


def model(name: str, total: int, in_time: int, **keys: object) -> ModelScore:
    requests = Requests(total, in_time, 0, total - in_time)
    given = {"stratum": "warm", "class_name": "batch", **keys}
    return ModelScore(
        name=name,
        gpus_per_copy=1,
        protected=False,
        requests=requests,
        gpu_hours=1.0,
        **given,  # type: ignore[arg-type]
    )


def score(name: str = "one", *models: ModelScore, gpu_hours: float = 10.0) -> Score:
    bill = Bill(gpu_hours, 3.0, 24.0, 75.0, {})
    return Score(name, name, {"keep_s": 600}, 0, 24.0, models, bill, BILL)


def test_every_model_counts_alike_in_the_model_mean() -> None:
    run = score("x", model("busy", 1000, 990), model("rare", 2, 1), model("never", 0, 0))
    assert run.lost_fraction == pytest.approx(11 / 1002)
    assert run.model_lost_mean == pytest.approx((0.01 + 0.5) / 2)


def test_shares_served_are_of_called_models() -> None:
    models = [model(f"m{n}", 100, n) for n in range(1, 101)] + [model("never", 0, 0)]
    served = figures(score("x", *models))["model_served"]
    assert served == {"called": 100, "mean": 0.505, "median": 0.5, "p5": 0.05}


def test_a_run_without_any_call_has_figures() -> None:
    shown = figures(score("x", model("never", 0, 0)))
    assert shown["model_lost_mean"] == 0
    assert shown["model_served"]["p5"] is None
    assert shown["wakes"] == {
        "total": 0,
        "p50_s": None,
        "p90_s": None,
        "decision_p50_s": None,
        "decision_p90_s": None,
        "startup_p50_s": None,
        "startup_p90_s": None,
    }


def test_strata_come_busiest_first_and_add_up() -> None:
    run = score(
        "x",
        model("a", 10, 9, stratum="rare", class_name="batch"),
        model("b", 90, 90, stratum="very_hot", class_name="critical"),
        model("c", 0, 0, stratum="idle", class_name="batch"),
    )
    shown = figures(run)
    assert list(shown["strata"]) == ["very_hot", "rare", "idle"]
    assert shown["classes"]["batch"]["requests"]["total"] == 10
    assert shown["classes"]["batch"]["model_lost_mean"] == pytest.approx(0.1)
    assert shown["strata"]["idle"]["model_lost_mean"] is None


def test_never_woken_models_are_named() -> None:
    run = score("x", model("a", 3, 0, never_woken=True), model("b", 3, 3))
    assert figures(run)["never_woken"] == ["a"]


def test_wakes_by_what_the_policy_took_to_decide() -> None:
    wakes = [WakeScore("a", 0.0, 300.0 + n, 250.0) for n in range(10)]
    found = wake_figures(wakes)
    assert (found["p50_s"], found["p90_s"]) == (304.0, 308.0)
    assert (found["decision_p50_s"], found["decision_p90_s"]) == (54.0, 58.0)


@pytest.mark.parametrize(
    ("fraction", "value"), [(0.05, 1), (0.5, 10), (0.9, 18), (0.99, 20), (1.0, 20)]
)
def test_percentiles_are_nearest_rank(fraction: float, value: int) -> None:
    assert percentile(range(1, 21), fraction) == value


def test_percentile_of_nothing() -> None:
    assert percentile([], 0.5) is None


def runs(*points: tuple[float, float]) -> list[Score]:
    """Runs with these (GPU-hours, lost of 1000 requests)."""
    return [
        score(f"{hours:g}", model("a", 1000, 1000 - round(lost)), gpu_hours=hours)
        for hours, lost in points
    ]


def lost(run: Score) -> float:
    return run.lost_fraction


def test_a_frontier_leaves_out_what_another_beats() -> None:
    found = frontier(runs((10, 50), (12, 60), (14, 10), (14, 12), (20, 10), (30, 2)), lost)
    assert [(hours, round(1000 * share)) for hours, share, _ in found] == [
        (10, 50),
        (14, 10),
        (30, 2),
    ]


def test_gpu_hours_at_a_loss_are_interpolated_between_neighbours() -> None:
    line = runs((10, 100), (20, 10), (40, 1))
    assert gpu_hours_at(line, lost, 0.1) == pytest.approx(10)
    assert gpu_hours_at(line, lost, 0.01) == pytest.approx(20)
    assert gpu_hours_at(line, lost, 0.1 / 10**0.5) == pytest.approx(15)
    assert gpu_hours_at(line, lost, 0.5) == 10  # leaner than the leanest is not known
    assert gpu_hours_at(line, lost, 0.0001) is None
    assert gpu_hours_at(runs((10, 5), (30, 0)), lost, 0.001) == 30
    assert gpu_hours_at([], lost, 0.01) is None


def test_changes_are_counted_once() -> None:
    run = score("x", model("a", 1, 1))
    shown = figures(
        Score(
            **{
                name: getattr(run, name)
                for name in ("name", "label", "settings", "seed", "hours", "models")
            },
            on_reference=BILL,
            on_cheapest=BILL,
            changes=ChangeScore(5, 4, 2, 1, {"NoRoom": 3}),
        )
    )
    assert shown["changes"] == {
        "total": 9,
        "scale_out": 5,
        "scale_in": 4,
        "to_zero": 2,
        "from_zero": 1,
        "not_accepted": {"NoRoom": 3},
    }
