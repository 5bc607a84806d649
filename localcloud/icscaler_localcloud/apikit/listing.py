"""Filtering, sorting and paging of List operations.

A NextToken names the last row that was shown (its sort value and its name), not a position, so a
page is neither repeated nor skipped when rows come and go between two calls. A token is bound to
the query it came from; another query's token is refused.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from icscaler_localcloud.services import ServiceError

DEFAULT_PAGE_SIZE = 10
_NOT_PART_OF_THE_QUERY = frozenset({"NextToken", "MaxResults"})


@dataclass(frozen=True, slots=True)
class Row:
    """One listable thing: what it is filtered and sorted by, and what the answer shows of it.

    `summary` is called only for rows that are on the page.
    """

    name: str
    created_s: float
    summary: Callable[[], Mapping[str, Any]]
    modified_s: float = 0.0
    status: str = ""
    endpoint: str = ""
    variant: str = ""

    def sort_value(self, sort_by: str) -> float | str:
        """The value that `SortBy` orders by."""
        return {"Name": self.name, "Status": self.status}.get(sort_by, self.created_s)


def page(
    rows: Iterable[Row],
    params: Mapping[str, Any],
    *,
    operation: str,
    default_sort: str = "CreationTime",
    default_order: str = "Descending",
) -> tuple[list[Mapping[str, Any]], str | None]:
    """The summaries of one page, and the token of the next page or None.

    `params` are the API's own: MaxResults (default 10), NextToken, SortBy, SortOrder and the
    filters. Raises ServiceError(ValidationException) for a token of another query.
    """
    sort_by = params.get("SortBy", default_sort)
    descending = params.get("SortOrder", default_order) == "Descending"
    keyed = sorted(
        ((row.sort_value(sort_by), row.name, row.summary) for row in rows if _matches(row, params)),
        key=lambda entry: entry[:2],
        reverse=descending,
    )
    scope = _scope(operation, params)
    token = params.get("NextToken")
    if token:
        last = _decode(token, scope)
        keyed = [e for e in keyed if ((e[:2] < last) if descending else (e[:2] > last))]
    limit = params.get("MaxResults", DEFAULT_PAGE_SIZE)
    shown, rest = keyed[:limit], keyed[limit:]
    next_token = _encode(scope, shown[-1][:2]) if rest else None
    return [summary() for _, _, summary in shown], next_token


def _matches(row: Row, params: Mapping[str, Any]) -> bool:
    def wanted(name: str, actual: str) -> bool:
        return name not in params or params[name] == actual

    return (
        params.get("NameContains", "") in row.name
        and row.created_s > params.get("CreationTimeAfter", float("-inf"))
        and row.created_s < params.get("CreationTimeBefore", float("inf"))
        and row.modified_s > params.get("LastModifiedTimeAfter", float("-inf"))
        and row.modified_s < params.get("LastModifiedTimeBefore", float("inf"))
        and wanted("StatusEquals", row.status)
        and wanted("EndpointNameEquals", row.endpoint)
        and wanted("VariantNameEquals", row.variant)
    )


def _scope(operation: str, params: Mapping[str, Any]) -> str:
    query = {k: v for k, v in params.items() if k not in _NOT_PART_OF_THE_QUERY}
    canonical = json.dumps([operation, query], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _encode(scope: str, last: tuple[float | str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps([scope, *last]).encode()).decode()


def _decode(token: str, scope: str) -> tuple[Any, str]:
    try:
        issued_for, value, name = json.loads(base64.urlsafe_b64decode(token.encode()))
    except ValueError:
        issued_for = None
    if issued_for != scope:
        raise ServiceError("ValidationException", "Invalid pagination token.")
    return value, name
