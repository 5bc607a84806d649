"""nextToken paging of lists that only grow at their newest end."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from icscaler_localcloud.services import ServiceError

T = TypeVar("T")
_PAGE, _MAX_PAGE = 100, 1000


def page(
    rows: Sequence[T], params: Mapping[str, Any], *, newest_first: bool
) -> tuple[list[T], str | None]:
    """One page of `rows` (100 unless maxResults says otherwise) and the next page's token or None.

    A token counts rows from the oldest, so a page is neither repeated nor skipped when rows were
    added meanwhile; it belongs to the query it came from.
    """
    limit = min(params.get("maxResults") or _PAGE, _MAX_PAGE)
    query = {k: v for k, v in params.items() if k not in ("nextToken", "maxResults")}
    token = params.get("nextToken")
    mark = _decode(token, query) if token else (len(rows) if newest_first else 0)
    start = len(rows) - mark if newest_first else mark
    shown = list(rows[start : start + limit])
    mark += -len(shown) if newest_first else len(shown)
    more = mark > 0 if newest_first else mark < len(rows)
    return shown, _encode(mark, query) if more else None


def _encode(mark: int, query: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps([mark, query]).encode()).decode()


def _decode(token: str, query: Mapping[str, Any]) -> int:
    try:
        mark, issued_for = json.loads(base64.urlsafe_b64decode(token.encode()))
    except ValueError:
        mark, issued_for = 0, None
    if issued_for != query:
        raise ServiceError("InvalidToken", f"Invalid Token: '{token}'")
    return int(mark)
