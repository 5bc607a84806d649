"""The `icscaler advise` command: options in, exit code out."""

from pathlib import Path
from typing import Annotated

import typer

from icscaler_cli.output import console, messages
from icscaler_cli.simulate import options as given

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_HARDWARE = "What models may run on"
Types = Annotated[
    list[str] | None,
    typer.Option(
        "--type",
        metavar="ml.TYPE",
        help="An instance type that is allowed; several times. Default: all in the price table.",
        rich_help_panel=_HARDWARE,
    ),
]
Speeds = Annotated[
    list[str] | None,
    typer.Option(
        "--speed",
        metavar="ml.TYPE=FACTOR",
        help="How fast your models serve there against the type they run on now, as you measured "
        "it. Default: the ratio of memory bandwidths.",
        rich_help_panel=_HARDWARE,
    ),
]
Slowest = Annotated[
    float,
    typer.Option(
        "--slowest",
        min=0.01,
        metavar="FACTOR",
        help="Types that are slower than this are not advised.",
        rich_help_panel=_HARDWARE,
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        "--workers-per-instance",
        min=0,
        metavar="N",
        help="Of an own endpoint, each as much as a copy; 0: as many as the GPUs hold.",
        rich_help_panel=_HARDWARE,
    ),
]
_USE = "What copies use of what they reserve"
Usage = Annotated[
    Path | None,
    typer.Option(
        "--usage",
        metavar="FILE",
        help="What was measured, as icscaler export-history writes it. Default: NAME_usage.csv "
        "beside the trace, if it is there.",
        rich_help_panel=_USE,
    ),
]
Margin = Annotated[
    float,
    typer.Option(
        "--margin",
        min=0.0,
        metavar="FRACTION",
        help="Reserve so much more than the most that was measured.",
        rich_help_panel=_USE,
    ),
]
LeastMeasured = Annotated[
    float,
    typer.Option(
        "--least-measured",
        min=0.0,
        metavar="HOURS",
        help="What was measured for less is not lowered.",
        rich_help_panel=_USE,
    ),
]
Resize = Annotated[
    bool,
    typer.Option(
        "--resize",
        help="Lower CPUs and memory in the fleet that is played and written, where it is safe.",
        rich_help_panel=_USE,
    ),
]
WriteFleet = Annotated[
    Path | None,
    typer.Option(
        "--write-fleet",
        metavar="FILE",
        help="Write the fleet file that is advised.",
        rich_help_panel="What comes out",
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of world and generator.")]
Price = Annotated[
    float | None,
    typer.Option("--price", min=0.0, help="Price of a GPU-minute, instead of the fleet file's."),
]


@app.command()
def advise(
    trace: given.Trace = "generate:ensemble",
    fleet: given.FleetFile = None,
    class_rule: given.ClassRule = None,
    start: given.From = None,
    end: given.To = None,
    warm_up: given.WarmUp = None,
    prices: given.Prices = None,
    types: Types = None,
    speeds: Speeds = None,
    slowest: Slowest = 0.5,
    workers: Workers = 0,
    usage: Usage = None,
    margin: Margin = 0.25,
    least_measured_h: LeastMeasured = 24.0,
    resize: Resize = False,
    price: Price = None,
    seed: Seed = 0,
    write_fleet: WriteFleet = None,
    json_out: given.JsonOut = None,
) -> None:
    """Say of each model whether it should share an endpoint or have one, and on which instances.

    Plays the traffic in the simulator: the fleet as it is, on other instance types, and with
    models on endpoints of their own. Needs no AWS account.
    """
    # Imported here: what `--help` shows needs none of it.
    from icscaler_cli.playing import reported_input

    with reported_input("Interrupted: nothing was written."):
        from icscaler_cli.advise.request import Request, advise_request

        request = Request(
            trace=trace,
            fleet=fleet,
            class_rule=class_rule,
            start=start,
            end=end,
            warm_up=warm_up,
            prices=prices,
            types=types or (),
            speeds=speeds or (),
            slowest=slowest,
            workers=workers,
            usage=usage,
            margin=margin,
            least_measured_h=least_measured_h,
            resize=resize,
            price=price,
            seed=seed,
            write_fleet=write_fleet,
            json_out=json_out,
        )
        raise typer.Exit(advise_request(request, console(), messages()))
