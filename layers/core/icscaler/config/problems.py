"""What is wrong with a fleet file, said so that its author can mend it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong (`error`) or odd (`warning`) at a place of the file.

    `line` and `column` count from 1; 0 when the file as a whole is meant. `remedy` says what to do.
    """

    file: str
    line: int
    column: int
    key: str
    problem: str
    remedy: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        key = f"{self.key}: " if self.key else ""
        remedy = f"\n    {self.remedy}" if self.remedy else ""
        return f"{place}: {self.severity}: {key}{self.problem}{remedy}"


class FleetFileError(Exception):
    """A fleet file cannot be used; `problems` lists all that is wrong and odd, by line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


def key_path(path: Path) -> str:
    """`("models", 3, "resources", "gpus")` as `models[3].resources.gpus`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            word = part if part.isprintable() else repr(part)
            text += f".{word}" if text else word
    return text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean "x"?`, or "" when nothing known is near."""
    by_folded = {name.lower(): name for name in sorted(known)}
    near = get_close_matches(word.lower(), by_folded, n=1, cutoff=0.6)
    return f'did you mean "{by_folded[near[0]]}"?' if near else ""
