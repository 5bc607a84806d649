"""Giving scalable targets back to Application Auto Scaling, as `icscaler adopt` found them."""

from collections.abc import Collection
from typing import Any

from icscaler.adapters.dynamodb import DynamoStateStore
from icscaler.ports import Takeover
from icscaler_cli.output import say


def taken_over(store: DynamoStateStore, models: Collection[str] | None) -> list[Takeover]:
    """Those of these models, or all (None), whatever the fleet file has become meanwhile."""
    found = store.takeovers()
    return [one for name, one in sorted(found.items()) if models is None or name in models]


def give_back(store: DynamoStateStore, client: Any, takeovers: Collection[Takeover]) -> None:
    """Restore each, then forget it; a run that died in between restores it once more."""
    from icscaler.adapters.scaling_targets import ScalingTargets

    targets = ScalingTargets(client)
    registered = targets.find((one.resource_id, one.dimension) for one in takeovers)
    for one in takeovers:
        if one.resource_id in registered:
            targets.give_back(one)
            say(f"{one.model} was given back to Application Auto Scaling.")
        else:
            say(f"{one.model} has no scalable target any more: nothing to give back.", "yellow")
        store.forget_takeover(one.model)
