"""Adoption by tag: what tags make of components, and what is said of wrong ones."""

import pytest

from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler.config.problems import FleetFileError
from icscaler.config.tagged import Tagged
from icscaler.entities import CopyResources

FLEET = """
version: 1
adoption: {tag: icscaler}
defaults:
  max_copies: 4
  policy: {target_tracking: {metric: concurrency, target_value: 8}}
endpoints:
  llm: {variants: {main: {instance_type: ml.g5.12xlarge, max_instances: 4}}}
  images: {variants: {main: {instance_type: ml.g5.12xlarge}}}
models:
  - {name: "eval-*", class: batch, labels: {stage: test}}
"""


def tagged(name: str, value: str = "managed", endpoint: str = "llm", **tags: str) -> Tagged:
    own = {f"icscaler:{key}": text for key, text in tags.items()}
    resources = CopyResources(1, 4.0, 16384)
    return Tagged(name, endpoint, "main", resources, {"icscaler": value, "team": "a", **own})


def models(*found: Tagged, text: str = FLEET):
    fleet = compile_fleet(load_fleet(text, tagged=found))
    return {m.name: m for config in fleet.endpoints.values() for m in config.models.values()}


def test_tags_stand_for_an_entry() -> None:
    own = {"min_copies": "1", "max_copies": "3", "idle_s": "never", "group": "g", "owner": "me"}
    found = models(tagged("chat", "critical", **own), tagged("eval-a", endpoint="images"))
    chat = found["chat"]
    assert (chat.class_name, chat.min_copies, chat.max_copies) == ("critical", 1, 3)
    assert (chat.idle_s, chat.group, chat.owner) == (None, "g", "me")
    assert chat.resources == CopyResources(1, 4.0, 16384)
    assert found["eval-a"].class_name == "batch", "patterns hold for tagged ones too"


def test_off_and_without_the_tag_is_not_managed() -> None:
    other = Tagged("x", "llm", "main", CopyResources(1, 0.0, 1024), {"team": "a"})
    assert models(tagged("chat", "off"), other, tagged("code")).keys() == {"code"}


def test_what_the_file_lists_by_name_is_not_taken_from_tags() -> None:
    listed = "  - {name: chat, endpoint: llm, resources: {gpus: 2, memory_mb: 1024}}\n"
    found = models(tagged("chat", "critical"), text=FLEET + listed)
    assert (found["chat"].class_name, found["chat"].resources.gpus) == ("interactive", 2)


def test_a_file_that_adopts_may_list_nobody() -> None:
    assert models() == {}
    with pytest.raises(FleetFileError, match="no model is listed by its exact name"):
        models(text=FLEET.replace("adoption: {tag: icscaler}\n", ""))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (tagged("a", "gold"), "tags of a: error: class: there is no class 'gold'"),
        (tagged("a", max_copies="many"), "icscaler:max_copies: must be a whole number, not 'many'"),
        (tagged("a", idle_s="10"), "tags of a: error: idle_s: must be whole seconds from 60"),
        (tagged("a", maxcopies="1"), 'unknown tag\n    did you mean "max_copies"?'),
        (tagged("a", min_copies="9"), "'a' has min_copies 9 above max_copies 4"),
    ],
)
def test_what_is_wrong_with_tags_names_the_component(wrong: Tagged, said: str) -> None:
    with pytest.raises(FleetFileError) as raised:
        models(wrong)
    assert said in str(raised.value)


def test_the_version_depends_on_what_is_adopted() -> None:
    versions = {
        compile_fleet(load_fleet(FLEET, tagged=found)).version
        for found in ((), (tagged("a"),), (tagged("a", "batch"),))
    }
    assert len(versions) == 3
