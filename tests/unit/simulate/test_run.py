"""Every policy on a small fleet: nothing lost, nothing counted twice, the same every time."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from icscaler.entities import EndpointConfig
from icscaler_sim.scoring import Score, figures
from icscaler_sim.simulate import BOUNDS, NAMES, STATIC, Job, SimulationError, outline, run_job
from icscaler_sim.simulate.pool import effort, run_all
from tests.unit.simulate.builders import P4D, model, scenario, single

HOURS = 3
COUNTS = {
    "busy": [round(900 + 600 * math.sin(minute / 20)) for minute in range(60 * HOURS)],
    "office": [200 if 30 <= minute < 100 else 0 for minute in range(60 * HOURS)],
    "seldom": [2 if minute == 75 else 0 for minute in range(60 * HOURS)],
    "never": [0] * (60 * HOURS),
    "alone": [round(600 + 300 * math.sin(minute / 25)) for minute in range(60 * HOURS)],
}
SCENARIO = scenario(
    COUNTS,
    model("busy", min_copies=1, protected=True, class_name="critical"),
    model("office", gpus=2),
    model("seldom", idle_s=600),
    model("never"),
    single("alone"),
)


@pytest.fixture(scope="module", params=NAMES)
def score(request: pytest.FixtureRequest) -> Score:
    return run_job(SCENARIO, Job(request.param, check_every=1))


def test_every_request_has_a_fate(score: Score) -> None:
    total = score.requests
    assert total.total == sum(map(sum, COUNTS.values()))
    assert total.in_time + total.late + total.refused == total.total
    assert score.hours == HOURS
    assert {one.name for one in score.models} >= {"busy", "office", "seldom"}


def test_nobody_called_stays_asleep(score: Score) -> None:
    assert [one.name for one in score.models if one.never_woken] == []
    assert score.violations == ()


def test_copies_are_paid_for_and_fit_their_instances(score: Score) -> None:
    assert score.gpu_hours == pytest.approx(sum(one.gpu_hours for one in score.models))
    assert score.on_reference.instance_gpu_hours >= score.gpu_hours - 1e-6
    assert 0 < score.on_cheapest.dollars <= score.on_reference.dollars
    busy = next(one for one in score.models if one.name == "busy")
    if score.kind == "policy":
        assert busy.gpu_hours >= HOURS - 0.01  # the floor


def test_a_variant_of_its_own_always_runs_and_serves(score: Score) -> None:
    alone = next(one for one in score.models if one.name == "alone")
    assert alone.gpu_hours >= HOURS - 0.01
    assert alone.cold_minutes == 0
    assert alone.requests.in_time > 0.5 * alone.requests.total


def test_figures_are_plain(score: Score) -> None:
    shown = figures(score)
    assert shown["requests"]["total"] == score.requests.total
    assert shown["never_woken"] == []
    assert sum(one["requests"]["total"] for one in shown["classes"].values()) == (
        score.requests.total
    )


def test_static_peak_loses_next_to_nothing_and_is_dearest() -> None:
    scores = {name: run_job(SCENARIO, Job(name)) for name in (*STATIC, "keep-alive")}
    for name in STATIC:
        assert scores[name].lost_fraction < 0.001
        assert scores[name].gpu_hours > scores["keep-alive"].gpu_hours
        assert not scores[name].aws_calls
    alone, packed = scores["static-alone"], scores["static-packed"]
    # The seldom called model has 8 GPUs to itself, the never called one nothing.
    assert alone.on_reference.instance_gpu_hours >= packed.on_reference.instance_gpu_hours + 24
    assert len(alone.models) == 4
    never = {one.name: one.gpu_hours for one in scores["always-on"].models}["never"]
    assert never == pytest.approx(HOURS)


def test_knowing_the_future_is_cheapest_of_all_that_serve_everybody() -> None:
    best = run_job(SCENARIO, Job("clairvoyant"))
    assert best.lost_fraction == 0
    assert best.gpu_hours < run_job(SCENARIO, Job("static-packed")).gpu_hours


def test_the_same_seed_gives_the_same_run_and_another_one_another() -> None:
    first, again = (run_job(SCENARIO, Job("icscaler", seed=5)) for _ in range(2))
    other = run_job(SCENARIO, Job("icscaler", seed=6))
    assert _without_time(first) == _without_time(again)
    assert _without_time(first) != _without_time(other)


def test_runs_in_processes_give_the_same_scores() -> None:
    jobs = [Job("keep-alive"), Job("icscaler", seed=2), Job("clairvoyant")]
    shares: dict[int, float] = {}

    def tell(number: int, share: float) -> None:
        shares[number] = shares.get(number, 0.0) + share

    together = run_all(SCENARIO, jobs, processes=2, on_share=tell)
    alone = [run_job(SCENARIO, job) for job in jobs]
    assert [_without_time(one) for one in together] == [_without_time(one) for one in alone]
    assert shares[0] == pytest.approx(1.0)


def test_trouble_in_a_process_is_told() -> None:
    with pytest.raises(SimulationError, match="no policy 'guess'"):
        run_all(SCENARIO, [Job("keep-alive"), Job("guess")], processes=2)


def test_long_runs_are_started_first() -> None:
    assert effort(Job("icscaler")) > effort(Job("keep-alive")) > effort(Job("clairvoyant"))


@pytest.mark.parametrize(
    ("job", "says"),
    [
        pytest.param(Job("guess"), "no policy 'guess'", id="policy"),
        pytest.param(Job("keep-alive", {"keep": 3}), "no knob 'keep'", id="knob"),
        pytest.param(Job("static-packed", {"peak_fraction": "x"}), "cannot be 'x'", id="value"),
        pytest.param(Job("icscaler", {"magic": 1}), "no setting 'magic'", id="our setting"),
    ],
)
def test_senseless_jobs(job: Job, says: str) -> None:
    with pytest.raises(SimulationError, match=says):
        run_job(SCENARIO, job)


def test_our_settings_are_those_of_the_configuration() -> None:
    usual = run_job(SCENARIO, Job("icscaler"))
    longer = run_job(SCENARIO, Job("icscaler", {"idle_s": 7200}))
    eager = run_job(SCENARIO, Job("icscaler", {"target_value": 2.0}))
    patient = run_job(SCENARIO, Job("icscaler", {"metric_settled_s": 900}))
    assert longer.gpu_hours > usual.gpu_hours
    assert eager.gpu_hours > usual.gpu_hours
    assert _without_time(patient) != _without_time(usual)


def test_wake_events_shorten_the_decision() -> None:
    by_tick = run_job(SCENARIO, Job("icscaler"))
    by_event = run_job(SCENARIO, Job("icscaler", wake_events=True))
    assert len(by_event.wakes) == len(by_tick.wakes) == 2

    def decision_s(score: Score) -> float:
        return max(wake.took_s - wake.start_s for wake in score.wakes)

    assert decision_s(by_event) < 10 < decision_s(by_tick) <= 180


def test_outlines_change_one_knob_at_a_time() -> None:
    assert list(outline("icscaler")) == [{}]
    usual, *others = outline("keep-alive")
    assert all(sum(one[key] != usual[key] for key in one) == 1 for one in others)
    for name in BOUNDS:
        assert len(list(outline(name))) >= 1


@pytest.mark.parametrize("policy", ["icscaler", "kpa", "keep-alive", "aas-10s"])
def test_a_warm_up_is_the_same_run_without_its_beginning(policy: str) -> None:
    warm_steps = 6
    whole = run_job(SCENARIO, Job(policy, keep_timeline=True))
    part = run_job(replace(SCENARIO, warm_s=600 * warm_steps), Job(policy, keep_timeline=True))

    assert part.hours == HOURS - 1
    assert part.requests.total == sum(sum(one[60:]) for one in COUNTS.values())
    for name, held in whole.timeline.items():
        assert part.timeline[name] == pytest.approx(held[warm_steps:])
        assert part.lost_timeline[name] == whole.lost_timeline[name][warm_steps:]
    sizes = {one.name: one.gpus_per_copy for one in part.models}
    assert part.gpu_hours == pytest.approx(
        sum(sizes[name] * sum(held) / 6 for name, held in part.timeline.items())
    )
    assert sum(part.aws_calls.values()) < sum(whole.aws_calls.values())
    assert part.changes.scale_out + part.changes.scale_in <= (
        whole.changes.scale_out + whole.changes.scale_in
    )
    if part.held is not None and whole.held is not None:
        assert 0 < part.held.total <= whole.held.total
    assert part.model_minutes_per_s is not None


@pytest.mark.parametrize("warm_s", [-600, 60, 3 * 3600])
def test_warm_ups_that_make_no_sense(warm_s: int) -> None:
    with pytest.raises(ValueError, match="warm_s must be a multiple"):
        replace(SCENARIO, warm_s=warm_s)


def _without_time(score: Score) -> dict:
    return {key: value for key, value in figures(score).items() if key != "speed"}


def test_more_models_than_fit_at_a_time_take_turns() -> None:
    hardware = replace(P4D, max_instances=1)
    members = [model(name, gpus=4) for name in ("a", "b", "c")]
    config = EndpointConfig("shared", "v1", {"main": hardware}, {one.name: one for one in members})
    counts = {name: [0] * 60 for name in ("a", "b", "c")}
    counts["a"] = [100] * 60
    played = scenario(counts, *members)
    played = replace(played, fleet=replace(played.fleet, endpoints={"shared": config}))
    score = run_job(played, Job("keep-alive"))
    assert score.requests.in_time == 6000
    assert score.on_reference.instance_hours == pytest.approx(1.0, abs=0.01)
