"""The fleet file that advice writes: what moves, what stays as it was written."""

from icscaler.config.compile import CompiledFleet, compile_fleet
from icscaler.config.load import load_fleet
from icscaler_cli.advise.homes import OwnHome, endpoint_name, rehomed, retyped

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


def test_an_endpoints_name_stays_within_sagemakers_63_characters() -> None:
    assert endpoint_name("a" * 63) == "a" * 59 + "-own"
    assert endpoint_name("a" * 58 + "-bcd") == "a" * 58 + "-own"
