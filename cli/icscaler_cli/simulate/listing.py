"""`icscaler simulate --list-policies`."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from icscaler_sim.simulate import BOUNDS, ICSCALER, NAMES, STATIC, knobs_of, label_of
from icscaler_sim.simulate.policies import SWITCHES, documented


def print_policies(console: Console) -> None:
    """Every policy with its knobs: what each means, its default, and what a sweep tries."""
    for name in NAMES:
        kind = " (bound)" if name in BOUNDS else " (no autoscaling)" if name in STATIC else ""
        console.print(Text.assemble((name, "bold"), f"  {label_of(name)}{kind}"))
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
        for knob in knobs_of(name):
            values = ", ".join(_text(value) for value in knob.values)
            table.add_row(f"{knob.name}={_text(knob.default)}", knob.meaning, values)
        if name == ICSCALER:
            for switch, meaning in SWITCHES.items():
                table.add_row(f"{switch}=false", meaning, "false, true")
            table.add_row("any setting of the fleet file", "idle_s, target_value, ...", "")
        if documented(name):
            given = ", ".join(f"{k}={_text(v)}" for k, v in documented(name).items())
            table.add_row("as documented", given, "")
        if table.row_count:
            console.print(table)


def _text(value: object) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else f"{value}"
