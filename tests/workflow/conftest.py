"""Workflow tests: the definitions that ship, run on the local cloud's virtual clock.

A test that is there to enter states or Catches says so, and is held to it when its `rig` ends:

    @pytest.mark.enters("roll_out_update:Plan", "roll_out_update:Plan!RecordFailure")

`test_coverage.py` counts that every state and every Catch of statemachines/ is named by some test.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.rig import FLEET, Rig
from tests.e2e.rig import rig as open_rig
from tests.workflow.entered import MARK, entered_on, verify

NAMED: pytest.StashKey[dict[str, set[str]]] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARK}(*names): states and Catches this test enters")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note what all tests say they enter, before slow ones are left out of the run."""
    named: dict[str, set[str]] = {}
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            names = named.setdefault(item.path.name, set())
            names.update(name for mark in item.iter_markers(MARK) for name in mark.args)
    config.stash[NAMED] = named


@pytest.fixture
def rig_settings() -> dict[str, Any]:
    """`fleet` (YAML, or None) and template parameters, for modules that want others."""
    return {"fleet": FLEET}


@pytest.fixture
def rig(
    request: pytest.FixtureRequest, tmp_path: Path, rig_settings: dict[str, Any]
) -> Iterator[Rig]:
    """The template deployed, an endpoint in service; at the end the test's marks are checked."""
    with open_rig(tmp_path, **rig_settings) as opened:
        yield opened
        verify(request, lambda: entered_on(opened.cloud, opened.stack))
