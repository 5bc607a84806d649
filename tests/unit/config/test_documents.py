"""Schema, reference and examples that ship are current, complete and right.

After a change of the schema run these with ICSCALER_GOLDEN=1, which writes the files anew.
"""

import json
import os
import re
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from icscaler.config.compile import compile_fleet
from icscaler.config.load import load_fleet
from icscaler.config.schema import fleet_json_schema
from icscaler.config.settings import LimitsKeys, TargetTrackingKeys
from icscaler.entities import EndpointConfig, Limits, TargetTracking
from icscaler_cli.fleet_reference import BEGINS, SECTIONS, reference

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*.yaml"))
KEYS = [
    pytest.param(field, id=f"{part.__name__}.{name}")
    for _, part in SECTIONS
    for name, field in part.model_fields.items()
]


def _current(path: Path, wanted: str) -> None:
    if os.environ.get("ICSCALER_GOLDEN"):
        path.write_text(wanted, "utf-8")
    assert path.read_text("utf-8") == wanted, f"run with ICSCALER_GOLDEN=1 to renew {path.name}"


def test_json_schema_is_current() -> None:
    schema = json.dumps(fleet_json_schema(), indent=2, sort_keys=True) + "\n"
    _current(ROOT / "docs" / "fleet.schema.json", schema)


def test_reference_is_current() -> None:
    path = ROOT / "docs" / "fleet-file.md"
    introduction = path.read_text("utf-8").partition(BEGINS)[0].rstrip()
    _current(path, f"{introduction}\n\n{BEGINS}\n\n{reference().rstrip()}\n")


@pytest.mark.parametrize("field", KEYS)
def test_every_key_is_described_with_examples_that_are_valid(field: FieldInfo) -> None:
    assert field.description
    assert field.description.endswith(".")
    assert field.examples
    kind: Any = field.annotation
    checks = TypeAdapter(Annotated[kind, *field.metadata] if field.metadata else kind)
    for example in field.examples:
        checks.validate_python(example)


@pytest.mark.parametrize(
    ("keys", "compiled"), [(LimitsKeys, Limits), (TargetTrackingKeys, TargetTracking)]
)
def test_what_is_said_to_be_built_in_is(keys: Any, compiled: Any) -> None:
    said = {
        name: found[1]
        for name, field in keys.model_fields.items()
        if (found := re.search(r"Built in: ([\w.]+)\.(?:\s|$)", field.description))
    }
    built_in = {
        one.name: json.dumps(one.default)
        for one in fields(compiled)
        if isinstance(one.default, int | float)
    }
    assert said == built_in
    assert keys.model_fields.keys() == {one.name for one in fields(compiled)}


def test_built_in_waits_of_endpoints_are_those_of_the_core() -> None:
    from icscaler.config.schema import EndpointKeys

    core = {one.name: one.default for one in fields(EndpointConfig)}
    for name, field in EndpointKeys.model_fields.items():
        if name != "variants":
            assert field.default == core[name], name


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_is_valid_and_raises_no_warning(path: Path) -> None:
    compiled = compile_fleet(load_fleet(path, at_s=1_795_000_000))
    assert compiled.endpoints
    assert compiled.warnings == ()


def test_there_are_examples() -> None:
    found = {path.name for path in EXAMPLES}
    assert {"minimal.yaml", "codegen-ensemble.yaml", "hybrid-ensemble.yaml"} <= found


def test_the_hybrid_example_has_what_the_documentation_shows_of_it() -> None:
    text = (ROOT / "docs" / "fleet-file.md").read_text("utf-8")
    shown = next(
        yaml.safe_load(block)
        for block in re.findall(r"```yaml\n(.*?)```", text, re.S)
        if "kind: variant" in block
    )
    whole = yaml.safe_load((ROOT / "examples" / "hybrid-ensemble.yaml").read_text("utf-8"))
    assert shown["endpoints"].items() <= whole["endpoints"].items()
    (model,) = shown["models"]
    (same,) = (one for one in whole["models"] if one["name"] == model["name"])
    assert model.items() <= same.items()


def test_fleets_in_the_documentation_are_valid() -> None:
    text = (ROOT / "docs" / "fleet-file.md").read_text("utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.S)
    whole = [block for block in blocks if "version:" in block]
    assert len(blocks) == 5
    for block in whole:
        load_fleet(block)
    (schedules,) = (block for block in blocks if "schedules:" in block)
    needed = "  - {name: [nightly, code], class: batch, group: codegen}\n"
    assert load_fleet(whole[0] + needed + schedules, at_s=1_795_000_000).warnings == ()
    minimal = yaml.safe_load((ROOT / "examples" / "minimal.yaml").read_text("utf-8"))
    assert yaml.safe_load(whole[0]) == minimal
