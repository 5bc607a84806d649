"""Roles kept and enforced: may this function make this call on these resources?

A simple evaluator over identity policies, enough to prove least privilege: explicit Deny wins, an
Allow must match action and every resource (`*` and `?` wildcards, `NotAction`, `NotResource`), and
conditions are evaluated for the keys the call tells (see `permissions.py`); a condition on any
other key counts as met on Allow, is ignored on Deny, and is listed in `unchecked_conditions`.
Source: IAM User Guide, "Policy evaluation logic" and "Grammar of the IAM JSON policy language".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from icscaler_localcloud.permissions import Need, needs_of
from icscaler_localcloud.services import ServiceError
from icscaler_localcloud.wire import ApiRequest

# How each service says no; others say AccessDeniedException.
_DENIALS: dict[str, tuple[str, int]] = {
    "cloudwatch": ("AccessDenied", 403),
    "iam": ("AccessDenied", 403),
    "s3": ("AccessDenied", 403),
    "sns": ("AuthorizationError", 403),
    "sqs": ("AccessDenied", 403),
}


@dataclass(frozen=True, slots=True)
class Principal:
    """Who makes a call from inside a function."""

    names: frozenset[str]
    """What the function goes by: physical name and logical id."""
    role_arn: str
    session_arn: str


@dataclass(slots=True)
class Role:
    """One IAM role with everything attached to it."""

    name: str
    arn: str
    trust: Mapping[str, Any]
    documents: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def statements(self) -> list[Mapping[str, Any]]:
        """All statements of all attached policies."""
        return [s for document in self.documents.values() for s in _listed(document["Statement"])]


class Iam:
    """The roles of the cloud and the decisions made on them."""

    def __init__(self) -> None:
        self.roles: dict[str, Role] = {}
        """By role ARN."""
        self.managed: dict[str, Mapping[str, Any]] = {}
        """Customer managed policies: documents by policy ARN."""
        self.unchecked_conditions: set[tuple[str, str]] = set()
        """(condition operator, key) met in policies but not evaluated."""
        self.denials: list[str] = []
        """Messages of every refused call, oldest first."""
        self.used: dict[str, set[tuple[str, str]]] = {}
        """By role ARN: the (action, resource) pairs that were allowed and used."""
        self._cache: dict[tuple[Any, ...], str | None] = {}

    def add_role(self, role: Role) -> None:
        """Keep a role; replaces one of the same ARN."""
        self.roles[role.arn] = role
        self._cache.clear()

    def attach(self, role_arn: str, policy: str, document: Mapping[str, Any]) -> None:
        """Attach an inline or managed policy to a role."""
        self.roles[role_arn].documents[policy] = document
        self._cache.clear()

    def role_named(self, name: str) -> Role:
        """The role of this name; KeyError naming it."""
        for role in self.roles.values():
            if role.name == name:
                return role
        raise KeyError(f"no role named {name}")

    def denial(
        self, principal: Principal, request: ApiRequest, operation: str
    ) -> ServiceError | None:
        """The refusal of a call that the principal's role does not allow; None when it does."""
        for need in needs_of(request, operation):
            reason = self.refusal(principal.role_arn, need)
            if reason is None:
                self.used.setdefault(principal.role_arn, set()).add((need.action, need.resource))
                continue
            message = (
                f"User: {principal.session_arn} is not authorized to perform: {need.action} "
                f"on resource: {need.resource} because {reason}"
            )
            self.denials.append(message)
            code, status = _DENIALS.get(request.service, ("AccessDeniedException", 400))
            return ServiceError(code, message, status=status)
        return None

    def allows(self, role_arn: str, action: str, resource: str) -> bool:
        """May the role do this, apart from conditions on the request?"""
        return self.refusal(role_arn, Need(action, resource, ())) is None

    def refusal(self, role_arn: str, need: Need) -> str | None:
        """Why the role may not do what is needed; None when it may. Cached until roles change."""
        key = (role_arn, need)
        if key not in self._cache:
            role = self.roles.get(role_arn)
            statements = role.statements() if role is not None else []
            self._cache[key] = self._evaluate(statements, need)
        return self._cache[key]

    def _evaluate(self, statements: Sequence[Mapping[str, Any]], need: Need) -> str | None:
        allowed = False
        for statement in statements:
            if not _covers(statement, need):
                continue
            met, complete = self._conditions(statement.get("Condition", {}), need)
            if statement["Effect"] == "Deny" and met and complete:
                return f"of an explicit deny in an identity-based policy for {need.action}"
            allowed = allowed or (statement["Effect"] == "Allow" and met)
        if allowed:
            return None
        return f"no identity-based policy allows the {need.action} action"

    def _conditions(self, block: Mapping[str, Any], need: Need) -> tuple[bool, bool]:
        """(are the conditions we can evaluate met, could we evaluate all of them)"""
        context = {key.lower(): values for key, values in need.context}
        complete = True
        for operator, tests in block.items():
            for key, wanted in tests.items():
                values = context.get(key.lower())
                test = _OPERATORS.get(operator.partition(":")[2] or operator)
                if values is None or test is None:
                    self.unchecked_conditions.add((operator, key))
                    complete = False
                elif not _test(operator, test, values, [str(w) for w in _listed(wanted)]):
                    return False, complete
        return True, complete


def resource_policy_allows(
    policy: str | None, *, service: str, action: str, resource: str, source_arn: str
) -> bool:
    """May the AWS service principal do this under the resource's own policy?

    Conditions on aws:SourceArn are evaluated, others count as met.
    """
    if not policy:
        return False
    for statement in _listed(json.loads(policy).get("Statement", [])):
        principal = statement.get("Principal", {})
        named = principal if isinstance(principal, str) else principal.get("Service", "")
        if named != "*" and service not in _listed(named):
            continue
        if statement["Effect"] != "Allow" or not _covers(statement, Need(action, resource, ())):
            continue
        if _source_allowed(statement.get("Condition", {}), source_arn):
            return True
    return False


def _source_allowed(block: Mapping[str, Any], source_arn: str) -> bool:
    for operator, tests in block.items():
        for key, wanted in tests.items():
            test = _OPERATORS.get(operator)
            if key.lower() != "aws:sourcearn" or test is None:
                continue
            if not any(test(source_arn, str(w)) for w in _listed(wanted)):
                return False
    return True


def _covers(statement: Mapping[str, Any], need: Need) -> bool:
    """Do action and resource of the statement match, whatever its effect?"""
    action = need.action.lower()
    if "Action" in statement:
        if not any(_like(action, a.lower()) for a in _listed(statement["Action"])):
            return False
    elif any(_like(action, a.lower()) for a in _listed(statement.get("NotAction", []))):
        return False
    if "Resource" in statement:
        return any(_like(need.resource, r) for r in _listed(statement["Resource"]))
    return not any(_like(need.resource, r) for r in _listed(statement.get("NotResource", [])))


@cache
def _pattern(glob: str) -> re.Pattern[str]:
    return re.compile(re.escape(glob).replace(r"\*", ".*").replace(r"\?", ".") + r"\Z", re.DOTALL)


def _like(value: str, glob: str) -> bool:
    return _pattern(glob).match(value) is not None


def _test(operator: str, test: Any, values: Iterable[str], wanted: Sequence[str]) -> bool:
    hits = [any(test(value, want) for want in wanted) for value in values]
    return all(hits) if operator.startswith("ForAllValues:") else any(hits)


_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, want: value == want,
    "StringEqualsIgnoreCase": lambda value, want: value.lower() == want.lower(),
    "StringNotEquals": lambda value, want: value != want,
    "StringLike": _like,
    "ArnEquals": _like,
    "ArnLike": _like,
    "Bool": lambda value, want: value.lower() == want.lower(),
}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]
