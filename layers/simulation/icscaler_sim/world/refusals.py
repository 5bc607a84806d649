"""What AWS says when it refuses. Texts are the reported ones; tools match on parts of them.

Sources: AWS scale-to-zero post (no capacity), public teardown and test code of users
(UPDATE_RC_IN_PROGRESS, CREATE_IN_PROGRESS, hardware resources), cloud-nuke PR 1142 (endpoint
with components), Terraform provider (in-progress endpoint, DELETE_IN_PROGRESS).
"""

from __future__ import annotations

from icscaler_sim.world.specs import Refusal

NO_ROOM = (
    "There is not enough hardware resources on the instances for this endpoint to create a copy "
    "of the inference component."
)
NO_CAPACITY = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be "
    "in-progress (if configured) or try to increase the capacity by invoking "
    "UpdateInferenceComponentRuntimeConfig API."
)
ENDPOINT_HAS_COMPONENTS = (
    "Cannot delete endpoint with inference component associated. Please delete inference "
    "component and try it again."
)

INTERNAL_STATES = {
    "Creating": "CREATE_IN_PROGRESS",
    "Updating": "UPDATE_RC_IN_PROGRESS",
    "Deleting": "DELETE_IN_PROGRESS",
    "Failed": "FAILED",
}
SPEC_UPDATE_STATE = "UPDATE_IN_PROGRESS"


def invalid(message: str) -> Refusal:
    """The control plane's catch-all."""
    return Refusal("ValidationException", message)


def no_component(name: str) -> Refusal:
    """Describe, update or delete of something that is not there."""
    return invalid(f'Could not find inference component "{name}".')


def no_endpoint(name: str) -> Refusal:
    """The same for endpoints."""
    return invalid(f'Could not find endpoint "{name}".')


def in_progress(verb: str, name: str, state: str) -> Refusal:
    """A write to a component that is already changing."""
    return invalid(f'Inference component "{name}" cannot be {verb} while in state {state}.')


def endpoint_in_progress(name: str) -> Refusal:
    """A write to an endpoint that is already changing."""
    return invalid(f'Cannot update in-progress endpoint "{name}".')


def no_capacity() -> Refusal:
    """A request at zero copies."""
    return Refusal("ValidationError", NO_CAPACITY)


def model_error(message: str) -> Refusal:
    """The container failed a request, or did not answer in time."""
    return Refusal("ModelError", message)
