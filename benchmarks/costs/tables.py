"""The tables of docs/costs.md."""

from collections.abc import Iterator, Sequence

from benchmarks.costs.bill import Line, Prices, bill, total
from benchmarks.costs.count import Counts


def cost_table(counted: Sequence[Counts], prices: Prices) -> Iterator[str]:
    """Dollars a month by service, one column for each size."""
    bills = [bill(counts, prices) for counts in counted]
    yield "| a month, $ | " + " | ".join(f"{each.models:,} models" for each in counted) + " |"
    yield "|---|" + "---:|" * len(counted)
    for service in dict.fromkeys(price.service for price in prices.prices.values()):
        if any(line.service == service for lines in bills for line in lines):
            yield _row(service, [f"{_of(lines, service):,.2f}" for lines in bills])
    yield _row("**together**", [f"**{total(lines):,.2f}**" for lines in bills])
    each = [total(lines) / one.models for lines, one in zip(bills, counted, strict=True)]
    yield _row("**per model**", [f"**{usd:.2f}**" for usd in each])


def fleet_table(counted: Sequence[Counts]) -> Iterator[str]:
    """What was played, and what the looks read."""
    yield "| played | " + " | ".join(f"{each.models:,} models" for each in counted) + " |"
    yield "|---|" + "---:|" * len(counted)
    yield _row("endpoints", [f"{one.endpoints:,}" for one in counted])
    yield _row("minutes counted", [f"{one.minutes:,}" for one in counted])
    shown = {
        "models called in a minute": "active_fraction",
        "models with copies": "loaded_fraction",
    }
    for label, key in shown.items():
        yield _row(label, [f"{100 * one.about[key]:.0f} %" for one in counted])
    yield _row(
        "series read a model and minute",
        [f"{one.about['series_per_model_minute']:.2f}" for one in counted],
    )


_CALLS = {
    "endpoints described": "sagemaker DescribeEndpoint",
    "pages of components listed": "sagemaker ListInferenceComponents",
    "components described": "sagemaker DescribeInferenceComponent",
    "copy counts set": "sagemaker UpdateInferenceComponentRuntimeConfig",
    "batches of series read": "cloudwatch GetMetricData",
    "batches of looks queued": "sqs SendMessageBatch",
    "table reads": "dynamodb Query",
}


def scale_table(counted: Sequence[Counts]) -> Iterator[str]:
    """What one minute of the whole fleet takes: CPU time, and calls by kind."""
    yield "| in a minute | " + " | ".join(f"{each.models:,} models" for each in counted) + " |"
    yield "|---|" + "---:|" * len(counted)
    cpu = [one.flows["cpu_gb_s"] / one.minutes for one in counted]
    yield _row("CPU seconds of all functions", [f"{seconds:.2f}" for seconds in cpu])
    series = [one.flows["metrics_requested"] / one.minutes for one in counted]
    yield _row("series read", [f"{each:,.0f}" for each in series])
    for label, call in _CALLS.items():
        made = [one.about.get(f"calls {call}", 0) / one.minutes for one in counted]
        yield _row(label, [f"{each:,.1f}" for each in made])
    failed = [one.about["failed_invocations"] for one in counted]
    yield _row("failed invocations in all", [f"{each:.0f}" for each in failed])


def price_table(prices: Prices) -> Iterator[str]:
    """Every price with its source."""
    yield "| what | $ | per | source |"
    yield "|---|---:|---:|---|"
    for unit, price in prices.prices.items():
        yield f"| {unit.replace('_', ' ')} | {price.usd:g} | {price.per:,.0f} | {price.source} |"


def _of(lines: Sequence[Line], service: str) -> float:
    return sum(line.usd for line in lines if line.service == service)


def _row(label: str, cells: Sequence[str]) -> str:
    return f"| {label} | " + " | ".join(cells) + " |"
