"""One step of a workflow: who runs it, what it answers, and how it says that it can't go on.

A state machine calls a step, waits as long as the answer says, and calls it again until it answers
`READY`. A step looks at what there is before it does anything, so it may be repeated at any time.
"""

from dataclasses import dataclass
from typing import Any

READY = "Ready"
WAIT = "Wait"
# An execution's status, as Step Functions says it.
RUNNING = "RUNNING"


class RefusedError(Exception):
    """The workflow can't go on and another attempt would not help; the text is for people."""


@dataclass(frozen=True, slots=True)
class Run:
    """The execution a step belongs to. `arn` is empty when a function is invoked by hand.

    `owner` names this one invocation: of two that overlap only one gets an endpoint's lease.
    """

    name: str
    arn: str = ""
    owner: str = "by-hand"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a step tells the state machine, and (`say`) whoever follows the execution.

    `wait_s` is how long to wait before the next state; `details` is for the execution's output.
    """

    next: str
    say: str
    wait_s: int = 0
    details: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """As a function returns it."""
        answer: dict[str, Any] = {"next": self.next, "wait_s": self.wait_s, "say": self.say}
        return answer if self.details is None else answer | self.details


def ready(say: str, **details: Any) -> Answer:
    """Go on."""
    return Answer(READY, say, 0, details or None)


def wait(seconds: int, say: str) -> Answer:
    """Ask again in `seconds`."""
    return Answer(WAIT, say, seconds)
