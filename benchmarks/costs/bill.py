"""Counts times prices: what a month costs. Pure, apart from reading the price file."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.costs.count import GB, Counts

SHIPPED = Path(__file__).with_name("prices.json")


class PriceFileError(ValueError):
    """A price file that cannot be used: which file and key, what is wrong."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for `per` units of something, where that was read, and on whose bill it stands."""

    usd: float
    per: float
    service: str
    source: str


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices of one day in one Region, and what is assumed about what cannot be counted here."""

    as_of: date
    region: str
    notes: tuple[str, ...]
    prices: Mapping[str, Price]
    hours_per_month: float
    record_retention_days: float
    idle_polls_per_minute: float
    vcpu_share: float
    call_ms: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One unit on the bill: how many a month, and for how much."""

    unit: str
    service: str
    quantity: float
    usd: float


def load_prices(path: Path = SHIPPED) -> Prices:
    """Raises `PriceFileError`, naming file and key."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise PriceFileError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise PriceFileError(f"{path}: not JSON ({error})") from error
    try:
        assumed = document["assumptions"]
        return Prices(
            as_of=date.fromisoformat(document["as_of"]),
            region=str(document["region"]),
            notes=tuple(document["notes"]),
            prices={unit: _price(path, unit, row) for unit, row in document["prices"].items()},
            **assumed,
        )
    except KeyError as error:
        raise PriceFileError(f"{path}: {error} is missing; see {SHIPPED.name}") from error
    except (TypeError, AttributeError) as error:
        raise PriceFileError(f"{path}: {error}; see {SHIPPED.name}") from error
    except ValueError as error:
        raise PriceFileError(f"{path}: {error}") from error


def _price(path: Path, unit: str, row: Mapping[str, Any]) -> Price:
    price = Price(float(row["usd"]), float(row["per"]), str(row["service"]), str(row["source"]))
    if not (math.isfinite(price.usd) and price.usd >= 0 and price.per > 0):
        raise PriceFileError(f"{path}: {unit}: 'usd' must be 0 or more, 'per' above 0")
    return price


def bill(counts: Counts, prices: Prices) -> list[Line]:
    """A line for each unit, in the order of the price file. Raises `KeyError` for one unpriced."""
    monthly = quantities(counts, prices)
    if unpriced := sorted(monthly.keys() - prices.prices.keys()):
        raise KeyError(f"no price for {', '.join(unpriced)}")
    return [
        Line(unit, price.service, monthly[unit], monthly[unit] / price.per * price.usd)
        for unit, price in prices.prices.items()
        if monthly.get(unit)
    ]


def quantities(counts: Counts, prices: Prices) -> dict[str, float]:
    """Units a month: what flows by the hours of a month, what is there as it is."""
    factor = prices.hours_per_month * 60 / counts.minutes
    monthly = {unit: factor * amount for unit, amount in counts.flows.items()}
    monthly["sqs_requests"] = monthly.get("sqs_requests", 0.0) + (
        prices.idle_polls_per_minute * 60 * prices.hours_per_month
    )
    waits_s = math.fsum(
        calls * prices.call_ms.get(service, prices.call_ms["other"]) / 1000
        for service, calls in counts.waits.items()
    )
    cpu_s = monthly.pop("cpu_gb_s", 0.0) * prices.vcpu_share
    monthly["lambda_gb_s"] = cpu_s + factor * waits_s
    # Records and snapshots expire: what lies there is what was written within their retention.
    hours = 24 * prices.record_retention_days / prices.hours_per_month
    monthly["stored_gb"] = monthly.pop("record_bytes", 0.0) * hours / GB
    return monthly | counts.stocks


def total(lines: list[Line]) -> float:
    """US dollars a month."""
    return math.fsum(line.usd for line in lines)
