"""Pages of lists: a token is bound to its request and names the last row that was shown."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from icscaler_localcloud.cloudwatch.errors import invalid_token

_Row = TypeVar("_Row")
_NOT_PART = frozenset({"NextToken", "MaxRecords"})


def page(
    rows: Sequence[_Row],
    params: Mapping[str, Any],
    operation: str,
    *,
    default: int,
    key: Callable[[_Row], list[str]],
) -> tuple[Sequence[_Row], str | None]:
    """The rows of one page and the token of the next; InvalidNextToken for another request's.

    `rows` rise by `key`, so that rows which come and go between two pages neither repeat others
    nor hide them.
    """
    asked = {name: value for name, value in params.items() if name not in _NOT_PART}
    canonical = json.dumps([operation, asked], sort_keys=True, default=str)
    scope = hashlib.sha256(canonical.encode()).hexdigest()[:16]
    token = params.get("NextToken")
    if token is not None:
        last = _last(token, scope)
        rows = [row for row in rows if key(row) > last]
    limit = params.get("MaxRecords", default)
    shown = rows[:limit]
    if len(rows) <= limit:
        return shown, None
    following = json.dumps([scope, key(shown[-1])]).encode()
    return shown, base64.urlsafe_b64encode(following).decode()


def _last(token: str, scope: str) -> list[str]:
    try:
        issued_for, last = json.loads(base64.urlsafe_b64decode(token.encode()))
    except ValueError:
        raise invalid_token() from None
    if issued_for != scope or not isinstance(last, list):
        raise invalid_token()
    return last
