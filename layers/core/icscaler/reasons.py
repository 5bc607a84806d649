"""Reason codes: the vocabulary in which every decision explains itself.

Each step of the pipeline in `decide` that raises, lowers or holds a copy count names one of these.
Codes are stored in decision records and shown by dashboards: they are added, never renamed.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a step set or held a number of copies."""

    # recommend: what demand asks for
    TARGET_MET = "TargetMet"
    ABOVE_TARGET = "AboveTarget"
    BELOW_TARGET = "BelowTarget"
    EARNS_ITS_GPUS = "EarnsItsGpus"
    NOT_WORTH_ITS_GPUS = "NotWorthItsGpus"
    RECENTLY_USED = "RecentlyUsed"
    IDLE = "Idle"
    WOKEN_BY_REFUSED_REQUEST = "WokenByRefusedRequest"
    WOKEN_BY_WAKE_REQUEST = "WokenByWakeRequest"
    NO_DATA = "NoData"
    GROUP = "Group"
    # shape: how fast it may move
    STABILIZED = "Stabilized"
    SCALE_IN_DISABLED = "ScaleInDisabled"
    SCALE_OUT_COOLDOWN = "ScaleOutCooldown"
    SCALE_IN_COOLDOWN = "ScaleInCooldown"
    SCALE_OUT_RATE = "ScaleOutRate"
    SCALE_IN_RATE = "ScaleInRate"
    ONE_BEFORE_ZERO = "OneBeforeZero"
    MINIMUM_LIFE = "MinimumLife"
    BLIND = "Blind"
    METRICS_VANISHED = "MetricsVanished"
    REFUSED_RECENTLY = "RefusedRecently"
    # bounds: what people set
    MIN_COPIES = "MinCopies"
    MAX_COPIES = "MaxCopies"
    MAX_GPUS = "MaxGpus"
    SCHEDULE = "Schedule"
    OVERRIDE = "Override"
    OVERLAY = "Overlay"
    ONE_INSTANCE = "OneInstance"
    # allocate: what the endpoint can hold
    DISPLACED = "Displaced"
    WAITING_FOR_ROOM = "WaitingForRoom"
    # ownership: whether we may write at all
    IN_FLIGHT = "InFlight"
    ENDPOINT_NOT_IN_SERVICE = "EndpointNotInService"
    COMPONENT_FAILED = "ComponentFailed"
    COMPONENT_MISSING = "ComponentMissing"
    HELD_BY_ROLLOUT = "HeldByRollout"
    PAUSED = "Paused"
    OBSERVE = "Observe"
    FOREIGN_TARGET = "ForeignTarget"
    FOLLOWS_BASE = "FollowsBase"
    MANUAL_CHANGE = "ManualChange"
    REMOVAL_ALLOWANCE = "RemovalAllowance"


class Notice(StrEnum):
    """What a person must know; published to the notification topic."""

    SHORTAGE = "Shortage"
    CAPACITY_NOT_OBTAINED = "CapacityNotObtained"
    COMPONENT_FAILED = "ComponentFailed"
    COMPONENT_MISSING = "ComponentMissing"
    FOREIGN_TARGET = "ForeignTarget"
    MANUAL_CHANGE = "ManualChange"
    GROUP_INCOMPLETE = "GroupIncomplete"
    BLIND = "Blind"
    METRICS_VANISHED = "MetricsVanished"
    REFUSED_BY_AWS = "RefusedByAws"
    MANAGED_SCALING_DRIFT = "ManagedScalingDrift"
    START_UP_DRIFT = "StartUpDrift"
    OBJECTIVE_UNREACHABLE = "ObjectiveUnreachable"
    OBJECTIVE_MISSED = "ObjectiveMissed"
