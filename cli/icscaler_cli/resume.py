"""`icscaler resume`."""

from typing import Annotated

import typer

from icscaler_cli.options import Endpoints, Models, Profile, Region, StackName, TableName
from icscaler_cli.switching import switch

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def resume(
    model: Models = None,
    endpoint: Endpoints = None,
    fleet: Annotated[bool, typer.Option("--fleet", help="The whole fleet.")] = False,
    table: TableName = None,
    stack: StackName = None,
    region: Region = None,
    profile: Profile = None,
) -> None:
    """Let the controller write again to what was paused by `icscaler pause`.

    What the fleet file pauses stays paused.
    """
    switch(
        False,
        fleet=fleet,
        endpoints=endpoint or [],
        models=model or [],
        where=(table, stack, region, profile),
    )
