"""State machines: what is deployed, and the clients with which each calls AWS."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from icscaler_localcloud.iam import Principal
from icscaler_localcloud.session import SECRET_KEY, LocalSession
from icscaler_localcloud.stepfunctions.definitions import Definition

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

# Step Functions does not repeat a call by itself: that is what Retry is for.
_CONFIG = Config(retries={"total_max_attempts": 1})


@dataclass(frozen=True, slots=True)
class Revision:
    """What an execution runs: it keeps the revision it was started with."""

    machine_arn: str
    machine_name: str
    role_arn: str
    definition: Definition
    revision_id: str

    @property
    def program(self) -> Any:
        """moto's parsed program."""
        return self.definition.program

    @property
    def timeout_s(self) -> int | None:
        """The machine's TimeoutSeconds."""
        return self.definition.timeout_s


@dataclass(slots=True)
class Machine:
    """One state machine; `settings` are members of the API kept as they came."""

    arn: str
    name: str
    revision: Revision
    created_s: float
    updated_s: float
    settings: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    deleting: bool = False
    revisions: int = 1

    @property
    def status(self) -> str:
        """As the API says it."""
        return "DELETING" if self.deleting else "ACTIVE"


class _Nobody:
    """Stands where a process runner has the invocation that is making a call."""

    def overdue(self, _: float) -> bool:
        return False


class Clients:
    """boto3 clients that sign as a machine's role."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._clients: dict[tuple[str, str], Any] = {}

    def of(self, revision: Revision, service: str, role_arn: str) -> Any:
        """The client of one machine for one service."""
        key = self._access_key(revision, role_arn)
        if (key, service) not in self._clients:
            session = LocalSession(self._cloud.gateway, self._cloud.region)
            session.set_credentials(key, SECRET_KEY)
            self._clients[key, service] = session.create_client(service, config=_CONFIG)
        return self._clients[key, service]

    @contextmanager
    def outside_functions(self) -> Iterator[None]:
        """Calls made inside count to no function's time, though one may sleep below.

        At any call by a role, a runner ends the function that runs innermost when its time is
        over; inside here that is nobody.
        """
        runner: Any = self._cloud.runner
        for stack, nobody in (("_deadlines", (math.inf, 0)), ("_callers", _Nobody())):
            if hasattr(runner, stack):
                running = getattr(runner, stack)
                running.append(nobody)
                try:
                    yield
                finally:
                    running.pop()
                return
        yield

    def _access_key(self, revision: Revision, role_arn: str) -> str:
        text = f"{revision.machine_arn} as {role_arn}"
        key = f"ASIA{hashlib.sha256(text.encode()).hexdigest().upper()[:16]}"
        if not self._cloud.gateway.is_function_key(key):
            role = role_arn.rsplit("/", 1)[-1]
            session = (
                f"arn:aws:sts::{self._cloud.account}:assumed-role/{role}/{revision.machine_name}"
            )
            names = frozenset({revision.machine_name})
            self._cloud.gateway.enrol(key, Principal(names, role_arn, session))
        return key


def may_be_assumed(trust: Mapping[str, Any], service: str) -> bool:
    """Does a role's trust policy let this AWS service assume it?"""
    for statement in _listed(trust.get("Statement", [])):
        principal = statement.get("Principal", {})
        services = principal if isinstance(principal, str) else principal.get("Service", [])
        actions = _listed(statement.get("Action", []))
        if (
            statement.get("Effect") == "Allow"
            and service in _listed(services)
            and any(action in ("sts:AssumeRole", "sts:*", "*") for action in actions)
        ):
            return True
    return False


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
