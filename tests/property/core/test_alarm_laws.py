"""Laws of the alarm plan: whatever is found, one run makes it what is wanted."""

from hypothesis import given
from hypothesis import strategies as st

from icscaler.alarm_plan import AlarmPlan, MetricAlarm, plan, spike_alarm


def alarm(component: str, target_value: float = 10.0) -> MetricAlarm:
    return spike_alarm("icscaler/", "shared", component, target_value)


COMPONENTS = st.sets(st.sampled_from("abcdefgh"))
TARGETS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([1.0, 2.5]))


@given(wanted_targets=TARGETS, found_targets=TARGETS, odd=COMPONENTS)
def test_after_the_plan_is_done_nothing_is_left_to_do(wanted_targets, found_targets, odd) -> None:
    asked = {a.name: a for a in (alarm(c, t) for c, t in wanted_targets.items())}
    found: dict[str, MetricAlarm | None] = {
        a.name: a for a in (alarm(c, t) for c, t in found_targets.items())
    }
    found |= dict.fromkeys(alarm(component).name for component in odd)
    steps = plan(asked, found)
    after = {name: one for name, one in found.items() if name not in steps.delete}
    after |= {one.name: one for one in steps.put}
    assert after == asked
    assert plan(asked, after) == AlarmPlan()
    assert not {one.name for one in steps.put} & set(steps.delete)
