"""What the controller's own structured log says: looks, changes with their reasons, failures."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from icscaler.reconcile import LookKind
from icscaler_localcloud.cloud import LocalCloud
from icscaler_sim.report.clock import clock_text

RECONCILE = "ReconcileFunction"
_FAILED = frozenset({LookKind.FAILED, LookKind.LEASE_LOST})


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """A change as the look that made it logged it."""

    at_s: int
    component: str
    from_copies: int
    to_copies: int
    outcome: str
    steps: tuple[str, ...]


class LookLog:
    """Reads the functions' log as it grows; begins with what comes after it was made."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._last_request_id = self._newest()
        self.looks = 0
        self.failures: list[str] = []
        self.looked: dict[str, list[int]] = {}
        """Endpoint -> times of its looks, oldest first."""
        self.shortages: dict[str, list[int]] = {}
        """Endpoint -> when a look reported that some copy did not fit, oldest first."""

    def read(self) -> list[LoggedChange]:
        """The changes since the last reading; looks and failures are counted on the way."""
        last = self._last_request_id
        fresh = list(
            takewhile(lambda done: done.request_id != last, reversed(self._cloud.lambda_log))
        )
        self._last_request_id = self._newest()
        changes = []
        for done in reversed(fresh):
            if not done.ok:
                self.failures.append(f"{clock_text(done.at_s)} {done.logical_id}: {done.error}")
            if done.logical_id == RECONCILE:
                self.looks += 1
                for line in done.lines:
                    changes += self._changes(line, done.at_s)
        return changes

    def _changes(self, line: str, at_s: float) -> list[LoggedChange]:
        fields = _fields(line)
        if fields.get("kind") in _FAILED:
            problem = fields.get("problem", "no reason given")
            self.failures.append(f"{clock_text(at_s)} look at {fields['endpoint']}: {problem}")
        if fields.get("kind") == LookKind.LOOKED:
            self.looked.setdefault(fields["endpoint"], []).append(int(fields["at_s"]))
        if fields.get("gpu_price"):
            self.shortages.setdefault(fields["endpoint"], []).append(int(fields["at_s"]))
        return [
            LoggedChange(
                int(fields["at_s"]),
                change["component"],
                change["from_copies"],
                change["to_copies"],
                change["outcome"],
                tuple(change["steps"]),
            )
            for change in fields.get("changes", ())
        ]

    def _newest(self) -> str:
        log = self._cloud.lambda_log
        return log[-1].request_id if log else ""


def _fields(line: str) -> Mapping[str, Any]:
    """A look's log line as a mapping; empty for any other line."""
    if '"Look: ' not in line:
        return {}
    try:
        fields = json.loads(line)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
