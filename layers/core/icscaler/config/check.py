"""Checks that need more than one key: references, floors against ceilings, copies against room."""

from typing import Any
from collections.abc import Iterable
from icscaler.config.document import Document
from icscaler.config.problems import Path, Problem
from icscaler.config.resolve import Parts


def check(
    parts: Parts,
    doubtful: Iterable[Path],
    data: dict[str, Any],
    document: Document,
    at_s: int | None,
) -> list[Problem]:
    return []
