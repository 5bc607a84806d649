"""What instances cost: a dated table that ships with the product and can be replaced by a file."""

import json
import math
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any

_SHIPPED = "prices.json"
_HINT = "docs/traces.md shows the format; a shipped table is used when none is named"


class PriceTableError(ValueError):
    """A price table that cannot be used: which file and entry, what is wrong, what to do."""

    def __init__(self, source: str, problem: str) -> None:
        super().__init__(f"{source}: {problem}. {_HINT}")


@dataclass(frozen=True, slots=True)
class InstanceType:
    """One instance type. `estimated`: the price was derived, not found in a price list.

    `memory_bandwidth_gb_per_s`: of one GPU, which bounds how fast it generates; None: not given.
    """

    name: str
    gpus: int
    gpu: str
    gpu_memory_gb: float
    usd_per_hour: float
    estimated: bool = False
    memory_bandwidth_gb_per_s: float | None = None

    def copies(self, gpus_per_copy: int) -> int:
        """How many copies fit: a copy needs all its GPUs on one instance."""
        return self.gpus // gpus_per_copy

    def fits(self, gpus_per_copy: int, gpu_memory_gb: float) -> bool:
        """Whether a copy that needs this much memory on each of its GPUs could run here."""
        return self.gpus >= gpus_per_copy and self.gpu_memory_gb >= gpu_memory_gb


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices per instance-hour on one day. `types` in the order of the file."""

    as_of: date
    region: str
    source: str
    notes: tuple[str, ...]
    types: tuple[InstanceType, ...]

    def get(self, name: str) -> InstanceType:
        """Raises `KeyError` with the names it has."""
        for kind in self.types:
            if kind.name == name:
                return kind
        raise KeyError(f"no price for {name}; known: {', '.join(k.name for k in self.types)}")

    def fitting(self, gpus_per_copy: int, gpu_memory_gb: float) -> tuple[InstanceType, ...]:
        """Every type that could host such a copy, cheapest instance first."""
        fit = [kind for kind in self.types if kind.fits(gpus_per_copy, gpu_memory_gb)]
        return tuple(sorted(fit, key=lambda kind: (kind.usd_per_hour, kind.name)))


def load_prices(path: Path | None = None) -> PriceTable:
    """The table in `path`, or the shipped one. Raises `PriceTableError`."""
    source = str(path) if path else _SHIPPED
    try:
        text = path.read_text("utf-8") if path else files(__package__).joinpath(source).read_text()
        document = json.loads(text)
    except OSError as error:
        raise PriceTableError(source, f"cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise PriceTableError(source, f"not JSON ({error})") from error
    return _table(source, document)


def _table(source: str, document: Any) -> PriceTable:
    if not isinstance(document, dict):
        raise PriceTableError(source, "the file must hold one JSON object")
    rows = document.get("instance_types")
    if not isinstance(rows, list) or not rows:
        raise PriceTableError(source, "'instance_types' must be a list that is not empty")
    try:
        as_of = date.fromisoformat(str(document.get("as_of")))
    except ValueError:
        raise PriceTableError(source, "'as_of' must be a date like 2026-09-01") from None
    types = tuple(_instance_type(source, place, row) for place, row in enumerate(rows))
    names = [kind.name for kind in types]
    for name in names:
        if names.count(name) > 1:
            raise PriceTableError(source, f"'{name}' has two prices")
    return PriceTable(
        as_of=as_of,
        region=str(document.get("region", "")),
        source=str(document.get("source", "")),
        notes=tuple(str(note) for note in document.get("notes", ())),
        types=types,
    )


def _instance_type(source: str, place: int, row: Any) -> InstanceType:
    where = f"instance_types[{place}]"
    if not isinstance(row, dict):
        raise PriceTableError(source, f"{where} must be an object")
    name = row.get("name")
    if not isinstance(name, str) or not name.startswith("ml."):
        raise PriceTableError(source, f"{where}: 'name' must be an ml. instance type, not {name!r}")
    numbers = {
        key: _positive(source, f"{where} ({name}): '{key}'", row.get(key))
        for key in ("gpus", "gpu_memory_gb", "usd_per_hour")
    }
    bandwidth = row.get("memory_bandwidth_gb_per_s")
    if bandwidth is not None:
        place_text = f"{where} ({name}): 'memory_bandwidth_gb_per_s'"
        bandwidth = _positive(source, place_text, bandwidth)
    if not numbers["gpus"].is_integer():
        raise PriceTableError(source, f"{where} ({name}): 'gpus' must be a whole number")
    return InstanceType(
        name=name,
        gpus=int(numbers["gpus"]),
        gpu=str(row.get("gpu", "")),
        gpu_memory_gb=numbers["gpu_memory_gb"],
        usd_per_hour=numbers["usd_per_hour"],
        estimated=bool(row.get("estimated", False)),
        memory_bandwidth_gb_per_s=bandwidth,
    )


def _positive(source: str, what: str, value: object) -> float:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not usable or not math.isfinite(number := float(str(value))) or number <= 0:
        raise PriceTableError(source, f"{what} must be a number above 0")
    return number
