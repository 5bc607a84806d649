"""Which setting wins: built in, then defaults, class, patterns in their order, exact entry.

Later ones win key by key, also inside `resources`, `policy`, `limits` and `labels`. Every setting
remembers where it was written, so that checks can point there.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from pydantic import BaseModel

from icscaler.config.hardware import missing_hardware, variant_config
from icscaler.config.problems import Path
from icscaler.config.schema import CeilingsKeys, EndpointKeys, FleetFile, ModelEntry
from icscaler.config.settings import ClassKeys, DefaultKeys
from icscaler.config.values import is_pattern
from icscaler.config.when import CalendarKeys, OverrideEntry, ScheduleEntry, Selector

DEFAULT_CLASS = "interactive"
DEFAULT_IDLE_S = 900
DEFAULT_PRICE = 30.0
BUILT_IN_CLASSES: Mapping[str, ClassKeys] = {
    "critical": ClassKeys(worth=100.0, protected=True, min_copies=1),
    "interactive": ClassKeys(worth=10.0),
    "batch": ClassKeys(worth=1.0),
}

Key = tuple[str, ...]
OBJECTIVE: Key = ("policy", "objective")
TARGET_TRACKING: Key = ("policy", "target_tracking")
POLICY_KINDS = (OBJECTIVE, TARGET_TRACKING)


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it was written; `path` None: it is built in."""

    value: Any
    path: Path | None


@dataclass(frozen=True, slots=True)
class Parts:
    """The usable parts of a fleet file; list items keep the position they have in the file.

    `doubtful` are the paths of parts left out because something in them is wrong.
    """

    defaults: DefaultKeys
    classes: Mapping[str, ClassKeys]
    endpoints: Mapping[str, EndpointKeys]
    models: Mapping[int, ModelEntry]
    overrides: Mapping[int, OverrideEntry]
    schedules: Mapping[int, ScheduleEntry] = field(default_factory=dict)
    calendars: Mapping[str, CalendarKeys] = field(default_factory=dict)
    adopts: bool = False
    ceilings: CeilingsKeys = field(default_factory=CeilingsKeys)
    doubtful: frozenset[Path] = frozenset()

    @classmethod
    def of(cls, fleet: FleetFile) -> "Parts":
        """All parts of a fleet file that is right."""
        return cls(
            fleet.defaults,
            fleet.classes,
            fleet.endpoints,
            dict(enumerate(fleet.models)),
            dict(enumerate(fleet.overrides)),
            dict(enumerate(fleet.schedules)),
            fleet.calendars,
            fleet.adoption is not None,
            fleet.ceilings,
        )

    def class_keys(self, name: str) -> ClassKeys | None:
        """A class with what is built in for it; None when there is none of that name."""
        if name not in self.classes and name not in BUILT_IN_CLASSES:
            return None
        built_in = BUILT_IN_CLASSES.get(name, ClassKeys())
        own = self.classes.get(name, ClassKeys())
        return ClassKeys.model_construct(
            own.model_fields_set | built_in.model_fields_set,
            **{**built_in.stated(), **own.stated()},
        )


@dataclass(slots=True)
class Resolved:
    """One managed model with the settings that won.

    `layers` are the flattened settings by ascending precedence; `sources` the parts of the file
    they came from.
    """

    name: str
    path: Path
    settings: dict[Key, Setting] = field(default_factory=dict)
    layers: list[dict[Key, Setting]] = field(default_factory=list)
    sources: list[Path] = field(default_factory=list)

    def get(self, *key: str, default: Any = None) -> Any:
        """The value that won, or `default` where nobody stated one."""
        found = self.settings.get(key)
        return default if found is None else found.value

    def path_of(self, *key: str) -> Path:
        """Where the winning value was written; the model's own entry when nowhere."""
        found = self.settings.get(key)
        return self.path if found is None or found.path is None else found.path

    def group_of(self, *first: str) -> dict[str, Any]:
        """The settings under one key, by what follows it (`limits`, `labels`)."""
        length = len(first)
        return {
            ".".join(key[length:]): setting.value
            for key, setting in self.settings.items()
            if key[:length] == first and len(key) > length
        }

    @property
    def policy_kind(self) -> Key:
        """The kind of policy that was stated last; `objective` where none was."""
        for layer in reversed(self.layers):
            for kind in POLICY_KINDS:
                if kind in layer:
                    return kind
        return OBJECTIVE

    @property
    def single(self) -> bool:
        """Whether it has a variant to itself, so that its copies are instances."""
        return bool(self.get("kind") == "variant")

    def states(self, *key: str) -> bool:
        """Whether its own entry says so, not a general setting."""
        found = self.settings.get(key)
        return found is not None and found.path is not None and found.path[:2] == self.path

    def add(self, layer: dict[Key, Setting], source: Path | None) -> None:
        """Put a layer on top."""
        self.layers.append(layer)
        self.settings.update(layer)
        if source is not None:
            self.sources.append(source)


def resolve(parts: Parts) -> list[Resolved]:
    """Every model listed by exact name, in the order of the file (twice, if listed twice).

    A missing endpoint or variant is filled in where there is only one to choose from; an adapter
    takes both from its base.
    """
    patterns = {i: e for i, e in parts.models.items() if all(map(is_pattern, e.name))}
    models = [
        _resolve_one(parts, patterns, index, entry, position)
        for index, entry in parts.models.items()
        for position in range(len(entry.name))
        if not is_pattern(entry.name[position])
    ]
    by_name = {model.name: model for model in models}
    for model in models:
        _place(parts, model, by_name.get(model.get("adapter_of")))
    return models


def _resolve_one(
    parts: Parts, patterns: Mapping[int, ModelEntry], index: int, entry: ModelEntry, position: int
) -> Resolved:
    name = entry.name[position]
    own = [(i, e) for i, e in patterns.items() if matches(name, e.name)] + [(index, entry)]
    stated_class = [e.class_name for _, e in own if e.class_name is not None]
    class_name = stated_class[-1] if stated_class else parts.defaults.class_name or DEFAULT_CLASS
    built_in: dict[Key, Setting] = {
        ("class",): Setting(DEFAULT_CLASS, None),
        ("idle_s",): Setting(DEFAULT_IDLE_S, None),
        ("kind",): Setting("component", None),
    }
    model = Resolved(name, ("models", index))
    model.add(built_in, None)
    model.add(dict(_flat(parts.defaults, ("defaults",))), ("defaults",))
    class_keys = parts.class_keys(class_name)
    if class_keys is not None:
        own_class = parts.classes.get(class_name)
        written = own_class.model_fields_set if own_class else frozenset()
        path: Path = ("classes", class_name)
        layer = {
            key: setting if key[0] in written else Setting(setting.value, None)
            for key, setting in _flat(class_keys, path)
        }
        model.add(layer, path)
    for i, e in own:
        model.add({k: s for k, s in _flat(e, ("models", i)) if k != ("name",)}, ("models", i))
    return model


def _place(parts: Parts, model: Resolved, base: Resolved | None) -> None:
    """Fill in endpoint and variant where there is no choice."""
    if base is not None:
        for key in (("endpoint",), ("variant",)):
            if key in base.settings:
                model.settings.setdefault(key, base.settings[key])
    if len(parts.endpoints) == 1 and not _holds(parts.doubtful, "endpoints"):
        model.settings.setdefault(("endpoint",), Setting(next(iter(parts.endpoints)), None))
    endpoint = parts.endpoints.get(model.get("endpoint"))
    if endpoint is not None and len(endpoint.variants) == 1:
        model.settings.setdefault(("variant",), Setting(next(iter(endpoint.variants)), None))
    if model.single:
        _occupy(model, endpoint)


def _occupy(model: Resolved, endpoint: EndpointKeys | None) -> None:
    """A single-model variant's copy is a whole instance, and one stays whatever is general."""
    if not model.get("min_copies") and not model.states("min_copies"):
        model.settings["min_copies",] = Setting(1, None)
    keys = endpoint.variants.get(model.get("variant")) if endpoint is not None else None
    if keys is not None and not missing_hardware(keys):
        offered = variant_config(keys)
        for name in ("gpus", "cpus", "memory_mb"):
            model.settings["resources", name] = Setting(getattr(offered, name), None)


def _holds(doubtful: frozenset[Path], first: str) -> bool:
    return any(path[:1] == (first,) for path in doubtful)


def _flat(part: BaseModel, path: Path, key: Key = ()) -> Iterator[tuple[Key, Setting]]:
    """The stated keys of a part with their places, mappings opened up."""
    for name in sorted(part.model_fields_set):
        written = type(part).model_fields[name].alias or name
        value, at = getattr(part, name), (*path, written)
        if isinstance(value, BaseModel):
            yield from _flat(value, at, (*key, written))
            if (*key, written) in POLICY_KINDS:
                # An empty mapping too says which kind of policy it is.
                yield (*key, written), Setting(True, at)
        elif isinstance(value, dict):
            for inner, inner_value in value.items():
                yield (*key, written, inner), Setting(inner_value, (*at, inner))
        else:
            yield (*key, written), Setting(value, at)


def matches(name: str, names: tuple[str, ...]) -> bool:
    """Whether a model's name is among names and patterns."""
    return any(fnmatchcase(name, candidate) for candidate in names)


def selected(model: Resolved, by: Selector) -> bool:
    """Whether all conditions of an override or schedule hold for a model."""
    labels = model.group_of("labels")
    return (
        (by.name is None or matches(model.name, by.name))
        and (by.class_name is None or model.get("class") == by.class_name)
        and (by.group is None or model.get("group") == by.group)
        and (by.endpoint is None or model.get("endpoint") == by.endpoint)
        and all(labels.get(key) == value for key, value in (by.labels or {}).items())
    )
