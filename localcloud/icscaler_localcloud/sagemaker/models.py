"""CreateModel, DescribeModel, ListModels, DeleteModel."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from icscaler_localcloud.apikit.listing import Row, page
from icscaler_localcloud.sagemaker.context import Context, Handler, Named, Params
from icscaler_localcloud.sagemaker.errors import already_exists, invalid, not_found


class ModelOperations:
    """Models are kept and shown as they were created; nothing is downloaded."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def handlers(self) -> Mapping[str, Handler]:
        """The operations answered here."""
        return {
            "CreateModel": self.create,
            "DescribeModel": self.describe,
            "ListModels": self.list,
            "DeleteModel": self.delete,
        }

    def create(self, params: Params) -> Mapping[str, Any]:
        context, name = self._context, params["ModelName"]
        arn = context.arns.model(name)
        if name in context.models:
            raise already_exists("model", arn)
        if ("PrimaryContainer" in params) == bool(params.get("Containers")):
            raise invalid("Specify either PrimaryContainer or Containers, and not both.")
        context.models[name] = Named(name, params, context.now_s)
        context.set_tags(arn, params)
        return {"ModelArn": arn}

    def describe(self, params: Params) -> Mapping[str, Any]:
        model = self._find(params["ModelName"])
        shown = {key: value for key, value in model.params.items() if key != "Tags"}
        arn = self._context.arns.model(model.name)
        return {**shown, "ModelArn": arn, "CreationTime": model.created_s}

    def list(self, params: Params) -> Mapping[str, Any]:
        rows = (
            Row(
                model.name,
                model.created_s,
                partial(self._summary, model),
            )
            for model in self._context.models.values()
        )
        models, token = page(rows, params, operation="ListModels")
        return {"Models": models, "NextToken": token}

    def delete(self, params: Params) -> None:
        model = self._find(params["ModelName"])
        del self._context.models[model.name]
        self._context.tags.pop(self._context.arns.model(model.name), None)

    def _summary(self, model: Named) -> Mapping[str, Any]:
        return {
            "ModelName": model.name,
            "ModelArn": self._context.arns.model(model.name),
            "CreationTime": model.created_s,
        }

    def _find(self, name: str) -> Named:
        model = self._context.models.get(name)
        if model is None:
            raise not_found("model", self._context.arns.model(name))
        return model
