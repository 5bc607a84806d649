"""Small values that the adapters' tests share."""

from icscaler.entities import (
    ComponentView,
    CopyResources,
    EndpointConfig,
    EndpointState,
    ModelConfig,
    ModelState,
    Outcome,
    OutcomeKind,
    RefusedCopies,
    TargetTracking,
    VariantConfig,
)
from icscaler.learned import Intent, VariantState
from icscaler.ports import Closing, DecisionRecord, EndpointSummary

AT_S = 1_780_272_000


def model(name: str = "block-generation") -> ModelConfig:
    policy = TargetTracking("concurrency", 8.0)
    return ModelConfig(name, "gpu", CopyResources(1, 8.0, 40_000), policy, max_copies=4)


def config(endpoint: str = "code", *models: str, version: str = "v1") -> EndpointConfig:
    names = models or ("block-generation",)
    variant = VariantConfig("ml.p4d.24xlarge", 8, 96.0, 1_100_000, max_instances=4)
    return EndpointConfig(
        name=endpoint,
        version=version,
        variants={"gpu": variant},
        models={name: model(name) for name in names},
    )


def model_state(at_s: int = AT_S) -> ModelState:
    return ModelState(
        first_seen_s=at_s,
        observed_desired=2,
        observed_current=1,
        last_active_s=at_s,
        last_minute_s=at_s - 180,
        last_heartbeat_s=at_s - 60,
        recommendations=((at_s - 180, 3), (at_s - 120, 2)),
        copies_log=((at_s, 1),),
        intent=Intent("a1", 1, 2, at_s),
        refused=RefusedCopies(5, OutcomeKind.NO_ROOM, at_s + 300),
        noticed=("Blind",),
    )


def state(at_s: int = AT_S, models: int = 1) -> EndpointState:
    return EndpointState(
        last_look_s=at_s,
        models={f"model-{index}": model_state(at_s) for index in range(models)},
        variants={"gpu": VariantState(short_since_s=None, obtainable_instances=3, until_s=at_s)},
    )


def view(name: str = "block-generation", copies: int = 1) -> ComponentView:
    return ComponentView(
        name=name,
        variant="gpu",
        status="InService",
        desired_copies=copies,
        current_copies=copies,
        last_modified_s=AT_S - 3600,
        described_at_s=AT_S,
        resources=CopyResources(1, 8.0, 40_000),
    )


def summary(endpoint: str = "code", at_s: int = AT_S, copies: int = 4) -> EndpointSummary:
    return EndpointSummary(endpoint, at_s, copies, models=2, blind_models=0)


def outcome(copies: int = 2) -> Outcome:
    return Outcome(OutcomeKind.IN_FLIGHT, "a1", copies, AT_S, "cannot be updated while ...")


def closing(received_s: float) -> Closing:
    """A look that ended with one outcome."""
    return Closing({"block-generation": outcome()}, summary(), received_s)


def record(
    component: str = "block-generation", at_s: int = AT_S, endpoint: str = "code"
) -> DecisionRecord:
    return DecisionRecord(
        endpoint=endpoint,
        component=component,
        at_s=at_s,
        from_copies=1,
        to_copies=2,
        outcome="Accepted",
        steps=("AboveTarget 2", "MaxCopies 2"),
        config_version="v1",
        attempt_id="a1",
    )
