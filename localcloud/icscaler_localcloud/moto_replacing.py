"""Putting our methods in the place of moto's, and remembering moto's own."""

from __future__ import annotations

from typing import Any

REPLACED: list[tuple[type, str, Any]] = []
"""(class, attribute, moto's own; None: it had none), for tests that compare."""


def replace(kind: type, name: str, ours: Any) -> None:
    """Let instances of `kind` use `ours`."""
    REPLACED.append((kind, name, vars(kind).get(name)))
    setattr(kind, name, ours)
