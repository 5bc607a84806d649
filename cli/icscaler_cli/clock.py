"""The time of the commands that wait. Tests put a virtual clock in place of these two."""

import time


def now_s() -> float:
    """Now, in epoch seconds."""
    return time.time()


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)
