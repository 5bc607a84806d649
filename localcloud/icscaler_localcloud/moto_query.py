"""One more seam to moto (see `moto_seams`): AWS's query protocol.

Calls in it to services of ours (older clients speak it to CloudWatch) are read and answered by
moto's parser and serialiser, which work from botocore's models as ours do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.loaders import Loader
from moto.core.model import ServiceModel
from moto.core.parse import QueryParser
from moto.core.serialize import QuerySerializer, SerializationContext


def read_query(operation: Any, form: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of a call; timestamps become epoch seconds. ValueError: not a number."""
    parser = QueryParser(_motos(operation), timestamp_parser=_epoch_s)
    parsed: dict[str, Any] = parser.parse({"values": form})  # type: ignore[typeddict-item]
    return parsed


def write_query(operation: Any, result: Mapping[str, Any], request_id: str) -> bytes:
    """The XML that answers a call."""
    serializer = QuerySerializer(_motos(operation), SerializationContext(request_id))
    return str(serializer.serialize(result)["body"]).encode()


def _motos(operation: Any) -> Any:
    """moto's own model of an operation."""
    return _service(operation.service_model.service_name).operation_model(operation.name)


@cache
def _service(name: str) -> Any:
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def _epoch_s(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
