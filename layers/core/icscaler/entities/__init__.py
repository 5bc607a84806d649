"""Values of the decision core: configuration, observation, state and plan.

Units are in the names; time is an `int` of epoch seconds called `at_s` (or `..._s`). `None` always
means "not known", never zero. Configuration is frozen. The per-look types are plain slotted
dataclasses for speed and are treated as values: nothing in the core modifies its inputs.

Every type here is serialised by `adapters.codec`; fields may be added with a default, so that the
version before can read what the newer one wrote (unknown fields are ignored when reading).

    configuration   what people configured       observation   what a look sees
    state           what is remembered           plan          what was decided
"""

from icscaler.entities.configuration import (
    CopyResources,
    EndpointConfig,
    Limits,
    ModelConfig,
    Objective,
    Override,
    TargetTracking,
    VariantConfig,
)
from icscaler.entities.observation import (
    ComponentView,
    EndpointView,
    Hold,
    MetricMinute,
    Outcome,
    OutcomeKind,
    Snapshot,
    VariantView,
)
from icscaler.entities.plan import (
    Change,
    Decision,
    NoticeItem,
    Plan,
    Step,
)
from icscaler.entities.state import (
    STATE_SCHEMA_VERSION,
    EndpointState,
    ModelState,
    RefusedCopies,
)

__all__ = [
    "STATE_SCHEMA_VERSION",
    "Change",
    "ComponentView",
    "CopyResources",
    "Decision",
    "EndpointConfig",
    "EndpointState",
    "EndpointView",
    "Hold",
    "Limits",
    "MetricMinute",
    "ModelConfig",
    "ModelState",
    "NoticeItem",
    "Objective",
    "Outcome",
    "OutcomeKind",
    "Override",
    "Plan",
    "RefusedCopies",
    "Snapshot",
    "Step",
    "TargetTracking",
    "VariantConfig",
    "VariantView",
]
