"""Benches: a cloud each, with alarms evaluated at a known second."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from icscaler_localcloud.alarms import AlarmSettings
from icscaler_localcloud.cloud import LocalCloud
from icscaler_sim.world import WorldSettings
from tests.contract.alarms.bench import Bench

# Monday 2026-06-01 09:00 UTC.
T0 = 1_780_304_400
# Alarms are evaluated 15 s after the minute: late enough to see the minute before.
PHASE_S = 15

MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench() -> Iterator[MakeBench]:
    """Makes a bench whose cloud starts at `start_s`; alarm settings as keywords."""
    with ExitStack() as stack:

        def make(
            *, start_s: float = T0, world: WorldSettings | None = None, **settings: Any
        ) -> Bench:
            chosen = AlarmSettings(**{"phase_s": PHASE_S, **settings})
            cloud = LocalCloud(start_s=int(start_s), alarm_settings=chosen, world_settings=world)
            return Bench(stack.enter_context(cloud))

        yield make


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    """A bench that starts at T0."""
    return make_bench()
