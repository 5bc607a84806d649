"""The fleet file that advice writes: what moves, what stays as it was written."""

from icscaler.config.compile import CompiledFleet, compile_fleet
from icscaler.config.load import load_fleet
from icscaler_cli.advise.homes import OwnHome, endpoint_name, rehomed, resized, retyped
from icscaler_cli.advise.resize import Measurement, lowered, stated
from icscaler_sim.traces import MeasuredUse
from tests.unit.simulate.builders import trace

TEXT = """
version: 1
defaults:
  idle_s: 600
  max_copies: 2
  policy: {target_tracking: {metric: concurrency, target_value: 20}}
endpoints:
  shared: {variants: {AllTraffic: {instance_type: ml.p4d.24xlarge, max_instances: 4}}}
classes: {own: {worth: 3}}
models:
  - {name: "heavy-*", labels: {kind: heavy}}
  - {name: [heavy-a, heavy-b], class: critical, min_copies: 9, max_copies: 16, idle_s: never,
     resources: {gpus: 1, cpus: 8, memory_mb: 20000}}
  - {name: rare, class: own, resources: {gpus: 4, cpus: 8, memory_mb: 20000}}
  - {name: learner, concurrent_requests_per_copy: 16, resources: {gpus: 2, memory_mb: 20000},
     policy: {objective: {}}}
"""
P4D = OwnHome("ml.p4d.24xlarge", 8, 4)


def compiled(text: str) -> CompiledFleet:
    return compile_fleet(load_fleet(text))


def test_what_moves_has_instances_for_copies_and_what_stays_is_as_it_was() -> None:
    text = rehomed(TEXT, "fleet.yaml", {"heavy-a": P4D}, compiled(TEXT))
    before, after = compiled(TEXT).endpoints, compiled(text).endpoints
    assert sorted(after) == ["heavy-a-own", "shared"]
    assert after["shared"].models == {
        name: model for name, model in before["shared"].models.items() if name != "heavy-a"
    }
    own = after["heavy-a-own"].models["heavy-a"]
    assert (own.kind, own.min_copies, own.max_copies) == ("variant", 2, 4)
    assert own.policy is not None
    assert own.policy.target_value == 160.0
    assert own.class_name == "critical"
    assert after["heavy-a-own"].variants["AllTraffic"].max_instances == 4


def test_slots_of_an_instance_are_those_of_its_workers() -> None:
    home = OwnHome("ml.p4d.24xlarge", 4, 2)
    text = rehomed(TEXT, "fleet.yaml", {"learner": home}, compiled(TEXT))
    own = compiled(text).endpoints["learner-own"].models["learner"]
    assert own.concurrent_requests_per_copy == 64
    assert own.policy is None


def test_an_endpoint_that_nobody_lives_on_any_more_is_gone() -> None:
    names = compiled(TEXT).endpoints["shared"].models
    text = rehomed(TEXT, "fleet.yaml", dict.fromkeys(names, P4D), compiled(TEXT))
    assert "shared" not in compiled(text).endpoints
    assert rehomed(TEXT, "fleet.yaml", {}, compiled(TEXT)).startswith("# Written by")


def test_another_instance_type_for_a_shared_endpoint() -> None:
    text = retyped(TEXT, "fleet.yaml", {"shared": ("ml.p5.48xlarge", 3)})
    variant = compiled(text).endpoints["shared"].variants["AllTraffic"]
    assert (variant.instance_type, variant.max_instances) == ("ml.p5.48xlarge", 3)


def test_less_is_reserved_where_it_was_measured_and_the_file_says_so() -> None:
    uses = {
        "heavy-b": {
            "cpus": MeasuredUse("heavy-b", "cpus", 8.0, 5.0, 10.0, 20.0, 90_000),
            "memory_mb": MeasuredUse("heavy-b", "memory_mb", 20_000.0, 70.0, 99.0, 99.0, 90_000),
        },
        "rare": {"cpus": MeasuredUse("rare", "cpus", 8.0, 5.0, 10.0, 20.0, 90_000)},
    }
    before = compiled(TEXT)
    measurement = Measurement(uses, resize=True)
    found = measurement.judge(before, trace({"heavy-b": [9], "rare": [0]}))
    assert lowered(found) == {"heavy-b": {"cpus": 2}}
    text = resized(TEXT, "fleet.yaml", lowered(found))
    after = compiled(text)
    for name, model in before.endpoints["shared"].models.items():
        now = after.endpoints["shared"].models[name]
        assert now.resources.cpus == (2.0 if name == "heavy-b" else model.resources.cpus)
        assert now.resources.memory_mb == model.resources.memory_mb
        assert now.idle_s == model.idle_s
    said = stated(text, after, found, 0.25)
    assert compiled(said).endpoints.keys() == after.endpoints.keys()
    assert "#   heavy-b: cpus 8 -> 2\n" in said
    assert "the most that was measured and 25%" in said
    moved = rehomed(text, "fleet.yaml", {"heavy-b": P4D}, after)
    assert stated(moved, compiled(moved), found, 0.25) == moved, "an instance reserves nothing"


def test_an_endpoints_name_stays_within_sagemakers_63_characters() -> None:
    assert endpoint_name("a" * 63) == "a" * 59 + "-own"
    assert endpoint_name("a" * 58 + "-bcd") == "a" * 58 + "-own"
