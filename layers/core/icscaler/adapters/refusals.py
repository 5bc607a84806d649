"""What AWS means when it refuses a write: `ClientError` code and text to a typed outcome.

botocore models almost none of these errors for inference components: the control plane answers
with an unmodelled ValidationException and free text, so the text has to be read.
"""

from icscaler.adapters.clients import code_and_message
from icscaler.entities import OutcomeKind

# Looked for in the message first: the code is the same ValidationException for all of them.
_BY_TEXT = (
    ("UPDATE_RC_IN_PROGRESS", OutcomeKind.IN_FLIGHT),
    ("UPDATE_IN_PROGRESS", OutcomeKind.IN_FLIGHT),
    ("CREATE_IN_PROGRESS", OutcomeKind.IN_FLIGHT),
    ("DELETE_IN_PROGRESS", OutcomeKind.IN_FLIGHT),
    ("cannot be updated while", OutcomeKind.IN_FLIGHT),
    ("cannot update in-progress endpoint", OutcomeKind.IN_FLIGHT),
    ("not enough hardware resources", OutcomeKind.NO_ROOM),
    ("could not find", OutcomeKind.NOT_FOUND),
    ("already existing", OutcomeKind.EXISTS),
)
_BY_CODE = {
    "ResourceLimitExceeded": OutcomeKind.QUOTA,
    "ThrottlingException": OutcomeKind.THROTTLED,
    "Throttling": OutcomeKind.THROTTLED,
    "TooManyRequestsException": OutcomeKind.THROTTLED,
    "RequestLimitExceeded": OutcomeKind.THROTTLED,
    "ResourceInUse": OutcomeKind.IN_FLIGHT,
    "ConflictException": OutcomeKind.IN_FLIGHT,
    "ResourceNotFound": OutcomeKind.NOT_FOUND,
    "AccessDenied": OutcomeKind.DENIED,
    "AccessDeniedException": OutcomeKind.DENIED,
    "UnrecognizedClientException": OutcomeKind.DENIED,
    "InvalidClientTokenId": OutcomeKind.DENIED,
    "ExpiredToken": OutcomeKind.DENIED,
    "ExpiredTokenException": OutcomeKind.DENIED,
}
_SERVER_ERROR = 500


def outcome_of(error: Exception) -> tuple[OutcomeKind, str]:
    """What an exception that botocore raised says about the write, and its text for people.

    Anything that leaves open whether the write arrived is `UNKNOWN`: the next look observes what
    became of it, and setting a count again is harmless.
    """
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        ParamValidationError,
    )

    if isinstance(error, ClientError):
        return _client_error(error)
    if isinstance(error, NoCredentialsError):
        return OutcomeKind.DENIED, str(error)
    if isinstance(error, ParamValidationError):
        return OutcomeKind.INVALID, str(error)
    if isinstance(error, BotoCoreError):
        return OutcomeKind.UNKNOWN, f"{type(error).__name__}: {error}"
    raise error


def _client_error(error: object) -> tuple[OutcomeKind, str]:
    code, message = code_and_message(error)
    metadata = getattr(error, "response", {}).get("ResponseMetadata", {})
    text = f"{code}: {message}"
    kind = _BY_CODE.get(code)
    lowered = message.lower()
    for words, meaning in _BY_TEXT:
        if kind is None and words.lower() in lowered:
            kind = meaning
    if kind is OutcomeKind.IN_FLIGHT and metadata.get("RetryAttempts", 0) > 0:
        # The change in flight may be our own, whose first reply was lost.
        return OutcomeKind.UNKNOWN, text
    if kind is not None:
        return kind, text
    if metadata.get("HTTPStatusCode", 0) >= _SERVER_ERROR:
        return OutcomeKind.UNKNOWN, text
    return OutcomeKind.INVALID, text
