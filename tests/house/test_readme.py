"""Nothing shown is unexecuted: every command, link and sample of the documents is checked.

README's commands are run as written, except `git clone`, `make test` (it is what runs this) and
those marked "needs AWS", which are parsed like the commands of every other document.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.house.shell_commands import BLOCK, ROOT, Command, commands, complaints

README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/**/*.md"))]
SHOWN = [command for document in DOCUMENTS for command in commands(document)]
RUNNABLE = [
    command
    for command in commands(README)
    if not command.needs_aws and not re.match(r"git clone\b|make test$", command.text)
]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.timeout(900)  # the demo, beside other tests on the same cores
@pytest.mark.parametrize("command", RUNNABLE, ids=str)
def test_command_of_the_readme_runs(command: Command, tmp_path: Path) -> None:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "TRACE"}
    }
    done = subprocess.run(
        ["sh", "-ec", command.text],
        cwd=ROOT,
        env={**environment, "BUILD_DIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.parametrize("command", SHOWN, ids=str)
def test_command_shown_anywhere_exists(command: Command) -> None:
    if not command.text.startswith("git clone"):
        assert complaints(command.text) == []


def test_two_commands_set_everything_up() -> None:
    first_blocks = [block[1].strip() for block in BLOCK.finditer(README.read_text())][:2]
    assert first_blocks == ["make demo", "make test"]
    assert [command.text for command in RUNNABLE][:1] == ["make demo"]


def test_fleet_file_of_the_readme_is_valid(tmp_path: Path) -> None:
    from icscaler.config.load import load_fleet

    [sample] = re.findall(r"^```yaml\n(.*?)^```$", README.read_text(), re.M | re.S)
    file = tmp_path / "fleet.yaml"
    file.write_text(sample)
    fleet = load_fleet(file)
    assert not fleet.warnings


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda d: d.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(document: Path) -> None:
    targets = LINK.findall(document.read_text(encoding="utf-8"))
    lost = [t for t in targets if "://" not in t and not (document.parent / t).exists()]
    assert not lost


@pytest.mark.parametrize(
    ("command", "says"),
    [
        pytest.param("make everything", "no target everything", id="make target"),
        pytest.param(".venv/bin/icscaler fly", "no command fly", id="command"),
        pytest.param("icscaler fleet fly x", "no command fly", id="sub-command"),
        pytest.param("icscaler fleet validate x --fly", "no option --fly", id="option"),
        pytest.param("sam fly", "unknown command", id="sam command"),
        pytest.param("sam deploy --fly", "no option --fly", id="sam option"),
        pytest.param(
            "sam deploy --parameter-overrides Fly=1", "no parameter Fly", id="template parameter"
        ),
        pytest.param("aws flying take-off", "unknown service", id="aws service"),
        pytest.param("aws events take-off", "no operation take-off", id="aws operation"),
        pytest.param("aws sagemaker wait take-off", "no operation wait take-off", id="aws waiter"),
        pytest.param("aws sagemaker list-endpoints --fly", "no option --fly", id="aws option"),
        pytest.param("aws events put-events", "needs --entries", id="aws required option"),
        pytest.param(
            "aws events put-events --entries '[{\"Fly\": 1}]'", "Fly", id="aws request body"
        ),
        pytest.param("curl https://example.org", "no way to check", id="unknown program"),
    ],
)
def test_a_command_that_would_not_work_is_found(command: str, says: str) -> None:
    [complaint] = complaints(command)
    assert says in complaint
