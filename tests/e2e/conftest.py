"""Fixtures of the end-to-end tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.rig import Rig
from tests.e2e.rig import rig as open_rig


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """The template deployed, an endpoint with three components in service, a fleet published."""
    with open_rig(tmp_path) as opened:
        yield opened
