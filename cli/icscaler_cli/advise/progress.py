"""How far the runs are: a bar on a terminal, a line for each finished run elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

from icscaler_cli.simulate.progress import progress_bar
from icscaler_sim.comparison import share


class Following:
    """Told of each run when it begins, how far it is, and what came of it."""

    def __init__(self, most: int, console: Console, bar: Progress | None = None) -> None:
        self.runs = 0
        self.most = most
        self._console = console
        self._bar = bar
        self._task = None if bar is None else bar.add_task("starting", total=1.0)

    def begin(self, label: str) -> None:
        """The next run."""
        self.runs += 1
        if self._bar is not None and self._task is not None:
            self._bar.reset(self._task, description=f"{self._number}: {label}")

    def share(self, share: float) -> None:
        """A share more of the run is done."""
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, share)

    def end(self, label: str, dollars: float, lost_fraction: float) -> None:
        """The run is done."""
        if self._bar is None:
            self._console.print(
                f"{self._number}: {label}, ${dollars:,.0f}, {share(lost_fraction)} lost",
                style="dim",
            )

    @property
    def _number(self) -> str:
        return f"Run {self.runs} of at most {self.most}"


@contextmanager
def following(console: Console, most: int) -> Iterator[Following]:
    """A bar while it lasts, where somebody looks. `most`: runs there can be."""
    with progress_bar(console) as bar:
        yield Following(most, console, bar)
