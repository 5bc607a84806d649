"""Keep-alive: whether copy 1 should exist, from when the model was last used.

Only copy 1 is decided here. A request refused at zero copies, a wake request and served traffic
are all just "use", so waking needs no rule of its own: presence follows from being used recently.
"""


def wants_presence(idle_s: int | None, last_active_s: int, known_until_s: int) -> bool:
    """Whether the model should have at least one copy.

    `known_until_s`: end of the newest settled metric minute. Idle time is counted only over
    settled minutes, because minutes fill up late: fresher points may raise, never lower.
    `idle_s` None: never unload for idleness.
    """
    return idle_s is None or known_until_s - last_active_s < idle_s
