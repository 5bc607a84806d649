"""`icscaler pause`."""

from typing import Annotated

import typer

from icscaler_cli.options import Endpoints, Models, Profile, Region, StackName, TableName
from icscaler_cli.switching import switch

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def pause(
    model: Models = None,
    endpoint: Endpoints = None,
    fleet: Annotated[bool, typer.Option("--fleet", help="The whole fleet.")] = False,
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Keep the controller from writing to models, endpoints or the whole fleet.

    Nothing is written to what is paused, not even to wake it; looks go on and decide.
    It needs no deploy and holds until `icscaler resume`.
    """
    switch(
        True,
        fleet=fleet,
        endpoints=endpoint or [],
        models=model or [],
        where=(table, stack, region, profile),
    )
