"""Commands that the documents show: found in their shell blocks, and checked without being run.

A block is fenced as `sh`; one whose first line is the comment `# needs AWS` is parsed only.
`complaints(command)` tells what would not work: a target, sub-command, option, parameter or
request that does not exist. What it can't judge it complains about too.
"""

import json
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import typer
import yaml
from botocore import xform_name
from botocore.exceptions import UnknownServiceError
from botocore.validate import ParamValidator
from botocore.waiter import WaiterModel

from icscaler_cli.main import app

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)
NEEDS_AWS = "# needs AWS"
AWS_GLOBAL_OPTIONS = frozenset(
    ["region", "profile", "query", "output", "cli-binary-format", "no-cli-pager", "endpoint-url"]
)
# AWS SAM CLI 1.170.0, `sam COMMAND --help`: the options the documents may use.
SAM_OPTIONS: Mapping[str, frozenset[str]] = {
    "build": frozenset(["template", "build-dir", "cached", "parallel", "use-container"]),
    "deploy": frozenset(
        "guided template-file stack-name parameter-overrides capabilities resolve-s3 region "  # noqa: SIM905
        "profile config-env no-confirm-changeset tags".split()
    ),
    "delete": frozenset(["stack-name", "region", "profile", "no-prompts"]),
    "validate": frozenset(["lint", "template"]),
    "logs": frozenset(["stack-name", "name", "tail", "start-time", "filter"]),
}


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a document, continuation lines joined."""

    text: str
    needs_aws: bool
    where: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}"


def commands(document: Path) -> list[Command]:
    """Every command of a document's shell blocks, in order."""
    text = document.read_text(encoding="utf-8")
    found = []
    for block in BLOCK.finditer(text):
        first_line = text.count("\n", 0, block.start(1)) + 1
        where = f"{document.relative_to(ROOT).as_posix()}:{first_line}"
        needs_aws = block[1].startswith(NEEDS_AWS)
        lines = block[1].replace("\\\n", " ").splitlines()
        found += [
            Command(line.strip(), needs_aws, where)
            for line in lines
            if line.strip() and not line.lstrip().startswith("#")
        ]
    return found


def complaints(command: str) -> list[str]:
    """What is wrong with a command, as far as can be told without running it."""
    words = shlex.split(command, comments=True)
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words.pop(0)
    if not words:
        return []
    program = Path(words[0]).name
    judge = _JUDGES.get(program)
    return list(judge(words[1:])) if judge else [f"{program}: no way to check this program"]


def _options(words: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Positional words, and each long option with the words after it up to the next option."""
    positional: list[str] = []
    options: dict[str, list[str]] = {}
    current: list[str] = positional
    for word in words:
        if word.startswith("-"):
            name, _, value = word.lstrip("-").partition("=")
            current = options.setdefault(name, [value] if value else [])
        else:
            current.append(word)
    return positional, options


def _make(words: Sequence[str]) -> Iterator[str]:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    for word in words:
        if "=" not in word and word not in targets:
            yield f"make has no target {word}"


def _icscaler(words: Sequence[str]) -> Iterator[str]:
    command: Any = typer.main.get_command(app)
    context = command.make_context("icscaler", [], resilient_parsing=True)
    rest = list(words)
    while hasattr(command, "get_command"):
        if not rest:
            return
        name = rest.pop(0)
        command = command.get_command(context, name)
        if command is None:
            yield f"icscaler has no command {name}"
            return
    known = {option for parameter in command.params for option in parameter.opts}
    for word in rest:
        if word.startswith("-") and word.partition("=")[0] not in known:
            yield f"{command.name} has no option {word}"


def _sam(words: Sequence[str]) -> Iterator[str]:
    positional, options = _options(words)
    name = positional[0] if positional else ""
    if name not in SAM_OPTIONS:
        yield f"sam {name}: unknown command"
        return
    for option in options.keys() - SAM_OPTIONS[name]:
        yield f"sam {name} has no option --{option}"
    for pair in options.get("parameter-overrides", []):
        if pair.partition("=")[0] not in _template_parameters():
            yield f"the template has no parameter {pair.partition('=')[0]}"


@cache
def _template_parameters() -> frozenset[str]:
    class Loader(yaml.SafeLoader):
        """Reads CloudFormation's tags as nothing."""

    Loader.add_multi_constructor("!", lambda *_: None)
    template = yaml.load((ROOT / "template.yaml").read_text(encoding="utf-8"), Loader)
    return frozenset(template["Parameters"])


def _waited_for(waiters: WaiterModel, waiter: str = "") -> str:
    """What that waiter calls; of one that is not there, its name."""
    called = {xform_name(name, "-"): name for name in waiters.waiter_names}
    if waiter not in called:
        return f"wait {waiter}"
    return str(xform_name(waiters.get_waiter(called[waiter]).operation, "-"))


def _aws(words: Sequence[str]) -> Iterator[str]:
    positional, options = _options(words)
    service, operation = [*positional, "", ""][:2]
    session = botocore.session.get_session()
    try:
        model = session.get_service_model(service)
    except UnknownServiceError:
        yield f"aws {service}: unknown service"
        return
    if operation == "wait":
        operation = _waited_for(session.get_waiter_model(service), *positional[2:3])
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if operation not in names:
        yield f"aws {service} has no operation {operation}"
        return
    shape = model.operation_model(names[operation]).input_shape
    if shape is None:
        return
    members = {xform_name(name, "-"): name for name in shape.members}
    for option in options.keys() - members.keys() - AWS_GLOBAL_OPTIONS:
        yield f"aws {service} {operation} has no option --{option}"
    given = {members[option]: values for option, values in options.items() if option in members}
    for name in shape.required_members if shape else []:
        if name not in given:
            yield f"aws {service} {operation} needs --{xform_name(name, '-')}"
    for name, values in given.items():
        member = shape.members[name]
        if member.type_name in {"structure", "list", "map"} and values[0][:1] in "[{":
            report = ParamValidator().validate(json.loads(values[0]), member)
            yield from ([report.generate_report()] if report.has_errors() else [])


_JUDGES: Mapping[str, Callable[[Sequence[str]], Iterator[str]]] = {
    "make": _make,
    "icscaler": _icscaler,
    "sam": _sam,
    "aws": _aws,
    "pytest": lambda words: iter(()),
}
