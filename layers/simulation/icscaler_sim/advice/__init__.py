"""Where each model should live: beside others on a shared endpoint, or on one of its own.

`hosts`: the instance types a model could run on and how fast it would serve there. `weigh`: what
a place costs and loses. `choose`: for which models moving pays. `packing`: how copies lie on the
instances of an endpoint. `reservation`: what copies reserve against what they were measured to use.
"""

from icscaler_sim.advice.choose import NOBODY, TRIES, Choice, Group, Pool, Trial, choose, pays
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
from icscaler_sim.advice.weigh import Place, Verdict, more_lost, place_of

__all__ = [
    "FILL",
    "NOBODY",
    "TRIES",
    "Choice",
    "Group",
    "Host",
    "HostRules",
    "Place",
    "Pool",
    "Reservation",
    "ReservationRules",
    "SharedType",
    "Shelf",
    "Trial",
    "Usage",
    "Verdict",
    "busiest_step",
    "cheapest_own",
    "choose",
    "hosts_for",
    "more_lost",
    "own_shape",
    "pays",
    "place_of",
    "reservations",
    "scaled",
    "shared_types",
    "shelves",
    "usage_of",
]
