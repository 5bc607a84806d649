"""The `icscaler simulate` command: options in, exit code out."""

import typer

from icscaler_cli.output import console, messages
from icscaler_cli.simulate import options as given

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def simulate(
    trace: given.Trace = "generate:ensemble",
    fleet: given.FleetFile = None,
    class_rule: given.ClassRule = None,
    write_fleet: given.WriteFleet = None,
    start: given.From = None,
    end: given.To = None,
    warm_up: given.WarmUp = None,
    gaps: given.Gaps = None,
    in_time: given.InTime = None,
    prices: given.Prices = None,
    seeds: given.Seeds = None,
    policies: given.Policies = None,
    compare: given.Compare = None,
    settings: given.Settings = None,
    price: given.Price = None,
    sweep: given.Sweep = False,
    list_policies: given.ListPolicies = False,
    json_out: given.JsonOut = None,
    html_out: given.HtmlOut = None,
    processes: given.Processes = None,
    check_every: given.CheckEvery = 50,
) -> None:
    """Play traffic under one or many scaling policies in the same simulated world.

    The world model of the local cloud without HTTP: a day of a small fleet takes seconds. No AWS
    account is needed and nothing leaves this machine.
    """
    # Imported here: what `--help` shows needs none of it.
    from icscaler_cli.playing import reported_input

    with reported_input("Interrupted: nothing was written."):
        from icscaler_cli.simulate.play import Request, print_policies, simulate_request

        if list_policies:
            print_policies(console())
            return
        request = Request(
            trace=trace,
            fleet=fleet,
            class_rule=class_rule,
            write_fleet=write_fleet,
            start=start,
            end=end,
            warm_up=warm_up,
            gaps=gaps,
            in_time=in_time or (),
            prices=prices,
            seeds=seeds or (0,),
            policies=policies or (),
            compare=compare,
            settings=settings or (),
            price=price or (),
            sweep=sweep,
            json_out=json_out,
            html_out=html_out,
            processes=processes,
            check_every=check_every,
        )
        raise typer.Exit(simulate_request(request, console(), messages()))
