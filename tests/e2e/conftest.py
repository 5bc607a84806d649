"""Fixtures of the end-to-end tests.

Every test that takes `rig` runs twice: with handlers in this process, and with each in a process
of its own, as AWS's runtime client runs them. The second is slow and marked so, except where a
test asks for it with `@pytest.mark.both_runners`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.rig import Rig
from tests.e2e.rig import rig as open_rig


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "both_runners: not only behind `slow` on the second runner")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "rig" in metafunc.fixturenames:
        both = metafunc.definition.get_closest_marker("both_runners") is not None
        marks = [] if both else [pytest.mark.slow]
        runners = ["in-process", pytest.param("subprocess", marks=marks)]
        metafunc.parametrize("rig", runners, indirect=True)


@pytest.fixture
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """The template deployed, an endpoint with three components in service, a fleet published."""
    with open_rig(tmp_path, runner=request.param) as opened:
        yield opened
