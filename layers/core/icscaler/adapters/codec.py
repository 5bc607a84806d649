"""The core's values as bytes: deterministic JSON, compressed where it is stored.

Equal values give equal bytes whatever the order in which their dicts were filled, so a snapshot can
be compared byte for byte. Reading is tolerant between versions: unknown fields are ignored, missing
ones get their defaults. Numbers must be finite: NaN would be written as null, "not known".
"""

import zlib
from functools import cache
from typing import Any, TypeVar, cast

import msgspec

from icscaler.ports import LookInputs

T = TypeVar("T")

_COMPRESSION_LEVEL = 6
_encoder = msgspec.json.Encoder(order="deterministic")


class CodecError(ValueError):
    """Bytes that are not what they should be, or a value that has no JSON form."""


def encode(value: object) -> bytes:
    """Deterministic JSON of a dataclass, dict, tuple or plain value.

    Raises `CodecError` for values without a JSON form.
    """
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError) as error:
        raise CodecError(f"cannot encode {type(value).__name__}: {error}") from error


def decode(data: bytes, kind: type[T]) -> T:
    """The value of type `kind` in `data`. Raises `CodecError` naming the field that is wrong."""
    try:
        return cast("T", _decoder(cast("Any", kind)).decode(data))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CodecError(f"not a {getattr(kind, '__name__', kind)}: {error}") from error


def pack(value: object) -> bytes:
    """`encode`, compressed for storage."""
    return compress(encode(value))


def unpack(data: bytes, kind: type[T]) -> T:
    """The inverse of `pack`."""
    return decode(decompress(data), kind)


def compress(data: bytes) -> bytes:
    """zlib; learned state shrinks about fivefold."""
    return zlib.compress(data, _COMPRESSION_LEVEL)


def decompress(data: bytes) -> bytes:
    """The inverse of `compress`. Raises `CodecError` when damaged or cut."""
    try:
        return zlib.decompress(data)
    except zlib.error as error:
        raise CodecError(f"damaged compressed data: {error}") from error


def read_look(payload: bytes) -> LookInputs:
    """The inputs in a `LookSnapshot` payload (which is `encode(LookInputs)`)."""
    return decode(payload, LookInputs)


@cache
def _decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)
