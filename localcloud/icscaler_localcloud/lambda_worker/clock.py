"""The cloud's time in eight bytes of memory that it shares with its worker processes."""

from __future__ import annotations

import mmap
import struct

_FORMAT = struct.Struct("=d")


class SharedClock:
    """Written by the cloud, read by workers. The file behind it has no name and ends with us."""

    def __init__(self, now_s: float) -> None:
        import tempfile  # workers import this module too, and do without

        self._file = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close())
        self._file.write(_FORMAT.pack(now_s))
        self._file.flush()
        self._memory = mmap.mmap(self._file.fileno(), _FORMAT.size)

    @property
    def fd(self) -> int:
        """To be inherited by workers."""
        return self._file.fileno()

    def set(self, now_s: float) -> None:
        """Tell every worker the time."""
        _FORMAT.pack_into(self._memory, 0, now_s)

    def close(self) -> None:
        """Workers that still run keep the last time."""
        self._memory.close()
        self._file.close()


class ClockReader:
    """A worker's view of the clock behind an inherited file descriptor."""

    def __init__(self, fd: int) -> None:
        self._memory = mmap.mmap(fd, _FORMAT.size, access=mmap.ACCESS_READ)

    def now_s(self) -> float:
        """Now, in epoch seconds."""
        now_s: float = _FORMAT.unpack_from(self._memory, 0)[0]
        return now_s
