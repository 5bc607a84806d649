"""A fixed piece of Python work, measured beside everything else in the same run.

Machines differ, and a shared one differs from minute to minute; a figure divided by the yardstick
of its own run hardly does.
"""

import time

_TRIES = 9
_ROUNDS = 500


def cpu_ms() -> float:
    """CPU milliseconds of the fixed work, the least of several tries."""
    return min(_once() for _ in range(_TRIES)) * 1000


def _once() -> float:
    """List comprehensions over floats and small objects: what decisions are made of."""
    began = time.process_time()
    values = [float(number) for number in range(40)]
    for _ in range(_ROUNDS):
        values = [value + 1.0 if value < 500.0 else 0.0 for value in values]
        _ = [(value, {"value": value}) for value in values[:10]]
    return time.process_time() - began
