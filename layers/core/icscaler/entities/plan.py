"""What a look decided, and why."""

from dataclasses import dataclass

from icscaler import learned
from icscaler.reasons import Notice, Reason


@dataclass(slots=True)
class Step:
    """One step of the pipeline: the copies after it, and which component caused it, if one did."""

    reason: Reason
    copies: int
    by: str | None = None


@dataclass(slots=True)
class Decision:
    """What was decided for one component, and the chain of steps that led there.

    `from_copies` is the observed desired count. The last step has `desired_copies`. When `blocked`
    is set nothing may be written to the component in this look, whatever is desired.
    """

    component: str
    at_s: int
    from_copies: int
    recommended_copies: int
    desired_copies: int
    steps: tuple[Step, ...]
    blocked: Reason | None = None

    @property
    def changes(self) -> bool:
        """Whether this decision asks for a write."""
        return self.blocked is None and self.desired_copies != self.from_copies


@dataclass(slots=True)
class Change:
    """One write: set desired copies to `to_copies`. Never "add"; so repeating it is harmless.

    `variant`: (endpoint, variant) whose instances are the copies; None: a component's copies."""

    component: str
    from_copies: int
    to_copies: int
    attempt_id: str
    removes_by_demand: int = 0
    variant: tuple[str, str] | None = None


@dataclass(slots=True)
class NoticeItem:
    """Something a person must know, said once while it lasts."""

    notice: Notice
    subject: str
    text: str


@dataclass(slots=True)
class Plan:
    """The result of a look: ordered changes, every decision, and what it cost.

    `gpu_price` is the worth per GPU of the most valuable copy that did not fit (0: all fitted).
    `unmanaged`: components found on the endpoint but in no fleet file. `blind`: loaded components
    that gave no sign of life for too long. `started`: starts that this look saw ended.
    """

    at_s: int
    changes: tuple[Change, ...]
    decisions: dict[str, Decision]
    notices: tuple[NoticeItem, ...] = ()
    gpu_price: float = 0.0
    unmanaged: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    started: tuple[learned.FinishedStart, ...] = ()
