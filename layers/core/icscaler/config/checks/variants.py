"""Models that have a variant to themselves (`kind: variant`): what they can't have, or share."""

from collections.abc import Iterator

from icscaler.config.checks.case import Case
from icscaler.config.problems import Problem
from icscaler.config.resolve import Resolved


def check(case: Case) -> Iterator[Problem]:
    """Everything about single-model variants."""
    for model in case.models:
        base = model.get("adapter_of")
        if base is not None:
            yield from _adapter(case, model, base)
        elif model.single and case.certain(model):
            yield from _instances(case, model)
            yield from _managed_scaling(case, model)
    yield from _alone(case)


def _adapter(case: Case, model: Resolved, base_name: str) -> Iterator[Problem]:
    base = next((one for one in case.models if one.name == base_name), None)
    if base is not None and base.single:
        yield case.problem(
            model.path_of("adapter_of"),
            f"the base {base_name!r} has a variant to itself",
            "adapters live in the copies of an inference component",
        )


def _instances(case: Case, model: Resolved) -> Iterator[Problem]:
    """Its copies are instances, and one stays."""
    own = model.layers[-1]
    stated = [one.path for key, one in own.items() if key[0] == "resources" and one.path]
    if stated:
        yield case.problem(
            stated[0][:3],
            f"{model.name!r} has its variant to itself: a copy is a whole instance",
            "take resources out; where the built-in table is wrong about the instance type, "
            "correct it with `hardware` of the variant",
        )
    if model.states("idle_s"):
        yield case.problem(
            model.path_of("idle_s"),
            f"{model.name!r} has its variant to itself, which keeps one instance, idle or not",
            "take idle_s out; a model that should go to zero must be an inference component",
        )
    for key in ("min_copies", "max_copies"):
        if model.get(key) == 0:
            yield case.problem(
                model.path_of(key),
                f"{model.name!r} has its variant to itself, which keeps one instance at least",
                f"set {key} to 1 or more; a model that should go to zero must be an inference "
                "component",
            )


def _managed_scaling(case: Case, model: Resolved) -> Iterator[Problem]:
    """SageMaker refuses ManagedInstanceScaling on a variant with a ModelName."""
    endpoint, variant = model.get("endpoint"), model.get("variant")
    keys = case.parts.endpoints.get(endpoint)
    there = keys.variants.get(variant) if keys is not None else None
    for key in ("min_instances", "scale_in"):
        if there is not None and getattr(there, key) is not None:
            yield case.problem(
                ("endpoints", endpoint, "variants", variant, key),
                f"{model.name!r} has the variant to itself, which can't have managed instance "
                "scaling",
                f"take {key} out; min_copies and max_copies of the model say how many instances",
            )


def _alone(case: Case) -> Iterator[Problem]:
    taken: dict[tuple[str, str], Resolved] = {}
    ordered = sorted(case.scaled, key=lambda model: not model.single)
    for model in ordered:
        place = (model.get("endpoint"), model.get("variant"))
        if None in place:
            continue
        first = taken.setdefault(place, model)
        if first is not model and first.single:
            yield case.problem(
                model.path,
                f"{first.name!r} has variant {place[1]!r} of endpoint {place[0]!r} to itself, but "
                f"{model.name!r} is on it too",
                "give each model with `kind: variant` a variant of its own",
            )
