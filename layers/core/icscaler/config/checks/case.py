"""A fleet under check: its usable parts, its models, and what about it is doubtful."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from icscaler.config.document import Document
from icscaler.config.problems import Path, Problem
from icscaler.config.resolve import BUILT_IN_CLASSES, Parts, Resolved, matches, resolve
from icscaler.config.values import is_pattern


@dataclass(frozen=True, slots=True)
class Case:
    """What checks look at.

    `models` is every listed model, twice if listed twice; `scaled` is once each, without adapters
    (they scale with their base) and without those about which there is doubt.

    A part with something wrong in it is doubtful: it is left out of `parts`, and models that would
    take settings from it are doubtful too. Nothing is said about them that might not be so once the
    file is mended. Names count as known wherever the file has them, doubtful or not.
    """

    parts: Parts
    models: tuple[Resolved, ...]
    scaled: tuple[Resolved, ...]
    doubtful: frozenset[Path]
    class_names: frozenset[str]
    endpoint_names: frozenset[str]
    model_names: frozenset[str]
    document: Document
    at_s: int | None

    @classmethod
    def of(
        cls,
        parts: Parts,
        doubtful: Iterable[Path],
        data: Mapping[str, Any],
        document: Document,
        at_s: int | None,
    ) -> "Case":
        """The case of a file whose raw `data` gave these `parts`."""
        every_doubt = frozenset(doubtful) | frozenset(_doubted_by_patterns(doubtful, data, parts))
        models = tuple(resolve(parts))
        once = {model.name: model for model in models}.values()
        return cls(
            parts=parts,
            models=models,
            scaled=tuple(
                model
                for model in once
                if model.get("adapter_of") is None and _certain(model, every_doubt)
            ),
            doubtful=every_doubt,
            class_names=_keys(data, "classes") | frozenset(BUILT_IN_CLASSES),
            endpoint_names=_keys(data, "endpoints"),
            model_names=frozenset(name for _, name in _written_names(data) if not is_pattern(name)),
            document=document,
            at_s=at_s,
        )

    def problem(
        self, path: Path, problem: str, remedy: str = "", *, warning: bool = False
    ) -> Problem:
        """A problem at a place of the file."""
        return self.document.problem(path, problem, remedy, warning=warning)

    def certain(self, model: Resolved) -> bool:
        """Whether all that decides about a model could be read."""
        return _certain(model, self.doubtful)


def _certain(model: Resolved, doubtful: frozenset[Path]) -> bool:
    sections: list[Path] = [("models",), ("classes",), ("endpoints",), ("defaults",)]
    endpoint: Path = ("endpoints", model.get("endpoint"))
    return doubtful.isdisjoint([*sections, *model.sources, endpoint])


def _keys(data: Mapping[str, Any], section: str) -> frozenset[str]:
    found = data.get(section)
    return frozenset(found) if isinstance(found, dict) else frozenset()


def _written_names(data: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    """(position, name or pattern) of whatever model names can be made out."""
    entries = data.get("models")
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        names = entry.get("name") if isinstance(entry, dict) else None
        for name in names if isinstance(names, list) else [names]:
            if isinstance(name, str):
                yield index, name


def _doubted_by_patterns(
    doubtful: Iterable[Path], data: Mapping[str, Any], parts: Parts
) -> Iterator[Path]:
    """Entries with a model that a doubtful pattern entry would give settings to."""
    places = set(doubtful)
    patterns = tuple(
        name
        for index, name in _written_names(data)
        if is_pattern(name) and ("models", index) in places
    )
    for index, entry in parts.models.items():
        if any(matches(name, patterns) for name in entry.name):
            yield ("models", index)
