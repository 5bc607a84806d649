"""docs/deploy.md and samconfig.toml agree with the template; wake requests shown are understood."""

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import validate
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent

from icscaler.adapters.triggers import dispatch_event
from icscaler.dispatch import Cause
from tests.house.shell_commands import ROOT, Command, commands
from tests.house.template_rules import of_type, read

DOCUMENT = ROOT / "docs/deploy.md"
TEMPLATE = read(ROOT / "template.yaml")
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
PUT_EVENTS = [
    command
    for document in DOCUMENTS
    for command in commands(document)
    if command.text.startswith("aws events put-events")
]


def rows(heading: str) -> dict[str, list[str]]:
    """The other cells of each row of the table with this first heading, by the first cell."""
    lines = DOCUMENT.read_text(encoding="utf-8").partition(f"| {heading} |")[2].splitlines()[2:]
    found = {}
    for line in lines:
        if not line.startswith("|"):
            break
        first, *others = [cell.strip() for cell in line.strip("|").split("|")]
        found[first] = others
    return found


def test_every_parameter_is_documented_with_its_default() -> None:
    documented = {name.strip("`"): cells[0] for name, cells in rows("parameter").items()}
    defaults = {name: str(p["Default"]) for name, p in TEMPLATE["Parameters"].items()}
    shown = {name: re.sub(r" \(.*\)|`", "", text) for name, text in documented.items()}
    assert shown == {name: value or "nobody" for name, value in defaults.items()}


def samconfig() -> dict[str, Any]:
    return tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))


def test_a_plain_deploy_takes_what_make_build_makes_and_observes() -> None:
    given = samconfig()["default"]["deploy"]["parameters"]
    assert ROOT / given["template_file"] == ROOT / "build" / "sam" / "template.yaml"
    assert given["parameter_overrides"] == "Mode=observe"
    assert "observe" in TEMPLATE["Parameters"]["Mode"]["AllowedValues"]
    assert given["capabilities"] == "CAPABILITY_IAM"


def test_roles_have_no_names_so_the_lesser_capability_is_enough() -> None:
    assert not [n for n, r in of_type(TEMPLATE, "AWS::IAM::Role").items() if "RoleName" in r]


def test_the_python_asked_for_is_the_functions_runtime() -> None:
    runtime = TEMPLATE["Globals"]["Function"]["Runtime"]
    assert runtime == f"python{validate.RUNTIME}"
    for document in (DOCUMENT, ROOT / "README.md"):
        assert f"Python {validate.RUNTIME} (the functions' runtime)" in document.read_text()


@pytest.mark.parametrize("command", PUT_EVENTS, ids=str)
def test_a_wake_request_that_is_shown_is_understood(command: Command) -> None:
    words = shlex.split(command.text)
    for entry in json.loads(words[words.index("--entries") + 1]):
        event = {
            "id": "1",
            "time": "2026-11-23T00:00:00Z",
            "source": entry["Source"],
            "detail-type": entry["DetailType"],
            "detail": json.loads(entry["Detail"]),
        }
        parsed = dispatch_event(EventBridgeEvent(event), "request", 2_000_000_000)
        assert parsed.cause is Cause.WAKE_REQUESTED
        assert parsed.components


def test_wake_requests_are_shown_somewhere() -> None:
    shown_in = {Path(command.where.partition(":")[0]).name for command in PUT_EVENTS}
    assert {"README.md", "operations.md"} <= shown_in
