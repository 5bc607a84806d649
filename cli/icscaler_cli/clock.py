"""The time of the commands, AWS's where it is another one; tests put a virtual clock in its place.

A local cloud's time may run faster than this machine's, and a machine's clock may be wrong: every
reply says in its `Date` what time it is there.
"""

import time
from email.utils import parsedate_to_datetime
from typing import Any

# Clocks that differ by less agree: `Date` has whole seconds, and replies travel.
AGREE_S = 5.0
_ahead_s = 0.0


def now_s() -> float:
    """Now, in epoch seconds."""
    return time.time() + _ahead_s


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def follow(session: Any) -> None:
    """Take the time from the replies to the clients that this boto3 session makes."""
    session.events.register("after-call", _told)


def _told(http_response: Any = None, **_: Any) -> None:
    global _ahead_s
    told = str(getattr(http_response, "headers", {}).get("Date"))
    try:
        ahead_s = parsedate_to_datetime(told).timestamp() - time.time()
    except ValueError:
        return
    _ahead_s = 0.0 if abs(ahead_s) < AGREE_S else ahead_s
