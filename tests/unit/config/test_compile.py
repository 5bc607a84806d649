"""Which setting wins, and what a fleet file becomes."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from icscaler.config.compile import CompiledFleet, compile_fleet
from icscaler.config.instances import CATALOGUE
from icscaler.config.load import load_fleet
from icscaler.config.problems import FleetFileError
from icscaler.entities import CopyResources, ModelConfig, Override

HEAD = """
version: 1
defaults:
  max_copies: 4
  resources: {gpus: 1, cpus: 4, memory_mb: 20000}
  policy: {target_tracking: {metric: concurrency, target_value: 16}}
endpoints:
  shared:
    variants:
      AllTraffic: {instance_type: ml.g5.12xlarge}
"""


def fleet(text: str) -> CompiledFleet:
    return compile_fleet(load_fleet(HEAD + text))


def model(text: str, name: str = "chat") -> ModelConfig:
    return fleet(text).endpoints["shared"].models[name]


# (rest of the file, key of the compiled model, value)
PRECEDENCE = [
    pytest.param("models: [{name: chat}]", "idle_s", 900, id="built in"),
    pytest.param("models: [{name: chat}]", "class_name", "interactive", id="built-in class"),
    pytest.param("models: [{name: chat}]", "max_copies", 4, id="defaults"),
    pytest.param(
        "models: [{name: chat, class: critical}]", "min_copies", 1, id="built-in class settings"
    ),
    pytest.param(
        "classes: {interactive: {max_copies: 5}}\nmodels: [{name: chat}]",
        "max_copies",
        5,
        id="class over defaults",
    ),
    pytest.param(
        "classes: {critical: {max_copies: 5}}\nmodels: [{name: chat, class: critical}]",
        "worth",
        100.0,
        id="a built-in class keeps what is not rewritten",
    ),
    pytest.param(
        "classes: {interactive: {max_copies: 5}}\n"
        "models: [{name: chat}, {name: 'ch*', max_copies: 6}]",
        "max_copies",
        6,
        id="pattern over class, wherever it stands",
    ),
    pytest.param(
        "models: [{name: 'c*', max_copies: 6}, {name: '*t', max_copies: 7}, {name: chat}]",
        "max_copies",
        7,
        id="later pattern over earlier",
    ),
    pytest.param(
        "models: [{name: chat, max_copies: 8}, {name: '*', max_copies: 6}]",
        "max_copies",
        8,
        id="exact entry over pattern",
    ),
    pytest.param(
        "models: [{name: '*', class: batch}, {name: chat}]", "worth", 1.0, id="class by pattern"
    ),
    pytest.param(
        "models: [{name: '*', class: batch}, {name: chat, class: critical}]",
        "worth",
        100.0,
        id="own class over a pattern's",
    ),
    pytest.param(
        "models: [{name: '?hat', owner: me}, {name: chat}]", "owner", "me", id="? is one character"
    ),
    pytest.param(
        "models: [{name: '*', max_copies: 6}, {name: chat, resources: {gpus: 2}}]",
        "resources",
        CopyResources(2, 4.0, 20000),
        id="resources are merged key by key",
    ),
    pytest.param("models: [{name: chat, idle_s: never}]", "idle_s", None, id="never idle"),
]


@pytest.mark.parametrize(("text", "key", "value"), PRECEDENCE)
def test_which_setting_wins(text: str, key: str, value: Any) -> None:
    assert getattr(model(text), key) == value


def test_policy_and_limits_are_merged_key_by_key() -> None:
    found = model(
        """
classes:
  interactive:
    policy: {target_tracking: {scale_in_cooldown_s: 60}}
    limits: {minimum_life_s: 120}
models:
  - name: chat
    policy: {target_tracking: {target_value: 5}}
    limits: {scale_out_step_copies: 9}
"""
    )
    assert found.policy.metric == "concurrency"
    assert (found.policy.target_value, found.policy.scale_in_cooldown_s) == (5.0, 60)
    assert (found.limits.minimum_life_s, found.limits.scale_out_step_copies) == (120, 9)
    assert found.limits.scale_in_step_fraction == 0.5


def test_an_adapter_reserves_nothing_and_scales_with_its_base() -> None:
    text = """
models:
  - {name: lora, adapter_of: base, owner: tuners}
  - {name: base, class: critical, max_copies: 3, idle_s: never}
"""
    adapter, base = model(text, "lora"), model(text, "base")
    assert adapter.adapter_of == "base"
    assert adapter.owner == "tuners"
    assert adapter.resources == CopyResources(0, 0.0, 0)
    same = {one.name for one in fields(ModelConfig)} - {"name", "adapter_of", "owner", "resources"}
    assert all(getattr(adapter, key) == getattr(base, key) for key in same)


def test_overrides_reach_the_models_they_select_in_seconds_of_utc() -> None:
    compiled = fleet(
        """
models:
  - {name: chat, labels: {stage: production}, group: product}
  - {name: code, labels: {stage: test}, group: product}
overrides:
  - select: {group: product, labels: {stage: production}}
    from: 2027-01-01T00:00:00+01:00
    until: 2027-01-02T00:00:00Z
    reason: launch
    min_copies: 2
  - {select: {name: "c*"}, until: 2027-01-02T00:00:00Z, reason: freeze, paused: true}
"""
    )
    models = compiled.endpoints["shared"].models
    freeze = Override(until_s=1_798_848_000, reason="freeze", paused=True)
    launch = Override(until_s=1_798_848_000, reason="launch", from_s=1_798_758_000, min_copies=2)
    assert models["chat"].overrides == (launch, freeze)
    assert models["code"].overrides == (freeze,)
    assert models["chat"].labels == (("stage", "production"),)


def test_hardware_of_the_file_corrects_the_catalogue() -> None:
    text = HEAD.replace("ml.g5.12xlarge", "ml.g5.12xlarge, hardware: {memory_mb: 150000}")
    compiled = compile_fleet(load_fleet(text + "models: [{name: chat}]"))
    variant = compiled.endpoints["shared"].variants["AllTraffic"]
    assert (variant.gpus, variant.cpus, variant.memory_mb) == (4, 48.0, 150_000)
    assert variant.max_instances is None


def test_an_unknown_type_with_all_its_hardware_is_fine() -> None:
    text = HEAD.replace(
        "ml.g5.12xlarge", "ml.p9.48xlarge, hardware: {gpus: 8, cpus: 200, memory_mb: 900000}"
    )
    compiled = compile_fleet(load_fleet(text + "models: [{name: chat}]"))
    assert compiled.endpoints["shared"].variants["AllTraffic"].gpus == 8


def test_endpoints_and_models_come_in_the_order_of_their_names() -> None:
    compiled = fleet("models: [{name: [c, a]}, {name: b}]")
    assert list(compiled.endpoints["shared"].models) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "change",
    [
        "models: [{name: chat, max_copies: 5}]",
        "models: [{name: chat2}]",
        "models: [{name: chat, owner: me}]",
        "models: [{name: chat, paused: true}]",
        "models: [{name: chat, limits: {minimum_life_s: 1}}]",
    ],
)
def test_a_change_that_means_something_changes_the_version(change: str) -> None:
    assert fleet(change).version != fleet("models: [{name: chat}]").version


def test_the_version_is_in_every_endpoint_and_the_same_for_the_same_fleet() -> None:
    compiled = fleet("models: [{name: chat}]")
    assert {one.version for one in compiled.endpoints.values()} == {compiled.version}
    assert compiled.version == fleet("# other text\nmodels:\n- name: chat\n").version
    assert len(compiled.version) == 12


def test_warnings_are_carried_along() -> None:
    compiled = fleet("models: [{name: chat}, {name: 'x*', owner: me}]")
    assert [one.key for one in compiled.warnings] == ["models[1].name"]


def test_three_hundred_models_need_a_page() -> None:
    names = ", ".join(f"team-{index:03}" for index in range(300))
    compiled = fleet(f"models:\n  - {{name: 'team-1*', class: batch}}\n  - name: [{names}]\n")
    models = compiled.endpoints["shared"].models
    assert len(models) == 300
    assert sum(one.class_name == "batch" for one in models.values()) == 100


@pytest.mark.parametrize(
    ("name", "gpus", "cpus", "host_gib"),
    [
        ("ml.p4d.24xlarge", 8, 96, 1152),
        ("ml.p5.48xlarge", 8, 192, 2048),
        ("ml.p5en.48xlarge", 8, 192, 2048),
        ("ml.g5.xlarge", 1, 4, 16),
        ("ml.g6.12xlarge", 4, 48, 192),
        ("ml.g6e.48xlarge", 8, 192, 1536),
    ],
)
def test_catalogue(name: str, gpus: int, cpus: int, host_gib: int) -> None:
    found = CATALOGUE[name]
    assert (found.gpus, found.cpus, found.host_gib) == (gpus, cpus, host_gib)


def test_the_measured_memory_bounds_hold() -> None:
    """An ml.g5.xlarge accepted a reservation of 1024 MB and refused 4096 MB."""
    assert 1024 <= CATALOGUE["ml.g5.xlarge"].memory_mb < 4096


def test_a_file_that_is_not_there_is_a_problem_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(FleetFileError, match=r"nowhere\.yaml: error: cannot be read"):
        load_fleet(tmp_path / "nowhere.yaml")


def test_a_file_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_bytes(b"version: 1 # \xff\xfe")
    with pytest.raises(FleetFileError, match="not UTF-8"):
        load_fleet(path)


def test_doubts_about_one_part_do_not_hide_mistakes_elsewhere_nor_invent_any() -> None:
    """What is wrong with a class says nothing about models of other classes, and all of its own."""
    with pytest.raises(FleetFileError) as raised:
        fleet(
            """
classes:
  mine: {worth: lots, min_copies: 9}
models:
  - {name: chat, class: mine}
  - {name: code, min_copies: 9}
"""
        )
    assert [one.key for one in raised.value.problems] == [
        "classes.mine.worth",
        "models[1].min_copies",
    ]
