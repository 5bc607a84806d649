"""How the peers' rules behave over time: windows, delays, cooldowns, zero."""

import pytest

from icscaler_sim.baselines import PEERS, KnobError, Observation, peer
from icscaler_sim.baselines.hpa import HorizontalPodAutoscaler
from icscaler_sim.baselines.hybrid_histogram import HybridHistogram
from icscaler_sim.baselines.keda import Keda
from icscaler_sim.baselines.keep_alive import Fixed, KeepAlive
from icscaler_sim.baselines.knative import KnativePodAutoscaler
from icscaler_sim.baselines.ray_serve import RayServe
from icscaler_sim.baselines.target_tracking import TargetTracking
from tests.unit.baselines.builders import FACTS, Play, minute, tens

# ---------------------------------------------------------------- Application Auto Scaling


def test_target_tracking_waits_for_three_high_points() -> None:
    play = Play(TargetTracking(FACTS, target_fraction=1.0))
    assert play.minutes(3, 25) == [1, 1, 3]
    assert play.why == "AlarmHigh"


def test_target_tracking_waits_for_fifteen_low_points() -> None:
    play = Play(TargetTracking(FACTS, target_fraction=1.0), copies=4)
    assert play.minutes(15, 20) == [4] * 14 + [2]


def test_target_tracking_scales_in_by_a_tenth_when_gradual() -> None:
    play = Play(TargetTracking(FACTS, target_fraction=1.0, gradual_in=True), copies=30)
    assert play.minutes(16, 20)[-2:] == [27, 27]


def test_target_tracking_pauses_after_a_scale_in() -> None:
    play = Play(TargetTracking(FACTS, target_fraction=1.0, low_points=3), copies=8)
    assert play.minutes(3, 60) == [8, 8, 6]
    # Three low points again at once, but the cooldown of five minutes has to pass.
    assert play.minutes(6, 10) == [6] * 5 + [1]


def test_scale_out_in_the_cooldown_counts_what_was_added() -> None:
    rule = TargetTracking(FACTS, target_fraction=1.0, high_points=1)
    play = Play(rule)
    assert play.minute(20) == 2  # 1 + 1
    play.minute(20)  # the rule sees two copies now, the cooldown runs
    # Two copies at 15 each ask for 3, one more; one was added to 1 already: 1 + 1 is here.
    assert play.minute(30) == 2
    # A larger step than the first passes: 4 more, on the capacity before the first.
    assert play.minute(60) == 5


def test_missing_points_freeze_target_tracking() -> None:
    play = Play(TargetTracking(FACTS, target_fraction=1.0, low_points=3), copies=4)
    play.minutes(2, 5)
    play.at_s += 60
    assert play.see([]) == 4
    play.at_s += 600
    assert play.see([]) == 4
    assert play.why == "InsufficientData"


@pytest.mark.parametrize(
    ("comparator", "calls", "copies"),
    [
        pytest.param(1, 1, 1, id="at least one wakes"),
        pytest.param(2, 1, 0, id="the documented > 1 misses a single request"),
        pytest.param(2, 2, 1, id="two pass it"),
    ],
)
def test_the_step_policy_leaves_zero(comparator: int, calls: int, copies: int) -> None:
    play = Play(TargetTracking(FACTS, wake_at_refusals=comparator), copies=0)
    assert play.minute(calls=calls) == copies


def test_invocations_per_copy_are_tracked_by_the_load_test() -> None:
    rule = TargetTracking(FACTS, target_fraction=0.5, metric="invocations")
    assert rule.target == 150  # 5 in flight of 2 s each
    play = Play(rule)
    assert play.minutes(3, 12) == [1, 1, 3]


def test_a_minute_that_fills_up_late_is_read_again() -> None:
    play = Play(TargetTracking(FACTS, target_fraction=0.5, metric="invocations", high_points=2))
    play.at_s += 120
    play.see([minute(0, 160), minute(60, 140, settled=False)])
    assert play.copies == 1
    assert play.see([minute(60, 156)]) == 2


# ---------------------------------------------------------------- Kubernetes and KEDA


def test_hpa_scales_out_at_once_and_in_after_the_window() -> None:
    play = Play(HorizontalPodAutoscaler(FACTS, target_fraction=1.0))
    assert play.minute(40) == 4
    assert play.minutes(7, 10) == [4] * 4 + [1] * 3


def test_hpa_never_leaves_one_unless_scale_to_zero_is_on() -> None:
    assert Play(HorizontalPodAutoscaler(FACTS)).minutes(10)[-1] == 1
    idle = Play(HorizontalPodAutoscaler(FACTS, least=0))
    assert idle.minutes(10)[-1] == 0
    assert idle.minute(calls=1) == 1


def test_hpa_is_limited_per_sync() -> None:
    play = Play(HorizontalPodAutoscaler(FACTS, target_fraction=1.0), start_s=0)
    play.at_s = 15
    assert play.see([], levels=tens(0, [900])) == 5
    play.at_s = 75  # four syncs: 10, 20, 40, 80
    assert play.see([], levels=tens(60, [900], copies=5)) == 80


def test_keda_goes_to_zero_at_once_when_inactive_for_the_cooldown() -> None:
    play = Play(Keda(FACTS, target_fraction=1.0, cooldown_s=300))
    assert play.minute(40) == 4
    assert play.minutes(6) == [4] * 4 + [0, 0]
    assert play.minute(calls=200) == 1  # activation brings one, then HPA takes over
    assert play.minute(35) == 4


# ---------------------------------------------------------------- Knative


def test_knative_panics_and_stays_until_a_stable_window_has_passed() -> None:
    play = Play(KnativePodAutoscaler(FACTS, utilization=1.0))
    play.at_s = 10
    assert play.see([], levels=tens(0, [80])) == 8
    assert play.why == "Panic"
    for at_s in range(20, 80, 10):
        play.at_s = at_s
        assert play.see([], levels=tens(at_s - 10, [10], copies=8)) == 8
    play.at_s = 90
    play.see([], levels=tens(80, [10], copies=8))
    assert play.why == "Stable"
    assert play.copies == 4  # the cliff, at most halved


def test_knative_goes_to_zero_after_window_and_grace_and_comes_back_at_once() -> None:
    play = Play(KnativePodAutoscaler(FACTS))
    copies = []
    for at_s in range(10, 130, 10):
        play.at_s = at_s
        copies.append(play.see([], levels=tens(at_s - 10, [0.0])))
    assert copies[0] == 1
    assert copies[-1] == 0
    assert play.see([], levels=[], held=25) == 4  # 25 of 7 each, without any metric


# ---------------------------------------------------------------- Ray Serve


def test_ray_serve_applies_a_direction_only_after_its_delay() -> None:
    play = Play(RayServe(FACTS, target_fraction=0.5, upscale_delay_s=120, downscale_delay_s=300))
    assert play.minutes(3, 25) == [1, 1, 5]
    assert play.minutes(7, 5) == [5] * 5 + [1, 1]


def test_ray_serve_never_goes_from_many_to_none_in_one_step() -> None:
    play = Play(RayServe(FACTS, downscale_delay_s=120), copies=5)
    assert play.minutes(6)[2:] == [1, 1, 1, 0]


def test_ray_serve_wakes_at_once() -> None:
    assert Play(RayServe(FACTS), copies=0).minute(calls=3) == 1


# ---------------------------------------------------------------- keep-alive


def test_keep_alive_keeps_and_lets_go() -> None:
    play = Play(KeepAlive(FACTS, keep_s=600, window_s=600))
    play.minute(5)
    assert play.minutes(11) == [1] * 9 + [0, 0]
    assert play.minutes(3) == [0, 0, 0]
    assert play.minute(calls=1) == 1


def test_keep_alive_holds_the_windows_peak() -> None:
    play = Play(KeepAlive(FACTS, window_s=300, headroom=1.2))
    assert play.minute(25) == 3
    assert play.minutes(6, 5) == [3] * 4 + [1, 1]


def test_a_model_may_stay_for_ever() -> None:
    play = Play(KeepAlive(FACTS, keep_s=None))
    play.minute(5)
    assert play.minutes(2000)[-1] == 1


def test_what_is_at_zero_at_the_beginning_stays_there_until_called() -> None:
    for rule in (KeepAlive(FACTS), KeepAlive(FACTS, keep_s=None), HybridHistogram(FACTS)):
        play = Play(rule, copies=0)
        assert play.minutes(30)[-1] == 0
        assert play.minute(calls=1) == 1


def test_static_capacity_is_static() -> None:
    assert Play(Fixed(3), copies=3).minutes(5, 100) == [3] * 5


# ---------------------------------------------------------------- hybrid histogram


def test_hybrid_histogram_loads_before_the_next_call_is_due() -> None:
    rule = HybridHistogram(FACTS._replace(start_s=300))
    play = Play(rule, copies=0)
    for _ in range(12):  # a call every hour
        play.minute(calls=1)
        play.minutes(59)
    play.minute(calls=1)
    assert play.minutes(3) == [1, 1, 0]  # unloaded as soon as the call is over
    due_s = rule.rests_until(play.state)
    assert due_s == pytest.approx(play.state.use.used_s + 0.9 * 59 * 60 - 300)
    copies = play.minutes(55)
    loaded_after_min = copies.index(1) + 4
    # Ready before the hour is over: at 0.9 x 59 min less five minutes of loading.
    assert loaded_after_min == pytest.approx(0.9 * 59 - 5, abs=1.5)
    assert copies[-1] == 1


def test_hybrid_histogram_keeps_the_whole_range_while_it_knows_little() -> None:
    play = Play(HybridHistogram(FACTS, range_min=60), copies=0)
    play.minute(calls=1)
    copies = play.minutes(70)
    assert copies[58] == 1
    assert copies[-1] == 0


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize("name", [one.name for one in PEERS])
def test_every_peer_wakes_from_zero_and_answers_with_its_defaults(name: str) -> None:
    chosen = peer(name)
    rule = chosen.make(FACTS, chosen.settings({}))
    seen = Observation(0, 0, [minute(0, refused=3, copies=0)], [], 3 * chosen.holds_requests)
    copies, state, why = rule.step(120, seen, rule.begin(0))
    assert copies >= 1
    assert why
    assert rule.rests_until(state) > 120


@pytest.mark.parametrize("name", [one.name for one in PEERS])
def test_every_knob_value_of_the_sweep_makes_a_rule(name: str) -> None:
    chosen = peer(name)
    combinations = list(chosen.vary())
    assert len(combinations) == 1 + sum(
        len(set(knob.values) - {knob.default}) for knob in chosen.knobs
    )
    for settings in combinations:
        rule = chosen.make(FACTS, chosen.settings(settings))
        rule.step(
            60, Observation(1, 1, [minute(0, 30, in_flight=1.0)], tens(0, [1.0])), rule.begin(0)
        )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        pytest.param({"speed": 1}, "no knob 'speed'", id="unknown knob"),
        pytest.param({"target_fraction": "much"}, "cannot be 'much'", id="not a number"),
        pytest.param({"target_fraction": -0.5}, "cannot be -0.5", id="negative"),
        pytest.param({"metric": "cpu"}, "cannot be 'cpu'", id="not one of the words"),
        pytest.param({"gradual_in": 1}, "cannot be 1", id="not a truth value"),
        pytest.param({"scale_in_cooldown_s": 1.5}, "cannot be 1.5", id="not whole seconds"),
        pytest.param({"low_minutes": None}, "cannot be None", id="nothing"),
    ],
)
def test_senseless_settings_are_refused(settings: dict, says: str) -> None:
    with pytest.raises(KnobError, match=says):
        peer("aas-60s").settings(settings)


def test_keep_for_ever_is_a_setting() -> None:
    assert peer("keep-alive").settings({"keep_s": None})["keep_s"] is None
