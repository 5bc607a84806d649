"""Delivery of alarm actions and events, on the virtual clock.

Actions and events leave on transitions only; Auto Scaling actions also repeat (see `Evaluator`).
A function is invoked as `lambda.alarms.cloudwatch.amazonaws.com` with the alarm as source, which
its resource policy must admit. What cannot be delivered is lost, as on AWS: it stays in the
alarm's history and in `LocalCloud.undelivered`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from icscaler_localcloud.alarms import documents
from icscaler_localcloud.alarms.decide import StateValue
from icscaler_localcloud.alarms.documents import Document
from icscaler_localcloud.alarms.history import History
from icscaler_localcloud.alarms.model import Alarm, Contributor, State, actions_of
from icscaler_localcloud.targets import DeliveryError

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

LAMBDA_PRINCIPAL = "lambda.alarms.cloudwatch.amazonaws.com"
SNS_PRINCIPAL = "cloudwatch.amazonaws.com"
_MANAGED_SNS_KEY = "alias/aws/sns"


@dataclass(frozen=True, slots=True)
class AutoScalingAction:
    """An Auto Scaling action of an alarm, as its policy hears of it.

    `arn` is the scaling policy, `datapoints` the (start, value) of the periods the state rests
    on, newest first (of SetAlarmState: what StateReasonData told). `transition` is False for the
    repetitions while the state lasts.
    """

    arn: str
    alarm_name: str
    alarm_arn: str
    state: StateValue
    at_s: float
    threshold: float
    datapoints: tuple[tuple[float, float], ...]
    transition: bool


AutoScalingListener = Callable[[AutoScalingAction], None]


@dataclass(frozen=True, slots=True)
class Notice:
    """One transition to be told to its actions: of an alarm or of one of its time series."""

    alarm: Alarm
    before: StateValue
    value: StateValue
    at_s: float
    data: Document
    contributor: Contributor | None = None

    @property
    def of(self) -> tuple[str, str]:
        """The alarm as history names it."""
        return self.alarm.name, self.alarm.type


class Delivery:
    """Sends actions and events of one cloud's alarms."""

    def __init__(self, cloud: LocalCloud, history: History, delay_s: float) -> None:
        self._cloud, self._history, self._delay_s = cloud, history, delay_s
        self._autoscaling: list[tuple[str, AutoScalingListener]] = []

    def on_autoscaling(self, arn_prefix: str, listener: AutoScalingListener) -> None:
        """Hand Auto Scaling actions whose ARN begins so to `listener`."""
        self._autoscaling.append((arn_prefix, listener))

    # -- events

    def publish(self, alarm: Alarm, kind: str, detail: Document) -> None:
        """Put an event on the default bus."""
        self._cloud.events.publish(documents.SOURCE, kind, detail, resources=[alarm.arn])

    # -- actions

    def notice(self, notice: Notice) -> None:
        """Send a transition to the SNS topics and functions of its state, a little later."""
        for arn in actions_of(notice.alarm, notice.value):
            if _service(arn) != "autoscaling":
                self._cloud.loop.call_in(self._delay_s, lambda a=arn: self._send(a, notice))  # type: ignore[misc]

    def suppressed(self, alarm: Alarm, state: State) -> None:
        """Note in the history which actions a suppressor held back."""
        for arn in actions_of(alarm, state.value):
            self._note((alarm.name, alarm.type), arn, "Suppressed", state.updated_s)

    def autoscale(self, action: AutoScalingAction) -> None:
        """Hand an Auto Scaling action to whoever listens for its ARN, a little later."""
        self._cloud.loop.call_in(self._delay_s, lambda: self._autoscale(action))

    def _send(self, arn: str, notice: Notice) -> None:
        try:
            if _service(arn) == "sns":
                self._to_topic(arn, notice)
            elif _service(arn) == "lambda":
                self._to_function(arn, notice)
            else:
                raise DeliveryError("UNSUPPORTED_TARGET", f"cannot act on {arn}")
        except DeliveryError as failure:
            self._cloud.undelivered.append(f"{notice.alarm.arn} -> {arn}: {failure}")
            self._note(notice.of, arn, "Failed", notice.at_s, failure, notice.contributor)
        else:
            self._note(notice.of, arn, "Succeeded", notice.at_s, None, notice.contributor)

    def _to_function(self, arn: str, notice: Notice) -> None:
        cloud = self._cloud
        payload = documents.lambda_payload(notice.alarm, notice.data, cloud.account, cloud.region)
        cloud.targets.deliver(arn, payload, source_arn=notice.alarm.arn, principal=LAMBDA_PRINCIPAL)

    def _to_topic(self, arn: str, notice: Notice) -> None:
        cloud = self._cloud
        sns = cloud.client("sns")
        try:
            attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
        except sns.exceptions.NotFoundException:
            raise DeliveryError("RESOURCE_NOT_FOUND", f"no topic {arn}") from None
        _check_topic(arn, attributes, cloud.account)
        message = documents.sns_message(
            notice.alarm,
            notice.before,
            notice.data,
            account=cloud.account,
            region=cloud.region,
        )
        subject = documents.sns_subject(notice.alarm, notice.value, cloud.region)
        sns.publish(TopicArn=arn, Message=message, Subject=subject)

    def _autoscale(self, action: AutoScalingAction) -> None:
        heard = [listen for prefix, listen in self._autoscaling if action.arn.startswith(prefix)]
        for listen in heard:
            listen(action)
        of = (action.alarm_name, "MetricAlarm")
        if action.transition or not heard:
            failure = None if heard else DeliveryError("RESOURCE_NOT_FOUND", "no such policy")
            self._note(of, action.arn, "Succeeded" if heard else "Failed", action.at_s, failure)

    def _note(
        self,
        of: tuple[str, str],
        arn: str,
        outcome: str,
        at_s: float,
        failure: DeliveryError | None = None,
        contributor: Contributor | None = None,
    ) -> None:
        words = {"Succeeded": "Successfully executed", "Failed": "Failed to execute"}
        self._history.add(
            of,
            self._cloud.clock.now_s,
            "Action" if contributor is None else "AlarmContributorAction",
            f"{words.get(outcome, 'Suppressed')} action {arn}",
            {
                "actionState": outcome,
                "stateUpdateTimestamp": round(at_s * 1000),
                "notificationResource": arn,
                "publishedMessage": None,
                "error": None if failure is None else failure.message,
                "muteWindowEndTimestamp": None,
            },
            None if contributor is None else (contributor.id, contributor.attributes),
        )


def _service(arn: str) -> str:
    return arn.split(":")[2]


def _check_topic(arn: str, attributes: Mapping[str, Any], account: str) -> None:
    """May CloudWatch publish to this topic?

    A topic's default policy admits everything its own account owns; another one must name
    CloudWatch. CloudWatch cannot use the AWS managed key of SNS ("Why didn't I receive an SNS
    notification for my CloudWatch alarm trigger", Knowledge Center).
    """
    if str(attributes.get("KmsMasterKeyId", "")).endswith(_MANAGED_SNS_KEY):
        raise DeliveryError(
            "NO_PERMISSIONS", f"CloudWatch cannot use {_MANAGED_SNS_KEY}, which encrypts {arn}"
        )
    policy = json.loads(attributes.get("Policy") or "{}")
    if not any(_admits(statement, account) for statement in policy.get("Statement", ())):
        raise DeliveryError("NO_PERMISSIONS", f"{arn} has no policy that lets {SNS_PRINCIPAL} in")


def _admits(statement: Mapping[str, Any], account: str) -> bool:
    actions = statement.get("Action", ())
    actions = [actions] if isinstance(actions, str) else list(actions)
    if statement.get("Effect") != "Allow" or not {a.lower() for a in actions} & {
        "sns:publish",
        "sns:*",
        "*",
    }:
        return False
    principal = statement.get("Principal", {})
    if principal == "*":
        principal = {"AWS": "*"}
    services = principal.get("Service", ())
    if SNS_PRINCIPAL in ([services] if isinstance(services, str) else services):
        return True
    owner = statement.get("Condition", {}).get("StringEquals", {})
    owned = {key.lower(): value for key, value in owner.items()}.get("aws:sourceowner")
    return principal.get("AWS") == "*" and owned in (None, account)
