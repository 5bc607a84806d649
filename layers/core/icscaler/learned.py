"""What is learned of a component from its own past, as it is kept between looks.

Part of `entities.ModelState`, apart only for its size. Values are frozen: learning makes new ones.
Fields may be added with a default, so that the version before can read what a newer one wrote.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceTime:
    """Mean seconds one request occupies a copy; None until a minute told it.

    `evidence`: requests that stand behind the mean, old ones forgotten. `read_until_s`: end of the
    newest settled minute whose latency was asked for.
    """

    mean_s: float | None = None
    evidence: float = 0.0
    read_until_s: int = 0
