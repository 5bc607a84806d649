"""AddTags, ListTags, DeleteTags on any SageMaker resource of the local cloud."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icscaler_localcloud.sagemaker.context import Context, Handler, Params
from icscaler_localcloud.sagemaker.errors import invalid

MAX_TAGS = 50
_PAGE = 50


class TagOperations:
    """Tags by ARN. A resource that was never made, or is gone, is refused."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def handlers(self) -> Mapping[str, Handler]:
        """The operations answered here."""
        return {"AddTags": self.add, "ListTags": self.list, "DeleteTags": self.delete}

    def add(self, params: Params) -> Mapping[str, Any]:
        tags = self._find(params["ResourceArn"])
        new = {tag["Key"]: tag["Value"] for tag in params["Tags"]}
        if any(key.lower().startswith("aws:") for key in new):
            raise invalid("aws: prefixed tag key names are not allowed for external use.")
        if len(tags | new) > MAX_TAGS:
            raise invalid(f"A resource can have at most {MAX_TAGS} tags.")
        tags.update(new)
        return {"Tags": _shown(tags)}

    def list(self, params: Params) -> Mapping[str, Any]:
        tags = _shown(self._find(params["ResourceArn"]))
        start = _position(params.get("NextToken"))
        end = start + params.get("MaxResults", _PAGE)
        return {"Tags": tags[start:end], "NextToken": str(end) if end < len(tags) else None}

    def delete(self, params: Params) -> Mapping[str, Any]:
        tags = self._find(params["ResourceArn"])
        for key in params["TagKeys"]:
            tags.pop(key, None)
        return {}

    def _find(self, arn: str) -> dict[str, str]:
        tags = self._context.tags.get(arn)
        if tags is None:
            raise invalid(f'Could not find resource "{arn}".')
        return tags


def _shown(tags: Mapping[str, str]) -> list[Mapping[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def _position(token: str | None) -> int:
    if token is None:
        return 0
    if not token.isdecimal():
        raise invalid("Invalid pagination token.")
    return int(token)
