"""What AWS means when it refuses: codes and texts to typed outcomes."""

from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from icscaler.adapters.refusals import outcome_of
from icscaler.entities import OutcomeKind

URL = "https://api.sagemaker.us-east-1.amazonaws.com"
NO_ROOM_TEXT = (
    "There is not enough hardware resources on the instances for this endpoint to create a copy "
    "of the inference component."
)


def client_error(code: str, message: str = "", status: int = 400, retries: int = 0) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": retries},
    }
    return ClientError(response, "UpdateInferenceComponentRuntimeConfig")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(
            client_error(
                "ValidationException",
                'Inference component "x" cannot be updated while in state UPDATE_RC_IN_PROGRESS.',
            ),
            OutcomeKind.IN_FLIGHT,
            id="a change is in flight",
        ),
        pytest.param(
            client_error("ValidationException", "... in state CREATE_IN_PROGRESS"),
            OutcomeKind.IN_FLIGHT,
            id="it is being created",
        ),
        pytest.param(
            client_error("ConflictException", "busy"), OutcomeKind.IN_FLIGHT, id="a conflict"
        ),
        pytest.param(
            client_error("ValidationException", NO_ROOM_TEXT), OutcomeKind.NO_ROOM, id="no room"
        ),
        pytest.param(
            client_error("ValidationException", 'Could not find inference component "x".'),
            OutcomeKind.NOT_FOUND,
            id="not found",
        ),
        pytest.param(
            client_error("ValidationException", "CopyCount must be 0 or more"),
            OutcomeKind.INVALID,
            id="invalid",
        ),
        pytest.param(client_error("ResourceLimitExceeded", "quota"), OutcomeKind.QUOTA, id="quota"),
        pytest.param(
            client_error("ThrottlingException", "Rate exceeded", retries=2),
            OutcomeKind.THROTTLED,
            id="throttled",
        ),
        pytest.param(
            client_error("AccessDeniedException", "is not authorized to perform"),
            OutcomeKind.DENIED,
            id="denied",
        ),
        pytest.param(
            client_error("AccessDeniedException", "could not find a policy that allows it"),
            OutcomeKind.DENIED,
            id="a code of its own outweighs the text",
        ),
        pytest.param(
            client_error("ExpiredTokenException"), OutcomeKind.DENIED, id="credentials expired"
        ),
        pytest.param(
            client_error("InternalFailure", status=500), OutcomeKind.UNKNOWN, id="AWS failed"
        ),
        pytest.param(client_error("Strange"), OutcomeKind.INVALID, id="an unknown refusal"),
        pytest.param(
            client_error("ValidationException", "in state UPDATE_RC_IN_PROGRESS", retries=1),
            OutcomeKind.UNKNOWN,
            id="the change in flight may be ours, sent before",
        ),
        pytest.param(
            ReadTimeoutError(endpoint_url=URL), OutcomeKind.UNKNOWN, id="no answer in time"
        ),
        pytest.param(
            ConnectionClosedError(endpoint_url=URL), OutcomeKind.UNKNOWN, id="connection lost"
        ),
        pytest.param(
            ConnectTimeoutError(endpoint_url=URL), OutcomeKind.UNKNOWN, id="no connection in time"
        ),
        pytest.param(
            EndpointConnectionError(endpoint_url=URL), OutcomeKind.UNKNOWN, id="no connection"
        ),
        pytest.param(NoCredentialsError(), OutcomeKind.DENIED, id="no credentials"),
        pytest.param(
            ParamValidationError(report="bad name"), OutcomeKind.INVALID, id="botocore refuses"
        ),
    ],
)
def test_outcomes(error: Exception, kind: OutcomeKind) -> None:
    found, text = outcome_of(error)
    assert found is kind
    assert text


def test_the_text_names_code_and_message() -> None:
    assert outcome_of(client_error("ResourceLimitExceeded", "Quota of ml.p4d is 4"))[1] == (
        "ResourceLimitExceeded: Quota of ml.p4d is 4"
    )


def test_anything_else_is_a_bug_and_goes_on() -> None:
    with pytest.raises(ZeroDivisionError):
        outcome_of(ZeroDivisionError())
