"""Generated traffic: the same for a seed everywhere, and shaped like the traffic it stands for."""

import hashlib

import numpy as np
import pytest

from icscaler_sim.traces import Trace, generate_ensemble, generate_fleet
from icscaler_sim.traces.generate import ENSEMBLE, popularity
from icscaler_sim.traces.write import trace_csv


def _per_minute(trace: Trace, model: str) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    minutes = trace.rebin(60)
    mine = minutes.model_index == minutes.models.index(model)
    counts = np.zeros(minutes.period_s // 60, dtype=np.int64)
    counts[minutes.t_start_s[mine] // 60] = minutes.requests[mine]
    return counts


@pytest.mark.parametrize(
    ("trace", "sha256"),
    [
        pytest.param(
            generate_ensemble(7),
            "6655382bae7ce54ac31455b446bdff9a3f8df05f94d129b06460b944ada2bd7c",
            id="ensemble",
        ),
        pytest.param(
            generate_fleet(20, 7),
            "3f1a57b2c3fa703560000a8c224a814d67da6d8b88071fba479582e24e20f90b",
            id="fleet",
        ),
    ],
)
def test_a_seed_gives_the_same_traffic_for_good(trace: Trace, sha256: str) -> None:
    assert hashlib.sha256(trace_csv(trace).encode()).hexdigest() == sha256


def test_seeds_differ() -> None:
    assert trace_csv(generate_ensemble(1)) != trace_csv(generate_ensemble(2))


@pytest.mark.parametrize("seed", [0, 1, 7])
class TestEnsemble:
    def test_all_models_are_called_in_whole_bins_of_a_day(self, seed: int) -> None:
        trace = generate_ensemble(seed)

        assert trace.models == tuple(ENSEMBLE)
        assert (trace.width_s, trace.period_s) == (10, 86_400)
        assert all(total.requests for total in trace.totals().values())
        assert not (trace.t_start_s % 10).any()
        assert (trace.input_tokens >= trace.requests).all()
        assert (trace.output_tokens >= trace.requests).all()

    def test_completion_follows_office_hours_and_never_sleeps(self, seed: int) -> None:
        minutes = _per_minute(generate_ensemble(seed), "inline-completion")

        assert minutes[10 * 60 : 11 * 60].sum() > 10 * minutes[2 * 60 : 3 * 60].sum()
        assert minutes[12 * 60 : 13 * 60].sum() < minutes[10 * 60 : 11 * 60].sum()
        assert (minutes > 0).all()

    def test_completion_is_burstier_than_poisson(self, seed: int) -> None:
        minutes = _per_minute(generate_ensemble(seed), "inline-completion")[600:660]

        assert minutes.var() > 5 * minutes.mean()

    def test_generators_are_silent_at_night(self, seed: int) -> None:
        for model in ("block-generation", "flow-generation", "text-evaluation"):
            assert not _per_minute(generate_ensemble(seed), model)[30 : 5 * 60].any()

    def test_evaluation_follows_the_generators(self, seed: int) -> None:
        trace = generate_ensemble(seed)
        cause = 0.9 * _per_minute(trace, "block-generation")
        cause = cause + 2.0 * _per_minute(trace, "flow-generation")
        effect = _per_minute(trace, "text-evaluation")

        same = np.corrcoef(cause, effect)[0, 1]
        later = np.corrcoef(cause[:-1], effect[1:])[0, 1]
        earlier = np.corrcoef(cause[1:], effect[:-1])[0, 1]
        assert max(same, later) > 0.95
        assert later > earlier
        assert effect.sum() == pytest.approx(cause.sum(), rel=0.02)

    def test_large_models_are_rare_with_long_silences(self, seed: int) -> None:
        migration = _per_minute(generate_ensemble(seed), "repo-migration")
        review = _per_minute(generate_ensemble(seed), "architecture-review")

        assert 0 < np.count_nonzero(migration) < 0.3 * len(migration)
        assert 0 < np.count_nonzero(review) < 0.05 * len(review)


def test_sizes_have_a_heavy_tail_and_the_published_means() -> None:
    """Code completion: 2,048 input and 28 output tokens a request (Azure 2023, code)."""
    total = generate_ensemble(3).totals()["inline-completion"]

    assert total.input_tokens / total.requests == pytest.approx(2_048, rel=0.15)
    assert total.output_tokens / total.requests == pytest.approx(28, rel=0.05)


def test_several_days_rest_at_the_weekend() -> None:
    week = generate_ensemble(5, days=7, width_s=60)
    days = [_per_minute(week, "inline-completion")[d * 1440 : (d + 1) * 1440] for d in range(7)]

    assert max(days[5].sum(), days[6].sum()) < 0.5 * min(day.sum() for day in days[:5])


class TestFleet:
    def test_popularity_is_that_of_the_recorded_fleet(self) -> None:
        shares = popularity(157)

        assert sum(shares) == pytest.approx(1.0)
        assert list(shares) == sorted(shares, reverse=True)
        assert shares[0] == pytest.approx(0.44, abs=0.01)
        assert sum(shares[:10]) == pytest.approx(0.79, abs=0.01)
        assert sum(shares[78:]) == pytest.approx(0.0026, abs=0.001)
        assert shares.count(0.0) == 24

    def test_activity_is_that_of_the_recorded_fleet(self) -> None:
        """In an average minute 56 of 157 models were active, at least 25, at most 76."""
        trace = generate_fleet(157, 1)
        active = np.bincount(trace.t_start_s // 60, minlength=1440)

        assert 45 <= active.mean() <= 65
        assert trace.total().requests == pytest.approx(1_570 * 86_400, rel=0.2)

    @pytest.mark.parametrize("models", [1, 2, 10])
    def test_small_fleets_exist(self, models: int) -> None:
        trace = generate_fleet(models, 1, mean_rps=5.0)

        assert len(trace.models) == models
        assert trace.total().requests == pytest.approx(5 * 86_400, rel=0.5)

    def test_an_empty_fleet_is_refused(self) -> None:
        with pytest.raises(ValueError, match="at least one"):
            generate_fleet(0, 1)
        with pytest.raises(ValueError, match="no bin"):
            generate_fleet(1, 1, days=0.0)


def test_one_models_traffic_does_not_depend_on_the_others() -> None:
    few = generate_fleet(5, 9, mean_rps=100.0)
    assert (
        _per_minute(few, "model-000").sum()
        == _per_minute(generate_fleet(10, 9, mean_rps=100.0), "model-000").sum()
    )
