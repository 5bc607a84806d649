"""Start an execution and follow it: what it says at every step, and how it ended."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from icscaler_cli import clock
from icscaler_cli.output import AwsTroubleError

LOOK_S = 5.0
LATEST = 50
_EXITED = "stateExitedEventDetails"


@dataclass(frozen=True, slots=True)
class Ended:
    """How an execution ended. `output` only when it succeeded, `cause` only when it did not."""

    arn: str
    status: str
    output: Mapping[str, Any]
    error: str = ""
    cause: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether it did what it was started for."""
        return self.status == "SUCCEEDED"


def start(client: Any, machine_arn: str, given: Mapping[str, Any], name: str | None) -> str:
    """The ARN of a new execution. Raises `AwsTroubleError` when the name was taken before."""
    from botocore.exceptions import ClientError

    named = {"name": name} if name else {}
    try:
        answer = client.start_execution(
            stateMachineArn=machine_arn, input=json.dumps(given, sort_keys=True), **named
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise
        trouble = f"an execution named {name} was started before"
        raise AwsTroubleError(trouble, "a name is taken for 90 days: choose another") from error
    return str(answer["executionArn"])


def follow(client: Any, arn: str, tell: Callable[[str, str], None]) -> Ended:
    """Wait for the end; `tell(state, what it says)` whenever there is something new."""
    told = 0
    said: tuple[str, str] | None = None
    while True:
        found = client.describe_execution(executionArn=arn)
        events = list(_since(client, arn, told))
        told = max([told, *(event["id"] for event in events)])
        for news in _news(events):
            if news != said:
                tell(*news)
                said = news
        if found["status"] != "RUNNING":
            return Ended(
                arn,
                found["status"],
                json.loads(found.get("output") or "{}"),
                found.get("error", ""),
                found.get("cause", ""),
            )
        clock.sleep(LOOK_S)


def _since(client: Any, arn: str, told: int) -> Iterator[Any]:
    """The newest events after the one of number `told`, oldest first."""
    page = client.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=LATEST)
    yield from reversed([event for event in page["events"] if event["id"] > told])


def _news(events: list[Any]) -> Iterator[tuple[str, str]]:
    """What Tasks have said as they were left."""
    for event in events:
        details = event.get(_EXITED)
        if details is None or not event["type"].startswith("Task"):
            continue
        try:
            output = json.loads(details.get("output") or "{}")
        except ValueError:
            continue
        if isinstance(output, dict) and output.get("say"):
            yield str(details["name"]), str(output["say"])
