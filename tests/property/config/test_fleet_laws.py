"""Laws of the fleet file: what is accepted compiles, fits, and has one version however written."""

import copy
import random
from dataclasses import asdict
from typing import Any

import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from icscaler.adapters import codec
from icscaler.config.compile import CompiledFleet, compile_fleet
from icscaler.config.load import load_fleet
from icscaler.config.problems import FleetFileError, Problem
from icscaler.entities import EndpointConfig

NAMES = [f"model-{letter}" for letter in "abcdefgh"]
COPIES = st.integers(0, 6)
FEW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


def some_of(keys: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with any of these keys."""
    return st.fixed_dictionaries({}, optional=keys)


LIMITS = some_of(
    {
        "scale_out_step_copies": st.integers(1, 10),
        "scale_in_step_fraction": st.sampled_from([0, 0.25, 1]),
        "minimum_life_s": st.integers(0, 3600),
    }
)
SHARED: dict[str, st.SearchStrategy[Any]] = {
    "min_copies": st.integers(0, 2),
    "max_copies": st.integers(2, 6),
    "idle_s": st.one_of(st.integers(60, 7200), st.just("never")),
    "limits": LIMITS,
    "observe": st.booleans(),
    "paused": st.booleans(),
    "spike_alarm": st.booleans(),
    "policy": st.builds(
        lambda metric, value: {"target_tracking": {"metric": metric, "target_value": value}},
        st.sampled_from(["concurrency", "invocations"]),
        st.sampled_from([1, 4, 4.0, 24.5]),
    ),
}
MODEL = some_of(
    SHARED
    | {
        "class": st.sampled_from(["critical", "interactive", "batch", "mine"]),
        "resources": st.fixed_dictionaries({"gpus": st.integers(0, 4)}),
        "labels": st.dictionaries(st.sampled_from("xyz"), st.sampled_from("12")),
        "group": st.sampled_from(["one", "two"]),
        "endpoint": st.sampled_from(["first", "second"]),
    }
)
SINGLE = some_of(
    {
        "min_copies": st.integers(1, 2),
        "max_copies": st.integers(2, 6),
        "class": st.sampled_from(["critical", "interactive", "mine"]),
        "spike_alarm": st.booleans(),
    }
)
OVERRIDE = st.fixed_dictionaries(
    {
        "select": st.sampled_from([{"name": "*"}, {"name": "model-?"}, {"class": "batch"}]),
        "until": st.sampled_from(["2030-01-01T00:00:00Z", "2030-01-01T01:00:00+01:00"]),
        "reason": st.just("because"),
        "max_copies": COPIES,
    },
    optional={"paused": st.booleans()},
)


@st.composite
def fleets(draw: st.DrawFn) -> dict[str, Any]:
    """Fleet files that are mostly right."""
    defaults: dict[str, Any] = {
        "max_copies": 4,
        "resources": {"gpus": 1, "memory_mb": 4096},
        "policy": {"target_tracking": {"metric": "concurrency", "target_value": 8}},
    } | draw(some_of(SHARED))
    variant = {"instance_type": "ml.g5.12xlarge", "max_instances": draw(st.integers(1, 6))}
    models: list[dict[str, Any]] = [
        {"name": "model-*", **draw(MODEL)} for _ in range(draw(st.integers(0, 2)))
    ]
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    cut = draw(st.integers(1, len(names)))
    models += [{"name": names[:cut], "endpoint": "first", **draw(MODEL)}]
    models += [{"name": name, "endpoint": "second", **draw(MODEL)} for name in names[cut:]]
    models += [{"name": "alone", "endpoint": "own", "kind": "variant", **draw(SINGLE)}]
    return {
        "version": 1,
        "defaults": defaults,
        "classes": {"mine": {"worth": draw(st.sampled_from([1, 1.0, 7])), **draw(some_of(SHARED))}},
        "endpoints": {
            "first": {"variants": {"AllTraffic": variant}},
            "second": {"variants": {"AllTraffic": dict(variant)}, "observe": draw(st.booleans())},
            "own": {"variants": {"AllTraffic": dict(variant)}},
        },
        "models": models,
        "overrides": draw(st.lists(OVERRIDE, max_size=2)),
    }


def compiled(fleet: dict[str, Any]) -> CompiledFleet:
    """The fleet, or a case that Hypothesis should not count."""
    try:
        return compile_fleet(load_fleet(yaml.safe_dump(fleet)))
    except FleetFileError:
        assume(False)
        raise


def shuffled(value: Any, order: random.Random) -> Any:
    """The same mappings with their keys in another order; lists stay."""
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: shuffled(value[key], order) for key in keys}
    return [shuffled(one, order) for one in value] if isinstance(value, list) else value


def without_version(fleet: CompiledFleet) -> dict[str, Any]:
    return {name: asdict(one) | {"version": ""} for name, one in fleet.endpoints.items()}


@FEW
@given(fleets())
def test_floors_stay_under_ceilings_and_copies_fit_on_an_instance(fleet: dict[str, Any]) -> None:
    result = compiled(fleet)
    for endpoint in result.endpoints.values():
        for model in endpoint.models.values():
            variant = endpoint.variants[model.variant]
            assert 0 <= model.min_copies <= model.max_copies
            assert model.min_copies >= 1 or not model.protected
            assert model.worth > 0
            assert model.resources.gpus <= variant.gpus
            assert model.resources.memory_mb <= variant.memory_mb


@FEW
@given(fleets())
def test_a_single_model_variants_copy_is_an_instance_and_one_stays(fleet: dict[str, Any]) -> None:
    """Whatever defaults, classes and patterns say of resources and floors."""
    endpoint = compiled(fleet).endpoints["own"]
    model, variant = endpoint.models["alone"], endpoint.variants["AllTraffic"]
    copy_of = model.resources
    assert (copy_of.gpus, copy_of.cpus, copy_of.memory_mb) == (
        variant.gpus,
        variant.cpus,
        variant.memory_mb,
    )
    assert model.min_copies >= 1
    assert model.kind == "variant"


@FEW
@given(fleets())
def test_all_floors_of_a_variant_have_their_gpus(fleet: dict[str, Any]) -> None:
    for endpoint in compiled(fleet).endpoints.values():
        (variant,) = endpoint.variants.values()
        wanted = sum(m.min_copies * m.resources.gpus for m in endpoint.models.values())
        assert variant.max_instances is not None
        assert wanted <= variant.max_instances * variant.gpus


@FEW
@given(fleets(), st.randoms(use_true_random=False), st.booleans())
def test_version_and_content_do_not_depend_on_how_it_is_written(
    fleet: dict[str, Any], order: random.Random, flow: bool
) -> None:
    result = compiled(fleet)
    text = yaml.safe_dump(
        shuffled(fleet, order), sort_keys=False, default_flow_style=flow, indent=4, width=40
    )
    again = compile_fleet(load_fleet(f"# a comment\n{text}"))
    assert again.version == result.version
    assert again.endpoints == result.endpoints
    assert list(again.endpoints) == sorted(again.endpoints)


@FEW
@given(fleets())
def test_listing_models_together_or_apart_is_the_same(fleet: dict[str, Any]) -> None:
    result = compiled(fleet)
    apart = copy.deepcopy(fleet)
    apart["models"] = [
        {**entry, "name": name}
        for entry in fleet["models"]
        for name in (entry["name"] if isinstance(entry["name"], list) else [entry["name"]])
    ]
    assert compile_fleet(load_fleet(yaml.safe_dump(apart))).version == result.version


@FEW
@given(fleets(), fleets())
def test_equal_version_exactly_when_equal_content(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    first, second = compiled(one), compiled(other)
    same = without_version(first) == without_version(second)
    assert (first.version == second.version) == same


@FEW
@given(fleets())
def test_what_is_compiled_survives_the_state_table(fleet: dict[str, Any]) -> None:
    for endpoint in compiled(fleet).endpoints.values():
        stored = codec.decode(codec.encode(endpoint), EndpointConfig)
        assert stored == endpoint
        assert codec.encode(stored) == codec.encode(endpoint)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@settings(max_examples=80, deadline=None)
@given(fleets(), st.data())
def test_anything_put_anywhere_is_accepted_or_refused_with_places(
    fleet: dict[str, Any], data: st.DataObject
) -> None:
    """One value of a file replaced by any other: never another exception, never a lost place."""
    fleet = copy.deepcopy(fleet)  # parts of it are shared with the strategies
    holder: Any = fleet
    while True:
        keys = list(range(len(holder))) if isinstance(holder, list) else sorted(holder)
        key = data.draw(st.sampled_from(keys))
        inner = holder[key]
        if not (isinstance(inner, dict | list) and inner) or data.draw(st.booleans()):
            break
        holder = inner
    holder[key] = data.draw(JSON)
    refused_or_compiled(yaml.safe_dump(fleet, allow_unicode=True))


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=200) | st.text(alphabet="ab:-[]{}&*<!|>#'\" \n\t1", max_size=60))
def test_any_text_is_refused_with_places(text: str) -> None:
    refused_or_compiled(text)


def refused_or_compiled(text: str) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        compile_fleet(load_fleet(text, at_s=1_795_000_000))
    except FleetFileError as error:
        problems = error.problems
    else:
        return
    assert any(problem.severity == "error" for problem in problems)
    assert all(problem.line <= len(text.splitlines()) + 1 for problem in problems)
    assert all(problem.problem for problem in problems)
