"""Dashboards: kept by moto, which draws none of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from icscaler_localcloud import moto_seams
from icscaler_localcloud.services import ServiceError

_OPERATIONS = frozenset({"DeleteDashboards", "GetDashboard", "ListDashboards", "PutDashboard"})
_OF_ANY_RESOURCE = frozenset({"ListTagsForResource", "TagResource", "UntagResource"})


class Dashboards:
    """The dashboard operations of one account and Region."""

    def __init__(self, account: str, region: str) -> None:
        self._account, self._region = account, region

    def answers(self, operation: str, params: Mapping[str, Any]) -> bool:
        """Is this call about dashboards?"""
        of_one = ":dashboard/" in params.get("ResourceARN", "")
        return operation in _OPERATIONS or (operation in _OF_ANY_RESOURCE and of_one)

    def call(self, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Let moto answer; ServiceError where it refuses."""
        status, _, body = moto_seams.call_moto(
            "POST",
            f"https://monitoring.{self._region}.amazonaws.com/",
            {
                "Content-Type": "application/x-amz-json-1.0",
                "X-Amz-Target": f"GraniteServiceVersion20100801.{operation}",
                "x-moto-account-id": self._account,
            },
            json.dumps(params).encode(),
        )
        answer: Mapping[str, Any] = json.loads(body) if body else {}
        if status >= 400:
            code = str(answer.get("__type", "InternalFailure")).rpartition("#")[2]
            message = str(answer.get("Message") or answer.get("message") or "")
            raise ServiceError(code, message, status=status)
        return answer
