"""Refusals of Application Auto Scaling, in AWS's words where they are known."""

from __future__ import annotations

from icscaler_localcloud.autoscaling.model import Key
from icscaler_localcloud.services import ServiceError


def invalid(message: str) -> ServiceError:
    """A ValidationException."""
    return ServiceError("ValidationException", message)


def not_here(what: str) -> ServiceError:
    """AWS has it, the local cloud does not: said aloud instead of being ignored."""
    return invalid(f"{what} is not supported by the local cloud.")


def no_target(key: Key, *, found: str = "registered") -> ServiceError:
    """Nothing is registered under this key."""
    return _absent(f"No scalable target {found} for", key)


def no_policy(key: Key, name: str) -> ServiceError:
    """The target has no policy of this name."""
    return _absent("No scaling policy found for", key, f", policy name: {name}")


def no_scheduled_action(key: Key, name: str) -> ServiceError:
    """The target has no scheduled action of this name."""
    return _absent("No scheduled action found for", key, f", scheduled action name: {name}")


def too_many(what: str, limit: int) -> ServiceError:
    """A quota per scalable target is used up."""
    return ServiceError(
        "LimitExceededException", f"The maximum number of {what} ({limit}) has been reached."
    )


def alarm_refused(refusal: ServiceError) -> ServiceError:
    """CloudWatch refused an alarm that a policy needs; "Rate exceeded" is the usual reason."""
    return ServiceError("FailedResourceAccessException", refusal.message)


def no_resource(arn: str) -> ServiceError:
    """Tags of something that is no scalable target."""
    return ServiceError("ResourceNotFoundException", f"Resource {arn} does not exist.")


def _absent(what: str, key: Key, more: str = "") -> ServiceError:
    return ServiceError(
        "ObjectNotFoundException",
        f"{what} service namespace: {key.namespace}, resource ID: {key.resource_id}, "
        f"scalable dimension: {key.dimension}{more}",
    )
