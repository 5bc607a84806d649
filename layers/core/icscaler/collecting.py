"""How often Python searches for reference cycles while it decides."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_OBJECTS = 100_000


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Search after 100,000 new objects instead of 700, for as long as this is entered.

    Deciding makes values by the thousand, keeps them as the new state and makes hardly a cycle:
    each search goes through all that is kept and finds nothing.
    """
    usual = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS, *usual[1:])
    try:
        yield
    finally:
        gc.set_threshold(*usual)
