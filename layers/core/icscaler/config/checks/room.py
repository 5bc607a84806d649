"""Copies against instances: a copy must fit on one, and all floors of a variant side by side."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from icscaler.config.checks.case import Case
from icscaler.config.compile import copy_resources
from icscaler.config.hardware import missing_hardware, variant_config
from icscaler.config.instances import CATALOGUE
from icscaler.config.problems import Path, Problem, did_you_mean
from icscaler.config.resolve import Resolved
from icscaler.config.schema import VariantKeys
from icscaler.entities import CopyResources, VariantConfig
from icscaler.packing import Packing

# Laying out takes time by the square; beyond this only the counts are compared.
_MAX_LAID_OUT = 500
_WORDS = {"gpus": "GPUs", "cpus": "vCPUs", "memory_mb": "MB of host memory"}


def check(case: Case) -> Iterator[Problem]:
    """Everything about room."""
    placed = _by_variant(case)
    for endpoint, keys in case.parts.endpoints.items():
        for variant, variant_keys in keys.variants.items():
            path: Path = ("endpoints", endpoint, "variants", variant)
            if missing := missing_hardware(variant_keys):
                yield _unknown_type(case, path, variant_keys, missing)
                continue
            there = placed[endpoint, variant]
            offered = variant_config(variant_keys)
            yield from _sizes(case, offered, there)
            if all(_too_big(model, offered) is None for model in there):
                floors = {model.name: model.get("min_copies", default=0) for model in there}
                yield from floors_fit(case, (*path, "max_instances"), offered, there, floors)


def variants(case: Case) -> Iterator[tuple[VariantConfig, list[Resolved]]]:
    """Every variant whose hardware is known, with the models on it that fit an instance."""
    placed = _by_variant(case)
    for endpoint, keys in case.parts.endpoints.items():
        for variant, variant_keys in keys.variants.items():
            if not missing_hardware(variant_keys):
                offered = variant_config(variant_keys)
                there = placed[endpoint, variant]
                yield offered, [m for m in there if _too_big(m, offered) is None]


def _unknown_type(case: Case, path: Path, keys: VariantKeys, missing: Sequence[str]) -> Problem:
    near = did_you_mean(keys.instance_type, CATALOGUE)
    figures = ", ".join(f"{name}: ..." for name in missing)
    return case.problem(
        (*path, "instance_type"),
        f"what {keys.instance_type} offers is not known",
        f"{near} If the type is right, say so with `hardware: {{{figures}}}`".strip(),
    )


def _by_variant(case: Case) -> dict[tuple[str, str], list[Resolved]]:
    """The models whose size is known, by endpoint and variant."""
    sized = {("resources", "gpus"), ("resources", "memory_mb")}
    found: dict[tuple[str, str], list[Resolved]] = defaultdict(list)
    for model in case.scaled:
        if sized <= model.settings.keys():
            found[model.get("endpoint"), model.get("variant")].append(model)
    return found


def _sizes(case: Case, variant: VariantConfig, models: Sequence[Resolved]) -> Iterator[Problem]:
    for model in models:
        if too_big := _too_big(model, variant):
            yield case.problem(
                model.path_of("resources", too_big[0]),
                f"a copy of {model.name!r} {too_big[1]}",
                _size_remedy(variant, too_big[0]),
            )
        else:
            yield from _unreachable_ceiling(case, model, variant)


def _too_big(model: Resolved, variant: VariantConfig) -> tuple[str, str] | None:
    """The key in which a copy is larger than an instance, and how."""
    copy = copy_resources(model)
    for name, words in _WORDS.items():
        need, offered = getattr(copy, name), getattr(variant, name)
        if need > offered:
            return name, f"needs {need:g} {words}, one {variant.instance_type} offers {offered:g}"
    return None


def _size_remedy(variant: VariantConfig, name: str) -> str:
    if name == "memory_mb" and variant.instance_type in CATALOGUE:
        host_mb = CATALOGUE[variant.instance_type].host_gib * 1024
        return (
            f"reserve less, or use a larger type. Of its {host_mb} MB copies can't reserve all; "
            "if more than that is known to work, set `hardware: {memory_mb: ...}` on the variant"
        )
    return "a copy must fit on one instance: reserve less, or use a larger instance type"


def _unreachable_ceiling(case: Case, model: Resolved, variant: VariantConfig) -> Iterator[Problem]:
    """Only where the model itself asks for it: a general ceiling may be meant for small models."""
    path = model.path_of("max_copies")
    most = _most_copies(copy_resources(model), variant)
    ceiling = model.get("max_copies")
    if most is None or ceiling is None or path[0] != "models" or ceiling <= most:
        return
    yield case.problem(
        path,
        f"{model.name!r} can never have {ceiling} copies: {most} fill the "
        f"{variant.max_instances} {variant.instance_type}",
        "lower max_copies, or raise the variant's max_instances",
        warning=True,
    )


def _most_copies(copy: CopyResources, variant: VariantConfig) -> int | None:
    """How many copies of one size fit on the variant; None when it has no stated end."""
    if variant.max_instances is None:
        return None
    sizes = [(getattr(copy, name), getattr(variant, name)) for name in _WORDS]
    return variant.max_instances * min(int(offered // need) for need, offered in sizes if need)


def floors_fit(
    case: Case,
    path: Path,
    variant: VariantConfig,
    models: Sequence[Resolved],
    floors: Mapping[str, int],
) -> Iterator[Problem]:
    """An error when no placement of the floors exists; a warning when none was found."""
    if variant.max_instances is None:
        return
    demand = [(copy_resources(model), floors[model.name]) for model in models]
    lacking = _lacking(demand, variant, variant.max_instances)
    if lacking is None and _laid_out(demand, variant, variant.max_instances):
        return
    wanted = sorted(
        (model for model in models if floors[model.name]),
        key=lambda model: (-floors[model.name] * copy_resources(model).gpus, model.name),
    )
    listed = ", ".join(
        f"{model.name} {floors[model.name]} x {copy_resources(model).gpus} GPUs"
        for model in wanted[:4]
    ) + (f" and {len(wanted) - 4} more" if len(wanted) > 4 else "")
    there = f"{variant.max_instances} x {variant.instance_type}"
    remedy = f"raise max_instances or lower floors: {listed}"
    if lacking is not None:
        yield case.problem(path, f"the floors do not fit on {there}: {lacking}", remedy)
    else:
        yield case.problem(
            path,
            f"the floors fill {there} so far that no placement of them was found",
            remedy,
            warning=True,
        )


def _laid_out(
    demand: Sequence[tuple[CopyResources, int]], variant: VariantConfig, instances: int
) -> bool:
    """Whether first-fit by falling size finds a place for every copy."""
    if sum(copies for _, copies in demand) > _MAX_LAID_OUT:
        return True
    every = [size for size, copies in demand for _ in range(copies)]
    return Packing.of(variant, instances).add_all(every)


def _lacking(
    demand: Sequence[tuple[CopyResources, int]], variant: VariantConfig, instances: int
) -> str | None:
    """Proof that no placement exists, in words: too much in sum, or too many large copies."""
    for name, words in _WORDS.items():
        offered = getattr(variant, name)
        sizes = [(getattr(size, name), copies) for size, copies in demand if copies]
        total = sum(size * copies for size, copies in sizes)
        if total > offered * instances + 1e-6:
            return f"they need {total:g} {words}, there are {offered * instances:g}"
        for large in sorted({size for size, _ in sizes if size}):
            count = sum(copies for size, copies in sizes if size >= large)
            most = instances * int(offered // large)
            if count > most:
                return f"{count} copies need {large:g} or more {words} each, {most} such fit"
    return None
