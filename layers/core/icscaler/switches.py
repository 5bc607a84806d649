"""What keeps the controller from writing: switches of the pointer, and what the fleet file says."""

from icscaler import bounds
from icscaler.entities import EndpointConfig, ModelConfig
from icscaler.ports import FleetPointer


def paused(pointer: FleetPointer, config: EndpointConfig, model: ModelConfig, at_s: int) -> bool:
    """Whether a model is paused: by itself, with its endpoint, or with the whole fleet."""
    return (
        pointer.paused
        or config.name in pointer.paused_endpoints
        or model.name in pointer.paused_models
        or config.paused
        or bounds.paused(model, at_s)
    )
