"""How far the runs are: a bar on a terminal, a line for each finished run elsewhere."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from icscaler_sim.comparison import share
from icscaler_sim.scoring import Score
from icscaler_sim.simulate import Job
from icscaler_sim.simulate.pool import effort


class Following:
    """Told by the runs how far they are. Shares come from another thread than scores."""

    def __init__(
        self, jobs: Sequence[Job], rounds: int, console: Console, bar: Progress | None
    ) -> None:
        self._efforts = [effort(job) for job in jobs]
        self._done = [0.0] * len(jobs)
        self._rounds = rounds
        self._round = ""
        self._finished = 0
        self._console = console
        self._bar = bar
        if bar is not None:
            self._all = bar.add_task("starting", total=sum(self._efforts) * rounds)

    def begin(self, gaps: str | None) -> None:
        """The next round of all jobs."""
        self._round = f" (gaps {gaps})" if gaps else ""
        self._done = [0.0] * len(self._done)

    def share(self, number: int, share: float) -> None:
        """A share more of a job is done."""
        self._advance(number, min(share, 1.0 - self._done[number]))

    def score(self, number: int, score: Score) -> None:
        """A job is done."""
        self._finished += 1
        self._advance(number, 1.0 - self._done[number])
        total = len(self._done) * self._rounds
        if self._bar is not None:
            self._bar.update(self._all, description=f"{self._finished} of {total} runs done")
            return
        self._console.print(
            f"{self._finished} of {total}: {score.name}{self._round}, "
            f"{score.gpu_hours:,.1f} GPU-hours, {share(score.lost_fraction)} lost",
            style="dim",
        )

    def _advance(self, number: int, by: float) -> None:
        if by <= 0:
            return
        self._done[number] += by
        if self._bar is not None:
            self._bar.advance(self._all, by * self._efforts[number])


@contextmanager
def following(console: Console, jobs: Sequence[Job], rounds: int) -> Iterator[Following]:
    """A bar while it lasts, where somebody looks."""
    with progress_bar(console) as bar:
        yield Following(jobs, rounds, console, bar)


@contextmanager
def progress_bar(console: Console) -> Iterator[Progress | None]:
    """Gone when it ends; None where the console is no terminal."""
    if not console.is_terminal:
        yield None
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
        expand=True,
        transient=True,
    ) as bar:
        yield bar
