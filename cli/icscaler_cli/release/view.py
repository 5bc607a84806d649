"""What a release will do and has done, as people read it."""

from collections.abc import Sequence

from rich.table import Table

from icscaler_cli.controller import Controller
from icscaler_cli.output import number, say
from icscaler_cli.release.plan import Released, State

UNFINISHED = (State.TO_WAKE, State.ASKED, State.REFUSED, State.HELD, State.FAILED)


def table_of(every: Sequence[Released]) -> Table:
    """One row a model: how many copies it has, and what is done about it."""
    table = Table(box=None, pad_edge=False)
    for title in ("endpoint", "model", "class", "copies", "what"):
        table.add_column(title, overflow="fold")
    for each in every:
        what = f"to {number_of_copies(each.floor)}" if each.state is State.TO_WAKE else each.state
        text = f"{what}: {each.text}" if each.text else what
        table.add_row(each.endpoint, each.name, each.model.class_name, each.copies, text)
    return table


def number_of_copies(count: int) -> str:
    """`1 copy`, `2 copies`."""
    return "1 copy" if count == 1 else f"{count} copies"


def tell_result(every: Sequence[Released], alarms: int | None) -> bool:
    """Say how the release ended, with everything that is not as it should be; True: all is."""
    unfinished = [each for each in every if each.state in UNFINISHED]
    ready = sum(each.state is State.READY for each in every)
    say(f"{number(ready, 'model')} in service with the copies wanted.", "green" if ready else "")
    for each in every:
        at_zero = each.view is not None and each.view.desired_copies == 0
        if each.state is State.LEFT and at_zero:
            say(f"  {each.name} stays at zero copies, its requests fail: {each.text}", "yellow")
    for each in unfinished:
        reason = f": {each.text}" if each.text else ""
        say(f"  {each.name} on {each.endpoint}: {each.state}{reason}", "bold red")
    if any(each.state is State.REFUSED for each in unfinished):
        say("    Room comes from fewer copies of other models or a higher MaxInstanceCount.")
    if alarms is None:
        say("Alarms were not looked for: name their prefix with --alarm-prefix.", "yellow")
    elif alarms:
        say(f"{number(alarms, 'alarm')} removed.")
    return not unfinished


def tell_next(controller: Controller, names: Sequence[str], finished: bool) -> None:
    """What to do now. `names`: the options that named what was released; none: the whole fleet."""
    if not finished:
        say("Not all is done. Run the same command again; it goes on where it stands.", "bold")
        return
    stack = controller.place.stack_name
    if names:
        say("Next: take them out of the fleet file, publish it, then clear the switches:", "bold")
        say("  icscaler fleet publish FILE")
        say(f"  icscaler resume {' '.join(names)}")
    elif stack:
        say("Next: delete the stack. Its state table stays.", "bold")
        say(f"  sam delete --stack-name {stack}")
        say("Or keep it: `icscaler resume --fleet` takes the fleet up again.")
    else:
        say("Next: delete what is left of the stack.", "bold")
