"""Where each model should live: beside others on a shared endpoint, or on one of its own.

`hosts`: the instance types a model could run on and how fast it would serve there. `weigh`: what
both places cost, and which is better. `packing`: how copies lie on the instances of an endpoint.
`reservation`: what copies reserve against what they were measured to use.
"""

from icscaler_sim.advice.hosts import (
    FILL,
    Host,
    HostRules,
    cheapest_own,
    hosts_for,
    own_shape,
    scaled,
)
from icscaler_sim.advice.packing import Shelf, busiest_step, shelves
from icscaler_sim.advice.reservation import Reservation, ReservationRules, reservations
from icscaler_sim.advice.shared import SharedType, shared_types
from icscaler_sim.advice.usage import Usage, usage_of
from icscaler_sim.advice.weigh import Place, Verdict, place_of, verdict

__all__ = [
    "FILL",
    "Host",
    "HostRules",
    "Place",
    "Reservation",
    "ReservationRules",
    "SharedType",
    "Shelf",
    "Usage",
    "Verdict",
    "busiest_step",
    "cheapest_own",
    "hosts_for",
    "own_shape",
    "place_of",
    "reservations",
    "scaled",
    "shared_types",
    "shelves",
    "usage_of",
    "verdict",
]
