"""SageMaker Runtime: InvokeEndpoint against the world.

A request is read for its size only. Input tokens: a quarter of the body's bytes (the usual rule of
thumb for English text). Output tokens: `max_new_tokens` (Hugging Face style, under `parameters`)
or `max_tokens` / `max_completion_tokens` (OpenAI style), else DEFAULT_OUTPUT_TOKENS. The answer
carries the latency that the world computed, as nobody waits in virtual time.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from icscaler_localcloud.apikit.gate import CallGate
from icscaler_localcloud.apikit.validation import validate
from icscaler_localcloud.sagemaker.context import Context, Params
from icscaler_localcloud.services import ServiceError
from icscaler_sim.world import EndpointView, Invocation, Refusal, Target, VariantView

DEFAULT_OUTPUT_TOKENS = 128
_BYTES_PER_TOKEN = 4
_OUTPUT_MEMBERS = ("max_new_tokens", "max_completion_tokens", "max_tokens")
_NOT_SIMULATED = ("TargetModel", "TargetContainerHostname", "EnableExplanations", "SessionId")
_TEXT_NAME_REQUIRED = (
    "Inference Component Name header is required for endpoints to which you plan to deploy "
    "inference components. Please include Inference Component Name header or consider using "
    "SageMaker models."
)


class RuntimeService:
    """InvokeEndpoint on components and on classic single-model variants."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.gate = CallGate()
        self._given: dict[Target, float] = {}

    def call(self, operation: str, params: Params) -> Mapping[str, Any] | None:
        """Answer InvokeEndpoint; every other operation is refused by name."""
        self.gate.admit(operation, self.context.now_s)
        if operation != "InvokeEndpoint":
            raise _invalid(f"{operation} is not supported by the local cloud.")
        validate("sagemaker-runtime", operation, params, code="ValidationError")
        for member in _NOT_SIMULATED:
            if member in params:
                raise _invalid(f"{member} is not supported by the local cloud.")
        target, variant = self._target(params)
        body = bytes(params.get("Body", b""))
        tokens_in, tokens_out = math.ceil(len(body) / _BYTES_PER_TOKEN), _output_tokens(body)
        try:
            served = self.context.world.invoke(
                target, input_tokens=tokens_in, output_tokens=tokens_out
            )
        except Refusal as refusal:
            raise _as_error(refusal) from refusal
        return {
            "Body": json.dumps(_answer(served, tokens_in, tokens_out)).encode(),
            "ContentType": "application/json",
            "InvokedProductionVariant": variant,
            "CustomAttributes": params.get("CustomAttributes"),
        }

    def _target(self, params: Params) -> tuple[Target, str]:
        """Where the request goes, and the variant that serves it."""
        endpoint = self._endpoint(params["EndpointName"])
        component = params.get("InferenceComponentName")
        single = [variant for variant in endpoint.variants if variant.spec.model_name is not None]
        if component is None:
            if not single:
                raise _invalid(_TEXT_NAME_REQUIRED)
            variant = self._pick(endpoint.name, single, params.get("TargetVariant"))
            return (endpoint.name, variant), variant
        try:
            view = self.context.world.component(component)
        except Refusal:
            view = None
        if view is None or view.endpoint != endpoint.name:
            raise _invalid(
                f"Inference component {component} of endpoint {endpoint.name} of account "
                f"{self.context.arns.account} not found."
            )
        if view.spec.base is not None and view.status == "Creating":
            raise ServiceError(
                "ModelNotReadyException",
                f"Adapter {component} is still being loaded. Wait and try your request again.",
            )
        return component, view.variant

    def _endpoint(self, name: str) -> EndpointView:
        try:
            return self.context.world.endpoint(name)
        except Refusal:
            account = self.context.arns.account
            raise _invalid(f"Endpoint {name} of account {account} not found.") from None

    def _pick(self, endpoint: str, variants: list[VariantView], wanted: str | None) -> str:
        """The variant asked for, else the one furthest behind its share of the traffic."""
        if wanted is not None:
            if wanted not in {variant.spec.name for variant in variants}:
                raise _invalid(f"Variant {wanted} of endpoint {endpoint} not found.")
            return wanted
        weighted = [variant for variant in variants if variant.weight > 0]
        if not weighted:
            raise _invalid(f"Endpoint {endpoint} has no variant with a weight above 0.")

        def next_turn(variant: VariantView) -> float:
            given = self._given.get((endpoint, variant.spec.name), 0.0)
            return (given + 1) / variant.weight

        chosen = min(weighted, key=next_turn).spec.name
        self._given[endpoint, chosen] = self._given.get((endpoint, chosen), 0.0) + 1
        return chosen


def _output_tokens(body: bytes) -> int:
    try:
        request = json.loads(body)
    except ValueError:
        return DEFAULT_OUTPUT_TOKENS
    if not isinstance(request, dict):
        return DEFAULT_OUTPUT_TOKENS
    parameters = request.get("parameters")
    for place in (parameters if isinstance(parameters, dict) else {}, request):
        for member in _OUTPUT_MEMBERS:
            asked = place.get(member)
            if isinstance(asked, int) and not isinstance(asked, bool) and asked >= 0:
                return asked
    return DEFAULT_OUTPUT_TOKENS


def _answer(served: Invocation, tokens_in: int, tokens_out: int) -> Mapping[str, Any]:
    return {
        "generated_text": "",
        "usage": {"prompt_tokens": tokens_in, "completion_tokens": tokens_out},
        "latency_s": served.latency_s,
        "queued_s": served.wait_s,
    }


def _as_error(refusal: Refusal) -> ServiceError:
    if refusal.code == "ModelError":
        # SageMaker answers 424 and passes on what the container said.
        return ServiceError(
            "ModelError",
            refusal.message,
            status=424,
            OriginalStatusCode=500,
            OriginalMessage=refusal.message,
        )
    return ServiceError(refusal.code, refusal.message)


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationError", message)
