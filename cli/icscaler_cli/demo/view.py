"""What is seen while the demo plays: a live table on a terminal, a line an hour elsewhere."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from icscaler_cli.demo.look_log import LoggedChange
from icscaler_cli.demo.play import Minute
from icscaler_cli.demo.scenario import Scenario
from icscaler_sim.report import explain_change
from icscaler_sim.report.clock import clock_text

LEAST_WIDTH = 72
LEAST_HEIGHT = 16
REFRESH_S = 0.1
SHOWN_FOR_MINUTES = 45
_HEAD_LINES = 7
_ROW_BAR = 12


class View(Protocol):
    """Something that shows how far the demo is."""

    def tell(self, text: str) -> None:
        """One line about the setting up."""
        ...

    def minute(self, minute: Minute) -> None:
        """A minute was played."""
        ...


@contextmanager
def open_view(console: Console, scenario: Scenario, *, plain: bool) -> Iterator[View]:
    """The live table where it can be read; a terminal too small for it gets plain lines."""
    small = console.width < LEAST_WIDTH or console.height < LEAST_HEIGHT
    if plain or not console.is_terminal or small:
        if small and console.is_terminal and not plain:
            console.print(
                f"The terminal has {console.width} x {console.height} characters; the live table "
                f"needs {LEAST_WIDTH} x {LEAST_HEIGHT}. Plain lines instead.",
                highlight=False,
            )
        yield PlainView(console, scenario)
        return
    view = LiveView(console, scenario)
    with Live(view.picture(), console=console, auto_refresh=False, redirect_stdout=False) as live:
        view.show_on(live)
        yield view


class PlainView:
    """A line for each hour, with what changed in it."""

    def __init__(self, console: Console, scenario: Scenario) -> None:
        self._console = console
        self._total = scenario.duration_s // 60
        self._changes = 0
        self._requests = 0.0

    def tell(self, text: str) -> None:
        self._console.print(text)

    def minute(self, minute: Minute) -> None:
        self._changes += len(minute.changes)
        self._requests += 60 * sum(minute.demand_rps.values())
        if minute.number % 60 and minute.number != self._total:
            return
        copies = sum(one.current for one in minute.copies.values())
        self._console.print(
            f"{clock_text(minute.at_s)}  {self._requests:>10,.0f} requests  {copies:>3} copies  "
            f"{minute.gpus_in_use:>4.0f} of {minute.gpu_capacity:.0f} GPUs  "
            f"{self._changes} changes"
        )
        self._changes, self._requests = 0, 0.0


class LiveView:
    """Progress bar, fleet line, and a row per model: copies, demand, what just changed and why."""

    def __init__(self, console: Console, scenario: Scenario) -> None:
        self._console = console
        self._models = list(scenario.models())
        self._most = {name: model.max_copies for name, (_, model) in scenario.models().items()}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            TimeRemainingColumn(compact=True),
            expand=True,
        )
        self._task = self._progress.add_task("setting up", total=scenario.duration_s // 60)
        self._last: dict[str, LoggedChange] = {}
        self._minute: Minute | None = None
        self._live: Live | None = None
        self._shown_s = 0.0

    def show_on(self, live: Live) -> None:
        """Draw on `live` from now on."""
        self._live = live

    def tell(self, text: str) -> None:
        self._progress.update(self._task, description=text)
        self._refresh(force=True)

    def minute(self, minute: Minute) -> None:
        self._minute = minute
        for change in minute.changes:
            self._last[change.component] = change
        time_text = clock_text(minute.at_s)[:-3]
        self._progress.update(self._task, completed=minute.number, description=time_text)
        self._refresh(force=minute.number == 1)

    def picture(self) -> RenderableType:
        """All of it."""
        if self._minute is None:
            return self._progress
        return Group(self._progress, self._fleet_line(self._minute), self._table(self._minute))

    def _refresh(self, *, force: bool) -> None:
        now_s = time.perf_counter()
        if self._live is None or (not force and now_s - self._shown_s < REFRESH_S):
            return
        self._shown_s = now_s
        self._live.update(self.picture(), refresh=True)

    def _fleet_line(self, minute: Minute) -> Text:
        used, capacity = minute.gpus_in_use, max(minute.gpu_capacity, 1e-9)
        width = 24
        filled = min(width, round(width * used / capacity)) if minute.gpu_capacity else 0
        return Text.assemble(
            ("GPUs ", "dim"),
            ("█" * filled, "cyan"),
            ("░" * (width - filled), "dim"),
            f" {used:.0f} in use of {minute.gpu_capacity:.0f}   ",
            (f"{sum(minute.demand_rps.values()):,.1f} requests/s", "bold"),
        )

    def _table(self, minute: Minute) -> Table:
        table = Table(box=None, pad_edge=False, expand=True)
        table.add_column("model", no_wrap=True, max_width=28)
        table.add_column("copies", no_wrap=True)
        table.add_column("req/s", justify="right", no_wrap=True)
        table.add_column("what just changed, and why", ratio=1, no_wrap=True, overflow="ellipsis")
        for name in self._chosen(minute):
            seen = minute.copies.get(name)
            ready, desired = (seen.current, seen.desired) if seen else (0, 0)
            table.add_row(
                name,
                _copies(ready, desired, self._most[name]),
                f"{minute.demand_rps.get(name, 0.0):,.1f}",
                self._why(name, minute.at_s),
            )
        return table

    def _chosen(self, minute: Minute) -> Sequence[str]:
        """All models, or as many as fit: those that changed last, then those most called."""
        room = max(3, self._console.height - _HEAD_LINES)
        if len(self._models) <= room:
            return self._models
        order = sorted(
            self._models,
            key=lambda name: (
                -(self._last[name].at_s if name in self._last else 0),
                -minute.demand_rps.get(name, 0.0),
            ),
        )
        return sorted(order[:room], key=self._models.index)

    def _why(self, name: str, at_s: int) -> Text:
        change = self._last.get(name)
        if change is None or at_s - change.at_s > SHOWN_FOR_MINUTES * 60:
            return Text("")
        out = change.to_copies > change.from_copies
        fresh = at_s - change.at_s <= 180
        text = Text.assemble(
            (f"{clock_text(change.at_s)[4:9]} ", "dim"),
            (f"{change.from_copies} → {change.to_copies} ", "green" if out else "yellow"),
            explain_change(change.steps),
        )
        if change.outcome != "Accepted":
            text.append(f" ({change.outcome})", "red")
        if not fresh:
            text.stylize("dim")
        return text


def _copies(ready: int, desired: int, most: int) -> Text:
    """`███░ 3/4`: those that serve, those ordered, within the ceiling."""
    if most <= _ROW_BAR:
        solid, pale = ready, max(0, desired - ready)
    else:
        solid = round(_ROW_BAR * ready / most)
        pale = round(_ROW_BAR * max(0, desired - ready) / most)
    bar = "█" * solid + "░" * pale
    number = f"{ready}" if ready == desired else f"{ready} → {desired}"
    return Text.assemble(
        (bar, "cyan"), (" " if bar else "", ""), number, style="" if bar else "dim"
    )
