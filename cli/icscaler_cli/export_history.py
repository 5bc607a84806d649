"""`icscaler export-history`: a fleet's past traffic from CloudWatch, as a trace to replay."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from icscaler.entities import EndpointConfig, ModelConfig
from icscaler_cli import clock
from icscaler_cli.aws import Place, explained
from icscaler_cli.exporting.series import RETENTION_DAYS, USD_PER_SERIES, History, Source
from icscaler_cli.options import Models, Profile, Region, StackName, TableName, place_of
from icscaler_cli.output import AwsTroubleError, ExitCode, number, reported_failures, say
from icscaler_cli.switching import refuse_unknown

DAY_S = 86_400
SETTLED_S = 300
"""CloudWatch minutes fill up for a few minutes; what is younger is left for another time."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command("export-history")
def export_history(
    out: Annotated[
        Path, typer.Argument(metavar="FILE", help="The trace, like history_60s.csv.gz.")
    ],
    fleet: Annotated[
        Path | None,
        typer.Option(
            "--fleet",
            metavar="FILE",
            help="Export this fleet file's models. Default: those of the published fleet.",
        ),
    ] = None,
    models: Models = None,
    days: Annotated[
        int, typer.Option("--days", min=1, max=455, help="Begin at midnight (UTC) so long ago.")
    ] = 7,
    width_s: Annotated[int, typer.Option("--width", help="Seconds a bin: 60, 300 or 3600.")] = 60,
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Export the requests of a fleet's models from CloudWatch as a trace, and what copies used.

    Only reads. An export that was interrupted goes on where it stood when it is run again.
    """
    from icscaler_cli.exporting.parts import Plan

    place = place_of(table, stack, region, profile)
    _refuse_width(width_s, days)
    with reported_failures():
        endpoints, session = _fleet(fleet, place)
        wanted = _wanted(endpoints, models or [])
        end_s = int(clock.now_s() - SETTLED_S) // width_s * width_s
        start_s = (int(clock.now_s()) // DAY_S - days) * DAY_S
        plan = Plan(tuple(sorted(wanted)), start_s, end_s, width_s)
        with _writable(out), explained(place):
            _export(out, plan, wanted, endpoints, session)


def _refuse_width(width_s: int, days: int) -> None:
    if width_s not in RETENTION_DAYS:
        say(f"error: --width {width_s} is not 60, 300 or 3600", "bold red")
        raise typer.Exit(ExitCode.USAGE)
    kept = RETENTION_DAYS[width_s]
    if days > kept - 1:
        wider = next((w for w, most in RETENTION_DAYS.items() if days <= most - 1), None)
        say(
            f"error: CloudWatch keeps bins of {width_s} s for {kept} days, which reach back to "
            f"{kept - 1} whole ones",
            "bold red",
        )
        say(f"    take at most --days {kept - 1}" + (f", or --width {wider}" if wider else ""))
        raise typer.Exit(ExitCode.USAGE)


def _fleet(file: Path | None, place: Place) -> tuple[dict[str, EndpointConfig], Any]:
    """The endpoints whose models are exported, and a boto3 session. A fleet file needs no stack."""
    if file is None:
        from icscaler_cli.controller import open_controller

        controller = open_controller(place)
        with explained(place):
            return controller.fleet().endpoints, controller.session
    import boto3

    from icscaler.config.compile import compile_fleet
    from icscaler.config.load import load_fleet

    compiled = compile_fleet(load_fleet(file))
    with explained(place):
        return compiled.endpoints, boto3.Session(
            profile_name=place.profile, region_name=place.region
        )


def _wanted(endpoints: dict[str, EndpointConfig], names: Sequence[str]) -> dict[str, ModelConfig]:
    """The models to export by name. Ends the command for unknown ones and for none at all."""
    from icscaler_cli.controller import Fleet

    refuse_unknown(Fleet(None, endpoints), [], names)
    every = {name: model for one in endpoints.values() for name, model in one.models.items()}
    wanted = {name: model for name, model in every.items() if not names or name in names}
    if not wanted:
        raise AwsTroubleError(
            "nothing is published, so there is no model to export",
            "name a fleet file with --fleet, or publish one with `icscaler fleet publish`",
        )
    return wanted


def _export(
    out: Path,
    plan: Any,
    wanted: dict[str, ModelConfig],
    endpoints: dict[str, EndpointConfig],
    session: Any,
) -> None:
    from botocore.config import Config

    from icscaler_cli.exporting import trace
    from icscaler_cli.exporting.parts import Parts
    from icscaler_cli.exporting.reserved import measured, reserved_of
    from icscaler_cli.exporting.series import read_span, sources

    homes = {name: one.name for one in endpoints.values() for name in one.models if name in wanted}
    variants = sorted({(homes[name], model.variant) for name, model in wanted.items()})
    alone = {n: (homes[n], m.variant) for n, m in wanted.items() if m.kind == "variant"}
    own = [name for name, model in wanted.items() if model.adapter_of is None]
    every = sources(sorted(wanted), variants, alone, own)
    parts = Parts(out)
    plan = parts.open(plan)
    patient = Config(retries={"mode": "standard", "total_max_attempts": 10}, read_timeout=60)
    cloudwatch = session.client("cloudwatch", config=patient)
    history = _read(
        plan.spans,
        parts,
        lambda span: read_span(cloudwatch, every, span[0], span[1], plan.width_s),
        every,
    )
    if not any(count for bins in history.requests.values() for count in bins.values()):
        parts.remove()
        _refuse_nothing(plan, history)
    reserved, trouble = reserved_of(session.client("sagemaker", config=patient), wanted, endpoints)
    gpus = {name: model.resources.gpus for name, model in wanted.items()}
    uses = list(measured(history.used, reserved, plan.width_s))
    written = trace.write(out, plan, history, gpus, homes, uses)
    parts.remove()
    _tell(plan, written, len(wanted))
    _tell_use(written, {one.model for one in uses}, own, trouble)


def _read(
    spans: list[tuple[int, int]],
    parts: Any,
    read: Callable[[tuple[int, int]], History],
    every: Sequence[Source],
) -> History:
    history = History()
    kept = [parts.read(span) for span in spans]
    left = kept.count(None)
    usd = left * len(every) * USD_PER_SERIES
    say(
        f"Reading {len(every)} series in {left} of {number(len(spans), 'span')}; "
        f"CloudWatch charges about ${usd:.2f}."
    )
    for count, (span, found) in enumerate(zip(spans, kept, strict=True), start=1):
        if found is None:
            found = read(span)
            parts.keep(span, found)
            requests = sum(sum(bins.values()) for bins in found.requests.values())
            say(f"  {count}/{len(spans)} from {_time(span[0])}: {number(requests, 'request')}")
        history.add(found)
    return history


def _refuse_nothing(plan: Any, history: History) -> None:
    period = f"{_time(plan.start_s)} to {_time(plan.end_s)}"
    what = "metrics of these models, but no request" if history.heard else "nothing at all of them"
    raise AwsTroubleError(
        f"CloudWatch has {what} from {period}",
        "check --region, the names and --days; nothing was written",
    )


def _tell(plan: Any, written: Any, models: int) -> None:
    say(
        f"{written.trace}: {number(written.requests, 'request')} of {written.called} of "
        f"{number(models, 'model')}, from {_time(plan.start_s)} to {_time(plan.end_s)}.",
        "bold green",
    )
    say(f"{written.models}: every model, called or not")
    if written.gaps is not None:
        say(
            f"{written.gaps}: spans in which CloudWatch has nothing of any model or endpoint, "
            f"{written.gap_s / 3600:.1f} hours together: holes in the record, or no instance there",
            "yellow",
        )


def _tell_use(written: Any, measured: set[str], models: Sequence[str], trouble: str) -> None:
    """What became of CPU, memory and GPU use."""
    if written.usage is None:
        say("CloudWatch has nothing of what copies used of their CPU, memory and GPUs.", "yellow")
        return
    say(f"{written.usage}: what copies used of what they reserve, {number(len(measured), 'model')}")
    missing = sorted(set(models) - measured)
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        say(f"Not measured, as no copy was there: {', '.join(missing[:5])}{more}", "yellow")
    if trouble:
        say(
            f"What a copy reserves could not be read of all ({trouble}): of those only percent are "
            "known. Allow sagemaker:DescribeInferenceComponent and check the names.",
            "yellow",
        )


@contextmanager
def _writable(out: Path) -> Iterator[None]:
    """Turn what the file system raises into words of use."""
    try:
        yield
    except OSError as error:
        raise AwsTroubleError(
            f"cannot write {out}: {error.strerror or error}",
            "name a file in a folder that can be written to",
        ) from error


def _time(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
