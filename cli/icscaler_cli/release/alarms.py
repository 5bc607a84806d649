"""The alarms that the `alarms` function has made at run time, which no stack deletion removes."""

from collections.abc import Collection
from typing import Any

from icscaler.alarm_plan import SPIKE
from icscaler_cli.controller import Controller

PREFIX_OUTPUT = "AlarmPrefix"
# CloudFormation never makes up a name with a slash, so nobody else's alarm begins like ours.
PREFIX_END = "/"


def prefix_of(controller: Controller, given: str | None) -> str | None:
    """What the names of the controller's alarms begin with; None where nobody knows."""
    return given or controller.outputs.get(PREFIX_OUTPUT)


def made_at_run_time(
    cloudwatch: Any, prefix: str, models: Collection[str] | None
) -> tuple[str, ...]:
    """Names of spike alarms that exist: of these models, or of all (None). Raises `PortError`."""
    from icscaler.adapters.alarms import CloudWatchAlarms

    start = f"{prefix}{SPIKE}"
    found = CloudWatchAlarms(cloudwatch).find(start)
    ours = (name for name in found if name.startswith(start))
    return tuple(sorted(n for n in ours if models is None or n.removeprefix(start) in models))


def remove(cloudwatch: Any, names: tuple[str, ...]) -> None:
    """Delete them at the pace that CloudWatch allows. Raises `PortError`."""
    from icscaler.adapters.alarms import CloudWatchAlarms

    CloudWatchAlarms(cloudwatch).delete(names)
