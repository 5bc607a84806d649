"""Ceilings in GPUs: whom they name, and whether floors and single copies fit under them."""

from collections.abc import Iterator, Sequence

from icscaler.config.checks.case import Case
from icscaler.config.checks.references import known
from icscaler.config.compile import copy_resources
from icscaler.config.problems import Path, Problem
from icscaler.config.resolve import Resolved


def check(case: Case) -> Iterator[Problem]:
    """Everything about ceilings in GPUs."""
    sized = [model for model in case.scaled if ("resources", "gpus") in model.settings]
    for model in sized:
        yield from _own(case, model)
    certain = all(case.certain(model) for model in case.models)
    owners = frozenset(model.get("owner") for model in case.models) - {None}
    for name, gpus in case.parts.ceilings.classes.items():
        path: Path = ("ceilings", "classes", name)
        if name not in case.class_names and ("classes",) not in case.doubtful:
            yield case.problem(path, f"there is no class {name!r}", known(name, case.class_names))
        else:
            yield from _floors(case, path, gpus, [m for m in sized if m.get("class") == name])
    for name, gpus in case.parts.ceilings.owners.items():
        path = ("ceilings", "owners", name)
        if name not in owners and certain:
            yield case.problem(path, f"no model has the owner {name!r}", known(name, owners))
        else:
            yield from _floors(case, path, gpus, [m for m in sized if m.get("owner") == name])


def _own(case: Case, model: Resolved) -> Iterator[Problem]:
    """A ceiling of one model, which must hold a copy, and its floor."""
    most, gpus = model.get("max_gpus"), copy_resources(model).gpus
    if most is None or not gpus:
        return
    floor = model.get("min_copies", default=0)
    if floor * gpus > most:
        yield case.problem(
            model.path_of("max_gpus"),
            f"the floor of {model.name!r} needs {floor * gpus} GPUs, max_gpus is {most}",
            "raise max_gpus or lower min_copies",
        )
    elif 0 < most < gpus:
        yield case.problem(
            model.path_of("max_gpus"),
            f"a copy of {model.name!r} needs {gpus} GPUs, max_gpus is {most}: it never gets one",
            f"raise max_gpus to {gpus} or more; max_copies: 0 says that it should have none",
            warning=True,
        )


def _floors(case: Case, path: Path, gpus: int, models: Sequence[Resolved]) -> Iterator[Problem]:
    floors = sum(m.get("min_copies", default=0) * copy_resources(m).gpus for m in models)
    if floors > gpus:
        yield case.problem(
            path,
            f"the floors of its models need {floors} GPUs, the ceiling is {gpus}",
            "raise the ceiling or lower floors: a floor is never cut",
        )
