"""Names that must lead somewhere: classes, endpoints, variants, bases, groups; and be unique."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from icscaler.config.checks.case import Case
from icscaler.config.problems import Path, Problem, did_you_mean
from icscaler.config.resolve import BUILT_IN_CLASSES, Resolved, matches
from icscaler.config.values import is_pattern

# What an adapter may say of itself; all else is its base's.
_ADAPTER_KEYS = frozenset({"name", "adapter_of", "endpoint", "labels", "group", "owner"})


def check(case: Case) -> Iterator[Problem]:
    """Everything about names."""
    yield from _entries(case)
    yield from _classes(case)
    for model in case.models:
        yield from _placement(case, model)
        yield from _adapter(case, model)
    yield from _endpoints(case)
    yield from _groups(case)


def _entries(case: Case) -> Iterator[Problem]:
    first: dict[str, Path] = {}
    for index, entry in case.parts.models.items():
        path: Path = ("models", index)
        patterns = [name for name in entry.name if is_pattern(name)]
        if patterns and len(patterns) < len(entry.name):
            yield case.problem(
                (*path, "name"),
                f"mixes names and patterns ({patterns[0]!r})",
                "use two entries: one lists models, the other gives settings",
            )
        elif patterns and not _adopts_or_matches(case, entry.name):
            yield case.problem(
                (*path, "name"),
                f"no model matches {', '.join(map(repr, patterns))}",
                "patterns only give settings to models listed by their exact name elsewhere",
                warning=True,
            )
        for position, name in enumerate(entry.name):
            here: Path = (*path, "name", position)
            if name in first and not is_pattern(name):
                line = case.document.place(first[name]).line
                yield case.problem(
                    here,
                    f"{name!r} is listed twice, first in line {line}",
                    "a component's name is unique in an account and Region: keep one entry",
                )
            first.setdefault(name, here)
    none_listed = not case.model_names and not case.parts.adopts
    if none_listed and ("models",) not in case.doubtful and case.parts.models:
        yield case.problem(
            ("models",),
            "no model is listed by its exact name",
            "only components listed by name are managed; patterns give settings to them",
        )


def _adopts_or_matches(case: Case, patterns: tuple[str, ...]) -> bool:
    """Whether some model is, or by its tag may be, what patterns are for."""
    return case.parts.adopts or any(matches(name, patterns) for name in case.model_names)


def _classes(case: Case) -> Iterator[Problem]:
    for name, keys in case.parts.classes.items():
        if name not in BUILT_IN_CLASSES and keys.worth is None:
            near = did_you_mean(name, BUILT_IN_CLASSES)
            yield case.problem(
                ("classes", name),
                "a class of your own must say what it is worth",
                f"{near} or add `worth:` (critical has 100, interactive 10, batch 1)".removeprefix(
                    " or "
                ),
            )
    used = [(model.get("class"), model.path_of("class")) for model in case.models]
    stated = case.parts.defaults.class_name
    if stated is not None:
        used.append((stated, ("defaults", "class")))
    for name, path in used:
        if name not in case.class_names and ("classes",) not in case.doubtful:
            yield case.problem(path, f"there is no class {name!r}", known(name, case.class_names))


def known(name: str, names: Iterable[str]) -> str:
    listed = sorted(names)
    shown = ", ".join(listed[:8]) + (", ..." if len(listed) > 8 else "")
    return f"{did_you_mean(name, listed)} known: {shown}".strip()


def _placement(case: Case, model: Resolved) -> Iterator[Problem]:
    """Endpoint and variant; those of adapters are their base's."""
    base = model.get("adapter_of")
    if base is not None and ("endpoint",) not in model.settings:
        return
    endpoint = model.get("endpoint")
    if ("endpoints",) in case.doubtful:
        return
    if endpoint is None:
        if len(case.endpoint_names) > 1:
            yield case.problem(
                model.path,
                "names no endpoint, and the file has several",
                f"add `endpoint:`, one of {', '.join(sorted(case.endpoint_names))}",
            )
        return
    if endpoint not in case.endpoint_names:
        yield case.problem(
            model.path_of("endpoint"),
            f"there is no endpoint {endpoint!r}",
            known(endpoint, case.endpoint_names),
        )
        return
    keys = case.parts.endpoints.get(endpoint)
    if keys is None:
        return
    variant = model.get("variant")
    if variant is None:
        yield case.problem(
            model.path,
            f"names no variant, and endpoint {endpoint!r} has several",
            f"add `variant:`, one of {', '.join(sorted(keys.variants))}",
        )
    elif variant not in keys.variants:
        yield case.problem(
            model.path_of("variant"),
            f"endpoint {endpoint!r} has no variant {variant!r}",
            known(variant, keys.variants),
        )


def _adapter(case: Case, model: Resolved) -> Iterator[Problem]:
    base_name = model.get("adapter_of")
    if base_name is None:
        return
    path = model.path_of("adapter_of")
    entry = case.parts.models[int(model.path[1])]
    written = {type(entry).model_fields[n].alias or n for n in entry.model_fields_set}
    for key in sorted(written - _ADAPTER_KEYS):
        yield case.problem(
            (*model.path, key),
            f"an adapter has no {key} of its own",
            f"it lives in the copies of {base_name!r}: set it there",
        )
    if base_name not in case.model_names or base_name == model.name:
        near = did_you_mean(base_name, case.model_names - {model.name})
        yield case.problem(
            path, f"the base {base_name!r} is no other model of this file", near or "list it"
        )
        return
    base = next((one for one in case.models if one.name == base_name), None)
    if base is None:
        return
    if base.get("adapter_of") is not None:
        yield case.problem(
            path, f"the base {base_name!r} is itself an adapter", "name the base of both"
        )
    elif base.get("endpoint") != model.get("endpoint") and case.certain(base):
        yield case.problem(
            model.path_of("endpoint"),
            f"the base {base_name!r} is on endpoint {base.get('endpoint')!r}",
            "an adapter is where its base is: take `endpoint:` out",
        )


def _endpoints(case: Case) -> Iterator[Problem]:
    used = {model.get("endpoint") for model in case.models}
    if case.parts.adopts or any(path[0] in ("models", "endpoints") for path in case.doubtful):
        return
    for name in case.parts.endpoints:
        if name not in used:
            yield case.problem(
                ("endpoints", name),
                "no model of this file is on it",
                "its components will be reported as unmanaged; list them, or take it out",
                warning=True,
            )


def _groups(case: Case) -> Iterator[Problem]:
    spread: dict[str, dict[str, Path]] = defaultdict(dict)
    sizes: Counter[str] = Counter()
    for model in case.models:
        if (group := model.get("group")) and (endpoint := model.get("endpoint")):
            spread[group].setdefault(endpoint, model.path_of("group"))
            sizes[group] += 1
    if not case.parts.adopts and all(case.certain(model) for model in case.models):
        for group in sorted(name for name, size in sizes.items() if size == 1):
            yield case.problem(
                next(iter(spread[group].values())),
                f"group {group!r} has one member only",
                f"{did_you_mean(group, sizes.keys() - {group})} A group wakes its members "
                "together; to select models use `labels`".strip(),
                warning=True,
            )
    for group, places in spread.items():
        if len(places) > 1:
            yield case.problem(
                list(places.values())[-1],
                f"group {group!r} is on several endpoints: {', '.join(sorted(places))}",
                "each endpoint decides for itself, so it looks after its part of the group only",
                warning=True,
            )
