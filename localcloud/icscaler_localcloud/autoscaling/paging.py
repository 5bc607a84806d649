"""Pages of Describe operations; a token is the position of the next row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from icscaler_localcloud.autoscaling.model import Params
from icscaler_localcloud.services import ServiceError

Row = TypeVar("Row")


def page(rows: Sequence[Row], params: Params, default: int) -> tuple[Sequence[Row], str | None]:
    """The rows of one page and the next page's token; InvalidNextTokenException for a bad one."""
    limit = params.get("MaxResults", default)
    if not 1 <= limit <= default:
        raise ServiceError(
            "ValidationException", f"MaxResults must be between 1 and {default}, not {limit}."
        )
    token = params.get("NextToken")
    if token is not None and (not token.isdecimal() or int(token) > len(rows)):
        raise ServiceError("InvalidNextTokenException", "The NextToken is not valid.")
    start = int(token or 0)
    end = start + limit
    return rows[start:end], str(end) if end < len(rows) else None
