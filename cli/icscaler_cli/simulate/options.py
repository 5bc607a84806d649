"""The options of `icscaler simulate`; `icscaler advise` has some of them too."""

from pathlib import Path
from typing import Annotated

import typer

_TRAFFIC = "What is played"
_POLICIES = "Who is compared"
_OUTPUT = "What comes out"

Trace = Annotated[
    str,
    typer.Option(
        "--trace",
        "--history",
        metavar="FILE",
        help="Recorded traffic (CSV, plain or gzip), such as icscaler export-history writes, or a "
        "generator: generate:ensemble,days=2 or generate:fleet,models=40,days=1.",
        rich_help_panel=_TRAFFIC,
    ),
]
FleetFile = Annotated[
    Path | None,
    typer.Option(
        "--fleet",
        metavar="FILE",
        help="The fleet file. Default: the default fleet rule sizes the trace's models.",
        rich_help_panel=_TRAFFIC,
    ),
]
ClassRule = Annotated[
    str | None,
    typer.Option(
        "--class-rule",
        metavar="RULE",
        help="Without a fleet file: classes of the busiest models. "
        "Default: critical=3,interactive=20,batch; none for one class.",
        rich_help_panel=_TRAFFIC,
    ),
]
WriteFleet = Annotated[
    Path | None,
    typer.Option(
        "--write-fleet",
        metavar="FILE",
        help="Write the fleet file that the default rule gives, to change it.",
        rich_help_panel=_TRAFFIC,
    ),
]
From = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="TIME", help="Begin here: 36h, 2d, 90m.", rich_help_panel=_TRAFFIC
    ),
]
WarmUp = Annotated[
    str | None,
    typer.Option(
        "--warm-up",
        metavar="TIME",
        help="Play so much before --from without scoring it: rules that learn have learned then.",
        rich_help_panel=_TRAFFIC,
    ),
]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="TIME", help="End here.", rich_help_panel=_TRAFFIC),
]
Gaps = Annotated[
    Path | None,
    typer.Option(
        "--gaps",
        metavar="FILE",
        help="Holes in the recording: everything is played as recorded and with them filled.",
        rich_help_panel=_TRAFFIC,
    ),
]
InTime = Annotated[
    list[str] | None,
    typer.Option(
        "--in-time",
        metavar="[CLASS=]SECONDS",
        help="Service must begin within this time of arrival. Default: 30.",
        rich_help_panel=_TRAFFIC,
    ),
]
Prices = Annotated[
    Path | None,
    typer.Option(
        "--prices",
        metavar="FILE",
        help="A price table instead of the shipped.",
        rich_help_panel=_TRAFFIC,
    ),
]
Seeds = Annotated[
    list[int] | None,
    typer.Option(
        "--seed",
        min=0,
        help="Seed of world and generator; several: several runs.",
        rich_help_panel=_TRAFFIC,
    ),
]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        metavar="NAME",
        help="A policy; may be given several times. Default: icscaler.",
        rich_help_panel=_POLICIES,
    ),
]
Compare = Annotated[
    str | None,
    typer.Option(
        "--compare", metavar="all", help="Every policy there is.", rich_help_panel=_POLICIES
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="[POLICY.]KNOB=VALUE",
        help="Set a knob. Several values with commas are several runs.",
        rich_help_panel=_POLICIES,
    ),
]
Price = Annotated[
    list[str] | None,
    typer.Option(
        "--price",
        metavar="N",
        help="Price of a GPU-minute for icscaler; several give its frontier.",
        rich_help_panel=_POLICIES,
    ),
]
Sweep = Annotated[
    bool,
    typer.Option(
        "--sweep", help="Also every other value of each knob by itself.", rich_help_panel=_POLICIES
    ),
]
ListPolicies = Annotated[
    bool,
    typer.Option(
        "--list-policies",
        help="Show every policy with its knobs, and stop.",
        rich_help_panel=_POLICIES,
    ),
]
JsonOut = Annotated[
    Path | None,
    typer.Option(
        "--json",
        metavar="FILE",
        help="Write every figure as JSON; - is standard output.",
        rich_help_panel=_OUTPUT,
    ),
]
HtmlOut = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE",
        help="Write a report: one file, no network.",
        rich_help_panel=_OUTPUT,
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(
        "--processes",
        min=1,
        help="Runs at a time. Default: one for each core.",
        rich_help_panel=_OUTPUT,
    ),
]
CheckEvery = Annotated[
    int,
    typer.Option(
        "--check-every",
        min=0,
        metavar="N",
        help="Check the invariants of every N-th look of icscaler; 0: none.",
        rich_help_panel=_OUTPUT,
    ),
]
