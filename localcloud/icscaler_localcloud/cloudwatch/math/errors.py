"""The one error of metric math."""

from __future__ import annotations


class MathError(Exception):
    """An expression that cannot be parsed or evaluated; the text is for the caller to read."""
