"""Refusals of the CloudWatch API, with the (query-compatible) codes that a client sees."""

from __future__ import annotations

from icscaler_localcloud.services import ServiceError


def validation_error(message: str) -> ServiceError:
    """GetMetricData's code for a request that cannot be answered."""
    return ServiceError("ValidationError", message)


def invalid_value(message: str) -> ServiceError:
    """InvalidParameterValue: one parameter has a value that is out of range."""
    return ServiceError("InvalidParameterValue", message)


def invalid_combination(message: str) -> ServiceError:
    """InvalidParameterCombination: parameters that do not go together."""
    return ServiceError("InvalidParameterCombination", message)


def missing(message: str) -> ServiceError:
    """MissingParameter: a parameter that is required here is absent."""
    return ServiceError("MissingParameter", message)


def invalid_token() -> ServiceError:
    """The NextToken belongs to another request or to none."""
    return ServiceError("InvalidNextToken", "The next token specified is invalid.")
