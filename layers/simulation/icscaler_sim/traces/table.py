"""CSV files, plain or gzip, whose every error says file, line, column and what to do."""

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from icscaler_sim.traces.errors import TraceError

SCHEMA_HINT = "The columns are described in docs/traces.md"
COUNT_HINT = "Counts are whole numbers, 0 or more; mend or remove this row"
LONGEST_PERIOD_S = 366 * 86_400

_TIME_HINT = "Times are seconds from the start of the period (not epoch seconds), a year at most"
_GZIP_MAGIC = b"\x1f\x8b"
_LARGEST_COUNT = 2**53


class Table:
    """The rows of one CSV file below its header, and the checks on their fields."""

    def __init__(self, path: Path, lines: IO[str]) -> None:
        self.path = path
        self._reader = csv.reader(lines)
        header = next(self._reader, None)
        if header is None:
            raise TraceError(path, "the file is empty", SCHEMA_HINT)
        names = [name.strip() for name in header]
        self.columns = {name: place for place, name in enumerate(names)}
        if len(self.columns) != len(names):
            raise TraceError(path, "a column is named twice", SCHEMA_HINT, line=1)
        self._width = len(names)

    def require(self, wanted: Sequence[str]) -> None:
        missing = [name for name in wanted if name not in self.columns]
        if missing:
            raise TraceError(
                self.path,
                f"missing column{'s' if len(missing) > 1 else ''} "
                + ", ".join(f"'{name}'" for name in missing)
                + f"; found {', '.join(self.columns) or 'none'}",
                f"The first line must name the columns {', '.join(wanted)}",
                line=1,
            )

    def __iter__(self) -> Iterator[list[str]]:
        width = self._width
        for row in self._reader:
            if len(row) != width:
                if not row:
                    continue
                raise self.error(
                    None, f"{len(row)} fields where the header has {width}", "Mend this line"
                )
            yield row

    @property
    def line(self) -> int:
        """The last line read, from 1."""
        return self._reader.line_num

    def error(self, column: str | None, problem: str, remedy: str) -> TraceError:
        return TraceError(self.path, problem, remedy, line=self.line, column=column)

    def text(self, row: list[str], column: str) -> str:
        value = row[self.columns[column]].strip()
        if not value:
            raise self.error(column, "nothing there", "Give a name")
        return value

    def optional(self, row: list[str], column: str) -> str | None:
        place = self.columns.get(column)
        return None if place is None else row[place].strip() or None

    def count(self, row: list[str], column: str) -> int:
        """A whole number from 0 to 2^53."""
        text = row[self.columns[column]]
        try:
            value = int(text)
        except ValueError:
            raise self.error(column, f"'{text}' is not a whole number", COUNT_HINT) from None
        if value < 0:
            raise self.error(column, f"{value} is negative", COUNT_HINT)
        if value > _LARGEST_COUNT:
            raise self.error(column, f"{value} is too large", COUNT_HINT)
        return value

    def second(self, row: list[str], column: str) -> int:
        """A whole second of the period."""
        value = self.count(row, column)
        if value > LONGEST_PERIOD_S:
            raise self.error(column, f"{value} is not a second of the period", _TIME_HINT)
        return value

    def seconds(self, row: list[str], column: str) -> float:
        """A time of the period, fractions allowed."""
        text = row[self.columns[column]]
        try:
            value = float(text)
        except ValueError:
            raise self.error(column, f"'{text}' is not a number", _TIME_HINT) from None
        if not 0 <= value <= LONGEST_PERIOD_S:
            raise self.error(column, f"{text} is not a time of the period", _TIME_HINT)
        return value


@contextmanager
def open_table(path: Path, schema: Callable[[Sequence[str]], Sequence[str]]) -> Iterator[Table]:
    """The table in a file. `schema` gives the columns to require, from those that are there.

    Errors of the medium (absent, a folder, broken gzip, not text) become `TraceError` as well.
    """
    table: Table | None = None
    try:
        with path.open("rb") as raw:
            packed = raw.peek(2)[:2] == _GZIP_MAGIC
            data = gzip.GzipFile(fileobj=raw) if packed else raw
            with io.TextIOWrapper(data, encoding="utf-8-sig", newline="") as lines:
                table = Table(path, lines)
                table.require(schema(list(table.columns)))
                yield table
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _after(table, path, f"broken gzip data ({error})", "Fetch the file again") from error
    except UnicodeDecodeError as error:
        hint = "Traces are UTF-8 text, plain or gzip"
        raise _after(table, path, "this is not text", hint) from error
    except csv.Error as error:
        raise _after(table, path, f"not a CSV file ({error})", SCHEMA_HINT) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise TraceError(path, f"cannot be read: {reason}", "Check the path") from error


def _after(table: Table | None, path: Path, problem: str, remedy: str) -> TraceError:
    """The trouble lies behind the last line that could be read."""
    return TraceError(path, problem, remedy, line=table.line if table else None)
