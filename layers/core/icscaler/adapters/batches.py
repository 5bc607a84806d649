"""Batched sends that AWS may accept in part: SQS SendMessageBatch, EventBridge PutEvents."""

import random
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

E = TypeVar("E")

BATCH = 10
ATTEMPTS = 3


def send_in_batches(
    entries: Sequence[E], send: Callable[[Sequence[E]], Sequence[E]]
) -> tuple[E, ...]:
    """Send ten at a time; `send` gives back what was not accepted and may be tried again.

    Tries those again after a short jittered pause; what is left in the end is returned.
    """
    left: list[E] = []
    for start in range(0, len(entries), BATCH):
        batch: Sequence[E] = entries[start : start + BATCH]
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(random.uniform(0, 0.1 * 2**attempt))
            batch = send(batch)
            if not batch:
                break
        left.extend(batch)
    return tuple(left)
