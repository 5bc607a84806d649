"""The `icscaler compare` command: options in, exit code out."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from icscaler.entities import EndpointConfig, VariantConfig
from icscaler_cli import clock
from icscaler_cli.aws import explained
from icscaler_cli.compare.ran import Ran, ran, refused_of
from icscaler_cli.compare.view import Compared, Row, as_dict, table, told
from icscaler_cli.controller import Controller, Fleet, open_controller
from icscaler_cli.moments import FORMS, iso, moment, utc
from icscaler_cli.options import (
    Endpoints,
    Json,
    Profile,
    Region,
    StackName,
    TableName,
    place_of,
)
from icscaler_cli.output import (
    AwsTroubleError,
    ExitCode,
    console,
    number,
    print_json,
    reported_failures,
    say,
)
from icscaler_cli.switching import refuse_unknown

if TYPE_CHECKING:
    from icscaler_cli.exporting.parts import Plan
    from icscaler_cli.exporting.series import History
    from icscaler_sim.pricing import PriceTable
    from icscaler_sim.scoring import Score

DAY_S = 86_400
STEP_S = 600
SETTLED_S = 900
KEPT_S = 15 * DAY_S
MOST_BACK_S = 400 * DAY_S

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def compare(
    from_: Annotated[
        str, typer.Option("--from", metavar="TIME", help=f"Default: 3d. {FORMS}")
    ] = "3d",
    to: Annotated[str, typer.Option("--to", metavar="TIME", help="Default: now.")] = "0s",
    warm_up: Annotated[
        str,
        typer.Option(
            "--warm-up", metavar="SPAN", help="How long to learn before --from. Default: 1d."
        ),
    ] = "1d",
    endpoint: Endpoints = None,
    table_: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
    as_json: Json = False,
) -> None:
    """Say what icscaler would have saved and lost against what ran, after some days of observing.

    Reads the copies that ran from the state table and the requests from CloudWatch, and replays
    them in the simulator. Only reads.
    """
    place = place_of(table_, stack, region, profile)
    since, until, before = moment(from_, "--from"), moment(to, "--to"), moment(warm_up, "--warm-up")
    with reported_failures():
        controller = open_controller(place)
        now_s = clock.now_s()
        from_s = since.at_s(now_s) // STEP_S * STEP_S
        to_s = min(until.at_s(now_s), int(now_s) - SETTLED_S) // STEP_S * STEP_S
        warm_s = (int(now_s) - before.at_s(now_s)) // STEP_S * STEP_S
        _refuse_period(from_s, to_s, warm_s, now_s)
        with explained(place):
            fleet = controller.fleet()
            refuse_unknown(fleet, endpoint or [], [])
            found = _compared(controller, fleet, endpoint or [], (from_s, to_s), warm_s)
    if as_json:
        print_json(as_dict(found, iso(from_s) or "", iso(to_s) or ""))
        return
    say(f"{place}, {utc(from_s)} to {utc(to_s)} UTC", "bold")
    console().print(table(found.rows))
    for line, style in told(found):
        say(line, style)


def _refuse_period(from_s: int, to_s: int, warm_s: int, now_s: float) -> None:
    problem = ""
    if to_s - from_s < STEP_S:
        problem = "--from to --to is less than ten minutes (the last fifteen are not settled yet)"
    elif from_s - warm_s < now_s - KEPT_S:
        problem = "CloudWatch keeps minutes for 15 days, --warm-up before --from included"
    if problem:
        say(f"error: {problem}", "bold red")
        raise typer.Exit(ExitCode.USAGE)


def _compared(
    controller: Controller,
    fleet: Fleet,
    endpoints: list[str],
    period_s: tuple[int, int],
    warm_s: int,
) -> Compared:
    from icscaler_cli.compare.replay import played_of, replayed
    from icscaler_cli.exporting.parts import Plan
    from icscaler_sim.simulate import SimulationError, bases_of

    chosen = {n: c for n, c in fleet.endpoints.items() if not endpoints or n in endpoints}
    played = played_of(chosen)
    if not played:
        raise AwsTroubleError(
            "there is nothing to compare: no model with GPUs is published"
            + (f" on {', '.join(endpoints)}" if endpoints else ""),
            "name other endpoints" if endpoints else "begin with `icscaler fleet publish FILE`",
        )
    models = {model for config in played.values() for model in config.models}
    bases = {base: adapters for base, adapters in bases_of(chosen).items() if base in models}
    ran_by = {
        model: found
        for name, config in played.items()
        for model, found in _ran(controller, name, config, period_s).items()
    }
    if not any(one.known_s for one in ran_by.values()):
        raise AwsTroubleError(
            "no look saw these models in that time, so what ran is not known",
            "name a later --from; `icscaler status` says when endpoints were looked at",
        )
    asked = models.union(*bases.values())
    plan = Plan(tuple(sorted(asked)), period_s[0] - warm_s, period_s[1], 60)
    history = _history(controller, played, plan)
    try:
        score = replayed(played, bases, plan, history, warm_s)
    except SimulationError as error:
        raise AwsTroubleError(
            str(error), "leave its endpoint out: name others with --endpoint"
        ) from error
    every = {model for config in chosen.values() for model in config.models}
    rows = _joined(played, bases, ran_by, history, score, period_s)
    return Compared(rows, bases, sorted(every - asked))


def _ran(
    controller: Controller, endpoint: str, config: EndpointConfig, period_s: tuple[int, int]
) -> dict[str, Ran]:
    """What ran of each model; records reach back as far as they are kept."""
    from_s, to_s = period_s
    records = controller.store.records(endpoint, from_s - MOST_BACK_S, to_s)
    sightings = controller.store.sightings(endpoint, from_s - MOST_BACK_S, to_s)
    return {
        name: ran(
            [one for one in records if one.component == name],
            [one for one in sightings if one.component == name],
            from_s,
            to_s,
        )
        for name in config.models
    }


def _history(
    controller: Controller, endpoints: Mapping[str, EndpointConfig], plan: "Plan"
) -> "History":
    from icscaler_cli.exporting.series import History, read_span, sources

    variants = sorted(
        {(n, model.variant) for n, c in endpoints.items() for model in c.models.values()}
    )
    alone = {
        model.name: (name, model.variant)
        for name, config in endpoints.items()
        for model in config.models.values()
        if model.kind == "variant"
    }
    every = sources(plan.models, variants, alone)
    cloudwatch, history = controller.client("cloudwatch"), History()
    say(f"Reading {len(every)} series of {number(len(plan.spans), 'span')} from CloudWatch.")
    for start_s, end_s in plan.spans:
        history.add(read_span(cloudwatch, every, start_s, end_s, plan.width_s))
    return history


def _joined(
    endpoints: Mapping[str, EndpointConfig],
    bases: Mapping[str, list[str]],
    ran_by: Mapping[str, Ran],
    history: "History",
    score: "Score",
    period_s: tuple[int, int],
) -> list[Row]:
    from icscaler_sim.pricing import load_prices

    prices, (from_s, to_s) = load_prices(), period_s
    ours = {one.name: one for one in score.models}
    rows = []
    for name, config in endpoints.items():
        for model in config.models.values():
            mine, was = ours[model.name], ran_by[model.name]
            refused = refused_of(history.refused, model.name, bases.get(model.name, ()))
            rows.append(
                Row(
                    model=model.name,
                    endpoint=name,
                    kind=model.kind,
                    requests=mine.requests.total,
                    known_fraction=was.known_s / (to_s - from_s),
                    ran_hours=was.copy_hours * model.resources.gpus,
                    ran_refused=sum(n for at_s, n in refused.items() if at_s >= from_s),
                    our_hours=mine.gpu_hours,
                    our_refused=mine.requests.refused,
                    our_late=mine.requests.late,
                    usd_per_gpu_hour=_usd(config.variants[model.variant], prices),
                )
            )
    return rows


def _usd(variant: VariantConfig, prices: "PriceTable") -> float | None:
    """Of one GPU-hour: by the fleet file, else by the public price table."""
    per_hour = variant.usd_per_hour
    if per_hour is None:
        try:
            per_hour = prices.get(variant.instance_type).usd_per_hour
        except KeyError:
            return None
    return per_hour / variant.gpus if variant.gpus else None
