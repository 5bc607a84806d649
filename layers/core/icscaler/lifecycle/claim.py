"""The endpoint's lease while something is written: every writer to an endpoint takes it.

In between a hold on the component, placed by who has the lease, keeps looks from writing to it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from icscaler.lifecycle.ports import LifecycleStore
from icscaler.ports import Lease

LEASE_S = 45


class BusyError(Exception):
    """Somebody else writes to the endpoint right now; in a few seconds it is free."""


@contextmanager
def leased(store: LifecycleStore, endpoint: str, owner: str, at_s: int) -> Iterator[Lease]:
    """The endpoint's lease, given back at the end. Raises `BusyError`.

    It outlives the function's timeout, so nothing is written without it.
    """
    lease = store.acquire_lease(endpoint, owner, at_s, LEASE_S)
    if lease is None:
        raise BusyError(f"somebody else writes to endpoint {endpoint} at the moment")
    try:
        yield lease
    finally:
        store.release(lease)
