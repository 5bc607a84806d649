"""Functions that are refused or start cold. (What kills them is a fault of their calls.)"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from icscaler_localcloud.faults.switch import Switch, Switchboard


class Trouble(Enum):
    """What happens to an invocation."""

    THROTTLED = auto()
    COLD = auto()


@dataclass(slots=True, kw_only=True)
class FunctionSwitch(Switch):
    """A fault of a function's invocations, of anybody's if `function` is None."""

    trouble: Trouble
    function: str | None


class FunctionFaults(Switchboard):
    """The switches of invocations. `function`: a physical name or a logical id; None: every one."""

    def throttle_function(
        self, function: str | None = None, *, times: int = 1, chance: float = 1.0
    ) -> Switch:
        """No concurrency is left: the next `times` invocations are refused."""
        return self._invocation(Trouble.THROTTLED, function, times, chance)

    def start_cold(
        self, function: str | None = None, *, times: int = 1, chance: float = 1.0
    ) -> Switch:
        """All warm execution environments are gone before each of the next `times` invocations."""
        return self._invocation(Trouble.COLD, function, times, chance)

    def troubled(self, trouble: Trouble, *names: str) -> bool:
        """Does a switch strike this invocation of the function of these names?"""
        return any(
            switch.trouble is trouble
            and (switch.function is None or switch.function in names)
            and switch.strikes()
            for switch in self._of(FunctionSwitch)
        )

    def _invocation(
        self, trouble: Trouble, function: str | None, times: int, chance: float
    ) -> FunctionSwitch:
        switch = FunctionSwitch(
            trouble=trouble, function=function, times=times, chance=chance, draws=self._draws()
        )
        return self._add(switch)
