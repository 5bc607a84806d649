"""Step Functions for rollouts, and whom they tell: events for systems, notices for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from icscaler.adapters import codec
from icscaler.adapters.clients import code_and_message, port_errors
from icscaler.adapters.notifier import MAX_SUBJECT, SOURCE
from icscaler.ports import PortError

# A token whose execution has gone on, ended, or never was.
_NOBODY_WAITS = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


@dataclass(slots=True)
class StepFunctionsExecutions:
    """`rollout_steps.ports.Executions` on AWS. `stepfunctions` is a boto3 client."""

    stepfunctions: Any

    def status(self, execution: str) -> str | None:
        from botocore.exceptions import ClientError

        with port_errors("stepfunctions", "DescribeExecution"):
            try:
                answer = self.stepfunctions.describe_execution(executionArn=execution)
            except ClientError as error:
                if code_and_message(error)[0] == "ExecutionDoesNotExist":
                    return None
                raise
        return str(answer["status"])

    def answer(self, token: str) -> None:
        from botocore.exceptions import ClientError

        with port_errors("stepfunctions", "SendTaskSuccess"):
            try:
                self.stepfunctions.send_task_success(
                    taskToken=token, output=codec.encode({"next": "NextMove", "wait_s": 0}).decode()
                )
            except ClientError as error:
                if code_and_message(error)[0] not in _NOBODY_WAITS:
                    raise


@dataclass(slots=True)
class AwsAnnouncer:
    """`lifecycle.ports.Announcer` on AWS."""

    events: Any
    sns: Any
    bus: str
    topic_arn: str

    def announce(self, kind: str, detail: Mapping[str, Any], at_s: int) -> None:
        entry = {
            "Time": datetime.fromtimestamp(at_s, UTC),
            "Source": SOURCE,
            "DetailType": kind,
            "EventBusName": self.bus,
            "Detail": codec.encode(dict(detail)).decode(),
        }
        with port_errors("events", "PutEvents"):
            answer = self.events.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise PortError(f"events PutEvents: {kind}: {answer['Entries'][0].get('ErrorMessage')}")

    def tell(self, subject: str, text: str) -> None:
        line = "".join(each if each.isascii() and each.isprintable() else "?" for each in subject)
        with port_errors("sns", "Publish"):
            self.sns.publish(
                TopicArn=self.topic_arn, Subject=line[:MAX_SUBJECT], Message=text[:200_000]
            )
