"""The one error of this package: where in which file, what is wrong, and what to do."""

from pathlib import Path


class TraceError(ValueError):
    """A trace, models or gaps file that cannot be used.

    `line` counts from 1 (the header is line 1) and is None when the whole file is meant; `column`
    is the header's name of the column, None when the whole row is meant.
    """

    def __init__(
        self,
        path: Path,
        problem: str,
        remedy: str,
        *,
        line: int | None = None,
        column: str | None = None,
    ) -> None:
        self.path = path
        self.line = line
        self.column = column
        self.problem = problem
        self.remedy = remedy
        super().__init__(str(self))

    def __str__(self) -> str:
        place = str(self.path)
        if self.line is not None:
            place += f":{self.line}"
        if self.column is not None:
            place += f": column '{self.column}'"
        return f"{place}: {self.problem}. {self.remedy}"
