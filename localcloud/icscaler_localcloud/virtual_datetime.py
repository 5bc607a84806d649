"""`datetime` on the virtual clock, for modules that belong to one execution environment.

`datetime.now` is C code that no patch of `time` reaches, so modules of an environment that hold
the `datetime` module or class get a stand-in. It is put in after they are imported, never into
`sys.modules`: a third-party module imported on the way must not keep a stand-in for good.
"""

from __future__ import annotations

import datetime as real
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

# Kept by name, because a worker process replaces the class in the datetime module itself.
_RealDatetime = real.datetime


class _AnyDatetime(type):
    """Real datetimes are instances of the stand-in too."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _RealDatetime)


class VirtualDatetime:
    """Makes the stand-ins that read one clock, and puts them into modules."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        class VirtualTime(_RealDatetime, metaclass=_AnyDatetime):
            @classmethod
            def now(cls, tz: real.tzinfo | None = None) -> Any:
                return _RealDatetime.fromtimestamp(now_s(), tz)

            @classmethod
            def utcnow(cls) -> Any:
                return _RealDatetime.fromtimestamp(now_s(), real.UTC).replace(tzinfo=None)

            @classmethod
            def today(cls) -> Any:
                return _RealDatetime.fromtimestamp(now_s())

        self._class = VirtualTime
        self._module = ModuleType("datetime", real.__doc__)
        self._module.__dict__.update({k: v for k, v in vars(real).items() if k != "datetime"})
        self._module.__dict__["datetime"] = VirtualTime

    def install(self, modules: Iterable[ModuleType]) -> None:
        """Replace the datetime module and class wherever a module holds one, by any name."""
        for module in modules:
            for name, held in list(vars(module).items()):
                if held is real:
                    setattr(module, name, self._module)
                elif held is _RealDatetime:
                    setattr(module, name, self._class)
