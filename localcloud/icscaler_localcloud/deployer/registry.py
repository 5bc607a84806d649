"""Every resource type the deployer knows."""

from __future__ import annotations

from icscaler_localcloud.deployer import compute, eventing, identity, messaging, storage
from icscaler_localcloud.deployer.stack import Handler

HANDLERS: dict[str, Handler] = {
    **compute.HANDLERS,
    **eventing.HANDLERS,
    **identity.HANDLERS,
    **messaging.HANDLERS,
    **storage.HANDLERS,
}
