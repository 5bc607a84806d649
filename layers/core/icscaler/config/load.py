"""Reading a fleet file: everything that is wrong with it, in one go, sorted by line."""

from collections.abc import Iterator, Sequence
from pathlib import Path as FilePath
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from icscaler.config.checks import Case, check
from icscaler.config.document import Document, read_document
from icscaler.config.problems import FleetFileError, Path, Problem
from icscaler.config.resolve import Parts
from icscaler.config.schema import (
    CeilingsKeys,
    EndpointKeys,
    FleetFile,
    ModelEntry,
    fleet_json_schema,
)
from icscaler.config.settings import ClassKeys, DefaultKeys
from icscaler.config.tagged import Tagged, entries, listed_names
from icscaler.config.when import CalendarKeys, OverrideEntry, ScheduleEntry
from icscaler.config.wording import worded

_LISTS = frozenset({"models", "overrides", "schedules"})
DEFAULT_NAME = "fleet.yaml"
Part = TypeVar("Part", bound=BaseModel)


def load_fleet(
    source: FilePath | str,
    *,
    name: str | None = None,
    at_s: int | None = None,
    tagged: Sequence[Tagged] = (),
) -> FleetFile:
    """Read and check a fleet: a `Path` is a file to read, a `str` is the YAML text itself.

    `name` is what problems call the file. `at_s` (epoch seconds) is the time by which overrides
    count as expired; without it that is not checked. What is odd but usable is in `.warnings`.
    `tagged` are the components that carry the file's adoption tag, when they were looked for.

    Raises `FleetFileError` with every problem, warnings included, by line.
    """
    if isinstance(source, FilePath):
        text, name = _read(source), name or str(source)
    else:
        text, name = source, name or DEFAULT_NAME
    document = read_document(text, name)
    fleet, found = _checked(document, at_s, tagged)
    problems = _sorted(found)
    if fleet is None or any(problem.severity == "error" for problem in problems):
        raise FleetFileError(problems)
    return fleet.with_warnings(problems)


def _read(path: FilePath) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        reason, remedy = "not UTF-8 text", "save the file as UTF-8"
    except OSError as error:
        reason = f"cannot be read: {(error.strerror or str(error)).lower()}"
        remedy = "check the path; a fleet file is a YAML file"
    raise FleetFileError([Problem(str(path), 0, 0, "", reason, remedy)])


def _checked(
    document: Document, at_s: int | None, tagged: Sequence[Tagged]
) -> tuple[FleetFile | None, list[Problem]]:
    problems = list(document.problems)
    data = document.data
    if not isinstance(data, dict):
        if not problems:
            problems.append(
                document.problem(
                    (),
                    "a fleet file is a mapping, and this is not one"
                    if data
                    else "the file is empty",
                    "begin with `version: 1`, `endpoints:` and `models:`",
                )
            )
        return None, problems
    nothing = list(_take_nothings(data))
    problems += [
        document.problem(
            path, "has no value", "give it one, or take the key out ({} and [] mean empty)"
        )
        for path in nothing
    ]
    problems += _adopt(document, data, tagged)
    fleet: FleetFile | None = None
    try:
        fleet = FleetFile.model_validate(data)
        parts = Parts.of(fleet)
    except ValidationError as invalid:
        problems += _schema_problems(invalid, document, nothing)
        parts = _usable_parts(data)
    doubtful = parts.doubtful | {_part_of(path) for path in nothing}
    problems += check(Case.of(parts, doubtful, data, document, at_s))
    return fleet, problems


def _adopt(document: Document, data: dict[str, Any], tagged: Sequence[Tagged]) -> list[Problem]:
    """Add entries for tagged components to the raw `models`; what is wrong with their tags."""
    adoption, models = data.get("adoption"), data.get("models")
    tag = adoption.get("tag") if isinstance(adoption, dict) else None
    if not isinstance(tag, str) or not isinstance(models, list):
        return []
    added, problems = entries(tag, tagged, listed_names(data))
    for entry in added:
        document.origins["models", len(models)] = f"tags of {entry['name']}"
        models.append(entry)
    return problems


def _take_nothings(data: Any, path: Path = ()) -> Iterator[Path]:
    """Take keys without a value out of the mappings in `data`; yields where they were."""
    if isinstance(data, dict):
        for key in [key for key, value in data.items() if value is None]:
            del data[key]
            yield (*path, key)
        for key, value in data.items():
            yield from _take_nothings(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _take_nothings(value, (*path, index))


def _schema_problems(
    invalid: ValidationError, document: Document, nothing: Sequence[Path]
) -> Iterator[Problem]:
    schema = fleet_json_schema()
    for error in invalid.errors(include_url=False):
        path = tuple(part for part in error["loc"] if part != "[key]")
        if path in nothing:
            continue
        problem, remedy = worded(error, path, schema)
        while path and isinstance(path[-1], int) and path not in document.places:
            path = path[:-1]
        yield document.problem(path, problem, remedy)


def _part_of(path: Path) -> Path:
    """The part of the file that a path belongs to: `defaults`, or one item of a section."""
    return path[:1] if path[:1] in (("defaults",), ("version",)) else path[:2]


def _usable_parts(data: dict[str, Any]) -> Parts:
    """What can be used of a file that has something wrong: each part for itself."""
    doubtful: set[Path] = set()

    def usable(kind: type[Part], value: Any, path: Path) -> Part | None:
        try:
            return kind.model_validate(value)
        except ValidationError:
            doubtful.add(path)
            return None

    def section(kind: type[Part], name: str) -> dict[Any, Part]:
        shape = list if name in _LISTS else dict
        found = data.get(name, shape())
        if not isinstance(found, shape):
            doubtful.add((name,))
            return {}
        items = enumerate(found) if isinstance(found, list) else found.items()
        read = {key: usable(kind, value, (name, key)) for key, value in items}
        return {key: part for key, part in read.items() if part is not None}

    defaults = usable(DefaultKeys, data.get("defaults", {}), ("defaults",))
    return Parts(
        defaults or DefaultKeys(),
        section(ClassKeys, "classes"),
        section(EndpointKeys, "endpoints"),
        section(ModelEntry, "models"),
        section(OverrideEntry, "overrides"),
        section(ScheduleEntry, "schedules"),
        section(CalendarKeys, "calendars"),
        "adoption" in data,
        usable(CeilingsKeys, data.get("ceilings", {}), ("ceilings",)) or CeilingsKeys(),
        frozenset(doubtful),
    )


def _sorted(problems: Sequence[Problem]) -> tuple[Problem, ...]:
    """By line, each said once."""
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda one: (one.line, one.column, one.key, one.problem)))
