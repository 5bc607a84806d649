"""From what a user names to the runs that are made."""

from __future__ import annotations

import pytest

from icscaler_sim.simulate import NAMES, Job, SimulationError
from icscaler_sim.simulate.choices import MOST_RUNS, all_policies, jobs_of, read_setting
from icscaler_sim.simulate.policies import knobs_of


def settings_of(jobs: list[Job], name: str) -> list[object]:
    return [job.settings[name] for job in jobs]


@pytest.mark.parametrize(
    ("text", "policy", "knob", "values"),
    [
        ("keep-alive.keep_s=600,1200", "keep-alive", "keep_s", (600, 1200)),
        ("headroom=1.2", None, "headroom", (1.2,)),
        ("keep_s=none, 60", None, "keep_s", (None, 60)),
        ("gradual_in=true,false", None, "gradual_in", (True, False)),
        ("metric=invocations", None, "metric", ("invocations",)),
        ("icscaler.idle_s=60", "icscaler", "idle_s", (60,)),
    ],
)
def test_settings_are_read(text: str, policy: str | None, knob: str, values: tuple) -> None:
    found = read_setting(text)
    assert (found.policy, found.knob, found.values) == (policy, knob, values)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "cannot be read"),
        ("keep_s", "write POLICY.KNOB=VALUE"),
        ("keep_s=", "cannot be read"),
        ("keep_s=1,,2", "empty value"),
        ("=5", "cannot be read"),
        ("keepalive.keep_s=5", "did you mean keep-alive"),
    ],
)
def test_settings_that_cannot_be_read(text: str, says: str) -> None:
    with pytest.raises(SimulationError, match=says):
        read_setting(text)


def test_several_values_are_several_runs_of_each_combination() -> None:
    given = [read_setting("keep_s=60,none"), read_setting("headroom=1,1.5")]
    jobs = jobs_of([("keep-alive", {}), ("hybrid-histogram", {})], given)
    keep = [job for job in jobs if job.policy == "keep-alive"]
    assert [(j.settings["keep_s"], j.settings["headroom"]) for j in keep] == [
        (60, 1),
        (60, 1.5),
        (None, 1),
        (None, 1.5),
    ]
    # The other policy has only one of the two knobs.
    assert settings_of([job for job in jobs if job not in keep], "headroom") == [1, 1.5]


def test_a_default_that_is_given_is_no_run_of_its_own() -> None:
    [usual] = jobs_of([("keep-alive", {})], [])
    jobs = jobs_of([("keep-alive", {}), ("keep-alive", {"keep_s": 1200})], [])
    assert jobs == [usual]


def test_every_seed_is_a_run_but_bounds_draw_nothing() -> None:
    jobs = jobs_of([("keep-alive", {}), ("clairvoyant", {})], [], seeds=(3, 4))
    assert [(job.policy, job.seed) for job in jobs] == [
        ("keep-alive", 3),
        ("keep-alive", 4),
        ("clairvoyant", 3),
    ]


def test_a_sweep_changes_one_knob_at_a_time() -> None:
    jobs = jobs_of([("static-packed", {}), ("icscaler", {})], [], sweep=True)
    [peak] = knobs_of("static-packed")
    mine = [job for job in jobs if job.policy == "static-packed"]
    assert sorted(map(float, settings_of(mine, "peak_fraction"))) == sorted(peak.values)
    assert len(jobs) == len(mine) + 1


def test_all_policies_come_with_defaults_and_as_documented() -> None:
    jobs = jobs_of(all_policies(), [])
    assert {job.policy for job in jobs} == set(NAMES)
    documented = [job for job in jobs if job.policy == "aas-60s"]
    assert settings_of(documented, "wake_at_refusals") == [1, 2]
    assert len(jobs) == len(NAMES) + 2


def test_events_are_switches_of_icscaler() -> None:
    given = [read_setting("wake_events=false,true"), read_setting("icscaler.spike_alarms=true")]
    jobs = jobs_of([("icscaler", {}), ("keep-alive", {})], given, check_every=9)
    assert [(j.policy, j.wake_events, j.spike_alarms, j.check_every) for j in jobs] == [
        ("icscaler", False, True, 9),
        ("icscaler", True, True, 9),
        ("keep-alive", False, False, 0),
    ]


@pytest.mark.parametrize(
    ("policies", "text", "says"),
    [
        (("keep-alive",), "hpa.least=0", "a setting is for hpa"),
        (("keep-alive",), "least=0", "hpa would have it"),
        (("icscaler",), "idle_s=5", "icscaler.idle_s=VALUE"),
        (("icscaler",), "icscaler.wake_events=5", "give it true or false"),
    ],
)
def test_settings_nobody_has(policies: tuple[str, ...], text: str, says: str) -> None:
    with pytest.raises(SimulationError, match=says):
        jobs_of([(name, {}) for name in policies], [read_setting(text)])


def test_too_many_runs_are_refused_before_they_begin() -> None:
    values = ",".join(str(number) for number in range(MOST_RUNS + 1))
    with pytest.raises(SimulationError, match="501 runs, more than 500"):
        jobs_of([("keep-alive", {})], [read_setting(f"keep_s={values}")])
