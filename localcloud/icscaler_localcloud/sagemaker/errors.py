"""Refusals of the SageMaker control plane, in AWS's words where they are known.

The control plane answers almost everything with an un-modelled `ValidationException` (HTTP 400);
only account quotas have a code of their own. Texts about the state of a component come from the
world; here are those about names and requests.
"""

from __future__ import annotations

from icscaler_localcloud.services import ServiceError


def invalid(message: str) -> ServiceError:
    """A ValidationException."""
    return ServiceError("ValidationException", message)


def not_found(kind: str, arn: str) -> ServiceError:
    """`kind` as AWS writes it: "endpoint", "endpoint configuration", "inference component"."""
    return invalid(f'Could not find {kind} "{arn}".')


def already_exists(kind: str, arn: str) -> ServiceError:
    """The name is taken in this account and Region."""
    return invalid(f'Cannot create already existing {kind} "{arn}".')


def not_simulated(what: str) -> ServiceError:
    """AWS has it, the local cloud does not: said aloud instead of being ignored."""
    return invalid(f"{what} is not supported by the local cloud.")


def over_quota(instance_type: str, limit: int, used: int, more: int) -> ServiceError:
    """The account may not run that many instances of this type for endpoints."""
    return ServiceError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{instance_type} for endpoint usage' is {limit} "
        f"Instances, with current utilization of {used} Instances and a request delta of {more} "
        "Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS "
        "Service Quotas is not available, contact AWS support to request an increase for this "
        "quota.",
    )
