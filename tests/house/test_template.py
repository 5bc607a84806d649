"""template.yaml keeps the rules, in every mode; and every rule notices when it is broken."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from moto.events.models import EventPattern

from icscaler import alarm_plan
from icscaler.bootstrap import (
    AlarmsSettings,
    DispatchSettings,
    OnboardSettings,
    ReconcileSettings,
    RetireSettings,
    RolloutSettings,
    WarmSettings,
)
from tests.house import template_rules as rules
from tests.house.template_rules import Template

PARAMETERS = (
    {"Mode": "act"},
    {"Mode": "observe"},
    {"WakeAlarm": "disabled"},
    {
        "WakeRequesters": "arn:aws:iam::210987654321:role/gateway",
        "NotificationEmail": "a@b.example",
    },
)
# The settings that each function reads its environment into.
SETTINGS: dict[str, Any] = {
    "DispatchFunction": DispatchSettings,
    "ReconcileFunction": ReconcileSettings,
    "AlarmsFunction": AlarmsSettings,
    "RolloutFunction": RolloutSettings,
    "OnboardFunction": OnboardSettings,
    "WarmFunction": WarmSettings,
    "RetireFunction": RetireSettings,
}
STACK = "icscaler"


@pytest.fixture(scope="module")
def template(repository: Path) -> Template:
    return rules.read(repository / "template.yaml")


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_rules(template: Template, rule: rules.Rule, parameters: dict[str, str]) -> None:
    assert list(rule(rules.decided(template, **parameters))) == []


# ---------------------------------------------------------------- what only this template says


@pytest.mark.parametrize("function", sorted(SETTINGS))
def test_the_environment_is_what_the_composition_root_reads(
    template: Template, function: str
) -> None:
    names = rules.environment(rules.decided(template), function)
    given = {name: value if isinstance(value, str) else "1" for name, value in names.items()}
    if "ICSCALER_MODE" in given:
        given["ICSCALER_MODE"] = "act"
    if "ICSCALER_KEEP_SNAPSHOTS" in given:
        given["ICSCALER_KEEP_SNAPSHOTS"] = "acting"
    asked: set[str] = set()

    class Recorder(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            asked.add(name)
            return super().get(name, default)

    SETTINGS[function].from_environment(Recorder(given))
    assert {name for name in given if name.startswith("ICSCALER_")} == asked
    assert {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE"} <= set(given)


def test_every_function_of_the_template_is_in_the_tree_and_the_other_way_round(
    template: Template, repository: Path
) -> None:
    inside = {function["CodeUri"] for function in rules.functions(template).values()}
    handlers = (repository / "functions").glob("*/app.py")
    assert inside == {handler.parent.relative_to(repository).as_posix() for handler in handlers}
    assert set(rules.functions(template)) == set(SETTINGS)


def test_metric_alarms_use_names_and_dimensions_that_are_emitted(
    template: Template, repository: Path
) -> None:
    reporting = repository / "layers/core/icscaler/adapters/reporting.py"
    emitted = reporting.read_text(encoding="utf-8")
    own = [
        alarm
        for alarm in rules.of_type(template, "AWS::CloudWatch::Alarm").values()
        if alarm.get("Namespace") == "icscaler"
    ]
    assert {alarm["MetricName"] for alarm in own} == {"Looks", "LateEndpoints"}
    for alarm in own:
        assert f'"{alarm["MetricName"]}": (' in emitted
        (dimension,) = alarm["Dimensions"]
        assert dimension == {"Name": "service", "Value": {"Ref": "AWS::StackName"}}
    (silence,) = [alarm for alarm in own if alarm["MetricName"] == "Looks"]
    assert silence["TreatMissingData"] == "breaching"
    assert silence["Period"] * silence["EvaluationPeriods"] == 300


def test_the_tick_reads_like_its_sample(template: Template, repository: Path) -> None:
    schedule = rules.of_type(template, "AWS::Scheduler::Schedule")["TickSchedule"]
    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    event = json.loads(schedule["Target"]["Input"]["Fn::Sub"])
    sample = json.loads((repository / "events/dispatch_tick.json").read_text(encoding="utf-8"))
    assert set(event) == set(sample)
    assert {key: event[key] for key in ("detail-type", "source", "detail")} == {
        key: sample[key] for key in ("detail-type", "source", "detail")
    }
    assert event["time"] == "<aws.scheduler.scheduled-time>"


def _resolved(node: dict[str, Any]) -> Any:
    if node == {"Ref": "RollOutUpdateMachine"}:
        return f"arn:aws:states:us-east-1:123456789012:stateMachine:{STACK}-roll-out-update"
    return node["Fn::Sub"] if set(node) == {"Fn::Sub"} else node


def matching(template: Template, event: dict[str, Any]) -> set[str]:
    """The rules of all functions that an event would start, matched as EventBridge does."""
    named = json.loads(
        json.dumps(rules.functions(template)).replace("${AWS::StackName}", STACK),
        object_hook=_resolved,
    )
    return {
        name
        for function in named.values()
        for name, rule in function.get("Events", {}).items()
        if rule["Type"] == "EventBridgeRule"
        and EventPattern.load(json.dumps(rule["Properties"]["Pattern"])).matches_event(event)
    }


@pytest.mark.parametrize(
    ("sample", "started"),
    [
        ("dispatch_wake_requested", {"WakeRequested"}),
        ("dispatch_endpoint_state_change", {"EndpointStateChange"}),
        ("dispatch_alarm_contributor", {"ComponentRefused"}),
        ("dispatch_alarm_refused_requests", {"AlarmStateChange"}),
        ("dispatch_alarm_spike", {"AlarmStateChange"}),
        ("alarms_fleet_published", {"FleetPublished"}),
        ("rollout_execution_ended", {"ExecutionEnded"}),
        ("emitted_copy_count_changed", set()),
        ("emitted_wave_completed", set()),
        ("emitted_warm_up_late", set()),
    ],
)
def test_rules_match_their_samples_and_nothing_else(
    template: Template, repository: Path, sample: str, started: set[str]
) -> None:
    event = json.loads((repository / f"events/{sample}.json").read_text(encoding="utf-8"))
    assert matching(template, event) == started


@pytest.mark.parametrize(
    "alarm",
    [
        pytest.param(f"{STACK}-DispatchErrorsAlarm-3F1CF9029714", id="on the controller itself"),
        pytest.param("TargetTracking-inference-component/chat-AlarmHigh-1", id="autoscaling's"),
        pytest.param("refused-requests", id="a name without the stack"),
        pytest.param(f"{STACK}/refused-requests-too", id="a longer name"),
        pytest.param(f"{STACK}-2/spike/chat", id="of another stack"),
        pytest.param(f"{STACK}-2/refused-requests", id="of another stack, fleet-wide"),
    ],
)
@pytest.mark.parametrize("sample", ["dispatch_alarm_contributor", "dispatch_alarm_spike"])
def test_foreign_alarms_start_nothing(
    template: Template, repository: Path, sample: str, alarm: str
) -> None:
    event = json.loads((repository / f"events/{sample}.json").read_text(encoding="utf-8"))
    event["detail"]["alarmName"] = alarm
    assert matching(template, event) == set()


@pytest.mark.parametrize("state", ["OK", "INSUFFICIENT_DATA"])
@pytest.mark.parametrize("sample", ["dispatch_alarm_contributor", "dispatch_alarm_spike"])
def test_the_end_of_an_alarm_starts_nothing(
    template: Template, repository: Path, sample: str, state: str
) -> None:
    event = json.loads((repository / f"events/{sample}.json").read_text(encoding="utf-8"))
    event["detail"]["state"]["value"] = state
    assert matching(template, event) == set()


@pytest.mark.parametrize(
    ("function", "queue"),
    [
        ("DispatchFunction", "DispatchFailureQueuePolicy"),
        ("AlarmsFunction", "AlarmsFailureQueuePolicy"),
        ("RolloutFunction", "RolloutFailureQueuePolicy"),
    ],
)
def test_undelivered_events_of_every_rule_may_be_kept(
    template: Template, function: str, queue: str
) -> None:
    policy = rules.of_type(template, "AWS::SQS::QueuePolicy")[queue]
    (statement,) = policy["PolicyDocument"]["Statement"]
    allowed = {rules.target(arn) for arn in statement["Condition"]["ArnEquals"]["aws:SourceArn"]}
    events = rules.functions(template)[function]["Events"]
    assert allowed == {f"{function}{name}" for name in events}


def test_one_alarm_watches_refused_requests_of_all_models_unless_switched_off(
    template: Template,
) -> None:
    named = {"Fn::Sub": f"${{AWS::StackName}}/{alarm_plan.REFUSED_REQUESTS}"}

    def found(**parameters: str) -> list[Any]:
        alarms = rules.of_type(rules.decided(template, **parameters), "AWS::CloudWatch::Alarm")
        return [alarm for alarm in alarms.values() if alarm.get("AlarmName") == named]

    (alarm,) = found()
    (query,) = alarm["Metrics"]
    assert "GROUP BY InferenceComponentName ORDER BY SUM()" in query["Expression"]
    assert (query["Period"], alarm["EvaluationPeriods"], alarm["Threshold"]) == (60, 1, 1)
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold", "one failure is enough"
    assert alarm["TreatMissingData"] == "notBreaching"
    assert found(WakeAlarm="disabled") == []


def test_alarms_writes_only_spike_alarms_of_this_stack(template: Template) -> None:
    written = {
        role: statement["Resource"]["Fn::Sub"].partition(":alarm:")[2]
        for role, statement in rules.statements(rules.decided(template))
        if "cloudwatch:PutMetricAlarm" in rules.as_list(statement["Action"])
    }
    assert written == {
        "AlarmsRole": f"${{AWS::StackName}}/{alarm_plan.SPIKE}*",
        "RolloutRole": "${AWS::StackName}/rollout/*",
    }
    prefix = rules.environment(template, "AlarmsFunction")["ICSCALER_ALARM_PREFIX"]
    assert prefix == {"Fn::Sub": "${AWS::StackName}/"}


def test_strangers_may_put_wake_requests_only_when_they_are_named(template: Template) -> None:
    kind = "AWS::Events::EventBusPolicy"
    assert rules.of_type(rules.decided(template), kind) == {}
    (policy,) = rules.of_type(
        rules.decided(template, WakeRequesters="arn:aws:iam::210987654321:root"), kind
    ).values()
    statement = policy["Statement"]
    assert statement["Action"] == "events:PutEvents"
    assert statement["Condition"] == {"StringEquals": {"events:detail-type": "WakeRequested"}}


# ---------------------------------------------------------------- each rule can fail


def resource(template: Template, name: str) -> Any:
    return template["Resources"][name]["Properties"]


def first_statement(template: Template, role: str) -> Any:
    return resource(template, role)["Policies"][0]["PolicyDocument"]["Statement"][0]


BREACHES: list[tuple[rules.Rule, str, Callable[[Template], Any]]] = [
    (
        rules.own_roles,
        "shares its role",
        lambda t: resource(t, "ReconcileFunction").update(
            Role={"Fn::GetAtt": ["DispatchRole", "Arn"]}
        ),
    ),
    (rules.own_roles, "no role", lambda t: resource(t, "DispatchFunction").pop("Role")),
    (
        rules.own_log_groups,
        "no log group",
        lambda t: resource(t, "DispatchFunction").pop("LoggingConfig"),
    ),
    (
        rules.own_log_groups,
        "for ever",
        lambda t: resource(t, "ReconcileLogGroup").pop("RetentionInDays"),
    ),
    (
        rules.alarms_on_functions,
        "no alarm on Throttles",
        lambda t: t["Resources"].pop("ReconcileThrottlesAlarm"),
    ),
    (
        rules.alarms_are_heard,
        "no AlarmActions",
        lambda t: resource(t, "LookQueueAgeAlarm").update(AlarmActions=[]),
    ),
    (
        rules.alarms_are_heard,
        "RefusedRequestsAlarm has no AlarmActions",
        lambda t: resource(t, "RefusedRequestsAlarm").update(AlarmName="nobody-waits-for-it"),
    ),
    (
        rules.machines_are_watched,
        "writes no log; Some is not traced; Some: no alarm on ExecutionsAborted",
        lambda t: t["Resources"].update(Some={"Type": rules.MACHINE, "Properties": {}}),
    ),
    (
        rules.own_roles,
        "Some has no role",
        lambda t: t["Resources"].update(Some={"Type": rules.MACHINE, "Properties": {}}),
    ),
    (
        rules.failure_destinations,
        "asynchronous",
        lambda t: resource(t, "DispatchFunction").pop("EventInvokeConfig"),
    ),
    (
        rules.failure_destinations,
        "no dead-letter queue",
        lambda t: resource(t, "LookQueue").pop("RedrivePolicy"),
    ),
    (
        rules.failure_destinations,
        "a rule without",
        lambda t: resource(t, "DispatchFunction")["Events"]["WakeRequested"]["Properties"].pop(
            "DeadLetterConfig"
        ),
    ),
    (
        rules.failure_destinations,
        "a schedule without",
        lambda t: resource(t, "TickSchedule")["Target"].pop("DeadLetterConfig"),
    ),
    (
        rules.dead_letters,
        "not both FIFO",
        lambda t: resource(t, "LookDeadLetterQueue").pop("FifoQueue"),
    ),
    (rules.dead_letters, "nobody hears", lambda t: t["Resources"].pop("LookDeadLettersAlarm")),
    (
        rules.dead_letters,
        "forgets failures",
        lambda t: resource(t, "DispatchFailureQueue").update(MessageRetentionPeriod=60),
    ),
    (
        rules.encrypted_queues,
        "not encrypted",
        lambda t: resource(t, "LookQueue").pop("SqsManagedSseEnabled"),
    ),
    (
        rules.visibility,
        "reappear",
        lambda t: resource(t, "ReconcileFunction").update(Timeout=31),
    ),
    (
        rules.visibility,
        "expire",
        lambda t: resource(t, "LookQueue").update(MessageRetentionPeriod=540),
    ),
    (
        rules.one_look_at_a_time,
        "batch size",
        lambda t: resource(t, "ReconcileFunction")["Events"]["Looks"]["Properties"].update(
            BatchSize=2
        ),
    ),
    (
        rules.lease_outlives_timeout,
        "lease",
        lambda t: resource(t, "ReconcileFunction").update(Timeout=45),
    ),
    (
        rules.narrow_permissions,
        r"may sqs:\*",
        lambda t: first_statement(t, "DispatchRole").update(Action=["sqs:*"]),
    ),
    (
        rules.narrow_permissions,
        "on everything",
        lambda t: first_statement(t, "ReconcileRole").update(Resource="*"),
    ),
    (
        rules.narrow_permissions,
        "managed policy",
        lambda t: resource(t, "DispatchRole").update(
            ManagedPolicyArns=["arn:aws:iam::aws:policy/AmazonSQSFullAccess"]
        ),
    ),
    (
        rules.bounded_trust,
        "assumed by",
        lambda t: resource(t, "DispatchRole")["AssumeRolePolicyDocument"]["Statement"][0].update(
            Principal={"AWS": "*"}
        ),
    ),
    (
        rules.kept_state,
        "deleted with",
        lambda t: t["Resources"]["StateTable"].pop("DeletionPolicy"),
    ),
    (
        rules.kept_state,
        "never forgets",
        lambda t: resource(t, "StateTable").pop("TimeToLiveSpecification"),
    ),
    (
        rules.kept_state,
        "restored",
        lambda t: resource(t, "StateTable").pop("PointInTimeRecoverySpecification"),
    ),
    (rules.documented, "Mode", lambda t: t["Parameters"]["Mode"].pop("Description")),
    (rules.no_inline_code, "CodeUri", lambda t: resource(t, "DispatchFunction").pop("CodeUri")),
]


@pytest.mark.parametrize(
    ("rule", "told", "breach"),
    [
        pytest.param(*breach, id=f"{breach[0].__name__}: {breach[1]}")  # type: ignore[attr-defined]
        for breach in BREACHES
    ],
)
def test_a_breach_is_noticed(
    template: Template, rule: rules.Rule, told: str, breach: Callable[[Template], Any]
) -> None:
    broken = deepcopy(rules.decided(template))
    breach(broken)
    with pytest.raises(AssertionError, match=told):
        assert not list(rule(broken)), "; ".join(rule(broken))


def test_each_rule_is_shown_to_fail() -> None:
    assert {breach[0] for breach in BREACHES} == set(rules.RULES)
