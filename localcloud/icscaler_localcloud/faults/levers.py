"""Every fault switch by its name, with settings as text or JSON: what a served cloud is steered by.

The names are those of the methods of `Faults` and `PhysicsFaults`; so are the settings.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from icscaler_localcloud.faults import FOREVER, Faults, Lane, Timekeeper
from icscaler_localcloud.faults.calls import CallFaults
from icscaler_localcloud.faults.clocks import ClockFaults
from icscaler_localcloud.faults.deliveries import DeliveryFaults
from icscaler_localcloud.faults.functions import FunctionFaults
from icscaler_localcloud.faults.metrics import MetricFaults, SeriesStatus
from icscaler_localcloud.faults.physics import PhysicsFaults
from icscaler_localcloud.faults.switch import Switch
from icscaler_sim.world.specs import Refusal

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

_QUESTIONS = {"struck", "arrivals", "delete_is_forgotten", "troubled", "spoiled", "skew_s", "clear"}
"""Public methods that the cloud asks with, or that take everything off."""


class LeverError(Exception):
    """No such switch, or settings that it does not take."""


@dataclass(frozen=True, slots=True)
class _On:
    name: str
    settings: Mapping[str, Any]
    switch: Switch | None


class Levers:
    """The fault switches of one cloud."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._on: list[_On] = []

    def put_on(
        self, name: Any, given: Sequence[Any] = (), settings: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Put a switch on; its settings as understood. `given` fills them in their order."""
        found = _SWITCHES.get(str(name))
        if found is None:
            raise LeverError(f"fault is {name!r}, not one of {', '.join(_SWITCHES)}")
        understood = _understood(str(name), found, given, settings or {})
        owner: Any = (
            PhysicsFaults(self._cloud.world)
            if hasattr(PhysicsFaults, str(name))
            else self._cloud.faults
        )
        try:
            switch = getattr(owner, str(name))(**understood)
        except Refusal as refusal:
            raise LeverError(f"{name}: {refusal.message}") from None
        except ValueError as wrong:
            raise LeverError(f"{name}: {wrong}") from None
        self._on.append(_On(str(name), understood, switch))
        return understood

    def on(self) -> list[dict[str, Any]]:
        """What was put on and may still strike; `hits` where strikes are counted."""
        self._on = [one for one in self._on if one.switch is None or one.switch.on]
        return [
            {
                "fault": one.name,
                **one.settings,
                **({"hits": one.switch.hits} if one.switch is not None else {}),
            }
            for one in self._on
        ]

    def clear(self) -> None:
        """Take everything off; what is lost stays lost."""
        self._cloud.faults.clear()
        self._cloud.world.faults.clear()
        self._on.clear()


def catalogue() -> list[dict[str, str]]:
    """Every switch: its name, its settings, what it does."""
    return [
        {
            "fault": name,
            "settings": " ".join(_shown(one) for one in _settings(found).values()),
            "does": (inspect.getdoc(found) or "").partition("\n\n")[0].replace("\n", " "),
        }
        for name, found in _SWITCHES.items()
    ]


def _switches() -> dict[str, Callable[..., Any]]:
    owners = (CallFaults, DeliveryFaults, FunctionFaults, ClockFaults, MetricFaults, PhysicsFaults)
    return {
        name: getattr(Faults if owner is not PhysicsFaults else owner, name)
        for owner in owners
        for name, method in vars(owner).items()
        if inspect.isfunction(method) and not name.startswith("_") and name not in _QUESTIONS
    }


_SWITCHES = _switches()
_CHOICES = {"Lane": [*Lane], "Timekeeper": [*Timekeeper], "SeriesStatus": get_args(SeriesStatus)}


def _settings(switch: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return {k: v for k, v in inspect.signature(switch).parameters.items() if k != "self"}


def _shown(setting: inspect.Parameter) -> str:
    optional = setting.default is not inspect.Parameter.empty
    default = "" if setting.default in (inspect.Parameter.empty, None) else setting.default
    text = f"{setting.name}={default}" if default != "" else setting.name
    return f"[{text}]" if optional else text


def _understood(
    name: str, switch: Callable[..., Any], given: Sequence[Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    known = _settings(switch)
    if len(given) > len(known):
        raise LeverError(f"{name} has only {len(known)} settings: {', '.join(known)}")
    understood = dict(zip(known, given, strict=False))
    twice = understood.keys() & settings.keys()
    unknown = settings.keys() - known.keys()
    if twice or unknown:
        what = f"{sorted(twice)[0]} is given twice" if twice else f"no setting {sorted(unknown)[0]}"
        raise LeverError(f"{name}: {what}; it has {', '.join(known)}")
    understood |= settings
    missing = [
        key
        for key, setting in known.items()
        if setting.default is inspect.Parameter.empty and key not in understood
    ]
    if missing:
        raise LeverError(f"{name} needs {', '.join(missing)}")
    return {key: _value(name, known[key], value) for key, value in understood.items()}


def _value(name: str, setting: inspect.Parameter, value: Any) -> Any:
    """A value of the setting's type; text is read as a number where one is wanted."""
    kind = str(setting.annotation)
    if setting.name == "times" and value == "forever":
        return FOREVER
    choices = next((names for word, names in _CHOICES.items() if word in kind), None)
    if choices is not None:
        if value not in choices:
            raise LeverError(
                f"{name}: {setting.name} is {value!r}, not one of {', '.join(choices)}"
            )
        return value
    wanted: type[float] | type[int] | type[str]
    wanted = float if "float" in kind else int if "int" in kind else str
    if value is None and "None" in kind:
        return None
    try:
        if wanted is str:
            if not isinstance(value, str):
                raise ValueError(value)
            return value
        number = wanted(value)
        if isinstance(value, bool) or number != float(value) or number != number:
            raise ValueError(value)
    except (TypeError, ValueError, OverflowError):
        words = {float: "a number", int: "a whole number", str: "text"}[wanted]
        raise LeverError(f"{name}: {setting.name} is {value!r}, not {words}") from None
    if setting.name in ("times", "nth", "count", "per_s", "factor") and number < (
        0 if setting.name == "count" else 1e-9
    ):
        raise LeverError(f"{name}: {setting.name} is {value!r}, which is too small")
    return number
