"""Set-up finds a Python that works, says what is missing, costs nothing twice and repairs itself.

Interpreters are played by small shell scripts on a PATH of the test's own; one test makes a real,
empty environment.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/make_env.sh"
# What the script and the played interpreters call besides Python.
COREUTILS = ("sh", "cat", "cksum", "basename", "dirname", "mkdir", "rm", "chmod")

# A shim of a version manager whose version is not active: on PATH, but it does not run.
SHIM = "echo 'version not installed' >&2; exit 127"


def interpreter(version: str, *, with_venv: bool = True) -> str:
    """A played interpreter: answers what make_env.sh asks of one, and plays venv and pip."""
    fits = ("3.11", "3.12", "3.13", "3.14")
    return f"""
case "$*" in
    *version_info*) {f"echo {version}" if version.rpartition(".")[0] in fits else "exit 1"} ;;
    *sys.executable*) echo "$0" ;;
    *ensurepip*) exit {0 if with_venv else 1} ;;
    "-m venv "*)
        mkdir -p "$3/bin"
        printf '%s\\n' "#!/bin/sh" 'echo "$@" >>"$0.calls"' >"$3/bin/python"
        chmod +x "$3/bin/python" ;;
esac
"""


class Machine:
    """A PATH with chosen programs, and a project folder with a lock."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.project = folder / "a project"
        self.bin.mkdir()
        self.project.mkdir()
        self.lock("one==1")
        for tool in COREUTILS:
            found = shutil.which(tool)
            assert found
            (self.bin / tool).symlink_to(found)

    def install(self, name: str, body: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{body}\n")
        (self.bin / name).chmod(0o755)

    def lock(self, text: str) -> None:
        (self.project / "some.lock").write_text(text)

    def set_up(self, **environment: str) -> subprocess.CompletedProcess[str]:
        # A fixed absolute candidate of the script must not find this machine's own Python.
        script = SCRIPT.read_text().replace("/usr/bin/python3", "")
        return subprocess.run(
            ["sh", "-c", script, "make_env.sh", "env", "some.lock"],
            cwd=self.project,
            env={"PATH": str(self.bin), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        """What the environment's interpreter was asked to do."""
        log = self.project / "env/bin/python.calls"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_shim_that_does_not_run_is_passed_over(machine: Machine) -> None:
    machine.install("python3.13", SHIM)
    machine.install("python3.12", interpreter("3.12.1"))
    done = machine.set_up()
    assert done.returncode == 0, done.stderr
    assert "with Python 3.12.1 and pip" in done.stderr
    assert any("--require-hashes -r some.lock" in call for call in machine.calls)


@pytest.mark.parametrize("version", ["3.10.14", "3.15.0", "2.7.18"])
def test_a_version_that_does_not_fit_is_passed_over(machine: Machine, version: str) -> None:
    machine.install("python3", interpreter(version))
    machine.install("python", interpreter("3.11.7"))
    assert "with Python 3.11.7" in machine.set_up().stderr


def test_no_python_says_what_to_do(machine: Machine) -> None:
    machine.install("python3", SHIM)
    done = machine.set_up()
    assert done.returncode != 0
    assert "no Python 3.11 to 3.14 that runs was found" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr


def test_no_venv_names_the_debian_package(machine: Machine) -> None:
    machine.install("python3", interpreter("3.11.2", with_venv=False))
    done = machine.set_up()
    assert done.returncode != 0
    assert "apt-get install python3.11-venv" in done.stderr
    assert not (machine.project / "env").exists()


def test_python_by_hand_wins(machine: Machine) -> None:
    machine.install("python3.13", interpreter("3.13.0"))
    machine.install("mine", interpreter("3.11.9"))
    assert "with Python 3.11.9" in machine.set_up(PYTHON=str(machine.bin / "mine")).stderr


@pytest.mark.parametrize(
    ("uv", "says"),
    [
        pytest.param('echo "$@" >>"$0.calls"; mkdir -p env', "and uv", id="uv that runs"),
        pytest.param(SHIM, "and pip", id="uv that does not run"),
    ],
)
def test_uv_is_used_when_it_runs(machine: Machine, uv: str, says: str) -> None:
    machine.install("python3", interpreter("3.13.1"))
    machine.install("uv", uv)
    done = machine.set_up()
    assert done.returncode == 0, done.stderr
    assert says in done.stderr


def test_uv_needs_no_venv_module(machine: Machine) -> None:
    machine.install("python3", interpreter("3.11.2", with_venv=False))
    machine.install("uv", 'echo "$@ $UV_PYTHON_DOWNLOADS" >>"$0.calls"; mkdir -p env')
    assert machine.set_up().returncode == 0
    calls = (machine.bin / "uv.calls").read_text()
    assert f"venv --quiet --no-project --python {machine.bin / 'python3'} env never" in calls
    assert "--require-hashes -r some.lock" in calls


def test_a_second_run_does_nothing(machine: Machine) -> None:
    machine.install("python3", interpreter("3.13.1"))
    machine.set_up()
    before = machine.calls
    second = machine.set_up()
    assert (second.returncode, second.stderr) == (0, "")
    assert machine.calls == [*before, "-c "], "only asked whether it still runs"


def test_a_changed_lock_makes_it_anew(machine: Machine) -> None:
    machine.install("python3", interpreter("3.13.1"))
    machine.set_up()
    left_over = machine.project / "env/left-over"
    left_over.touch()
    machine.lock("two==2")
    assert "making env" in machine.set_up().stderr
    assert not left_over.exists()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda env: (env / ".lock-stamp").unlink(), id="interrupted before the end"),
        pytest.param(lambda env: (env / "bin/python").unlink(), id="its interpreter is gone"),
    ],
)
def test_a_broken_environment_is_repaired(machine: Machine, damage: Callable[[Path], None]) -> None:
    machine.install("python3", interpreter("3.13.1"))
    machine.set_up()
    damage(machine.project / "env")
    assert "making env" in machine.set_up().stderr
    assert machine.set_up().stderr == ""


def test_a_moved_folder_is_made_anew(machine: Machine) -> None:
    machine.install("python3", interpreter("3.13.1"))
    machine.set_up()
    machine.project = machine.project.rename(machine.project.with_name("moved"))
    assert "making env" in machine.set_up().stderr


def test_a_failed_installation_is_not_taken_for_a_finished_one(machine: Machine) -> None:
    played = interpreter("3.13.1").replace('echo "$@" >>"$0.calls"', 'test "$1" = -c')
    machine.install("python3", played)
    assert machine.set_up().returncode != 0
    assert not (machine.project / "env/.lock-stamp").exists()


def test_a_real_environment_in_a_path_with_spaces(tmp_path: Path) -> None:
    project = tmp_path / "a real project"
    project.mkdir()
    (project / "empty.lock").write_text("")
    done = subprocess.run(
        ["sh", SCRIPT, "env", "empty.lock"],
        cwd=project,
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    prefix = subprocess.run(
        [project / "env/bin/python", "-c", "import sys; print(sys.prefix)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert prefix.stdout.strip() == str(project / "env")
