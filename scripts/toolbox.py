"""The tools of `make validate`, each in an environment of its own under build/tools/<name>.

They are not in .venv because their pins contradict the project's (SAM CLI and checkov each demand
another boto3). What is installed is named, with every version and hash, in scripts/tools/<name>/.
Standard library only.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / os.environ.get("BUILD_DIR", "build")
PINS = ROOT / "scripts" / "tools"


class MissingError(Exception):
    """Something a check needs is not on this machine; the text says what, and how to get it."""


def python_tool(name: str) -> Path:
    """The bin folder of a Python tool's environment, made first if it is absent or outdated."""
    folder = BUILD / "tools" / name
    lock = PINS / name / "requirements.lock"
    made = subprocess.run(["sh", ROOT / "scripts/make_env.sh", folder, lock], check=False)
    if made.returncode:
        raise MissingError(f"{name} could not be installed (see above)")
    return folder / "bin"


def node_tool(name: str) -> Path:
    """The folder of a Node tool's programs, installed first if it is absent or outdated."""
    npm = shutil.which("npm")
    if npm is None or not _runs([npm, "--version"]):
        raise MissingError(f"{name} needs Node.js and npm on PATH")
    folder = BUILD / "tools" / name
    wanted = (PINS / name / "package-lock.json").read_bytes()
    stamp = folder / "node_modules" / ".installed-lock.json"
    if not stamp.is_file() or stamp.read_bytes() != wanted:
        folder.mkdir(parents=True, exist_ok=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copy(PINS / name / file, folder / file)
        made = subprocess.run([npm, "ci", "--silent", "--no-fund", "--no-audit"], cwd=folder)
        if made.returncode:
            raise MissingError(f"{name} could not be installed (see above)")
        stamp.write_bytes(wanted)
    return folder / "node_modules" / ".bin"


def python_of(version: str) -> Path:
    """An interpreter of exactly this minor version ("3.13") with pip, wherever it is installed.

    Looks on PATH first, then where version managers keep theirs.
    """
    for candidate in _pythons(version):
        wanted = f"import sys, pip; sys.exit('%d.%d' % sys.version_info[:2] != '{version}')"
        if _runs([str(candidate), "-c", wanted]):
            return candidate
    raise MissingError(
        f"no Python {version} with pip was found, on PATH or among pyenv's, uv's or mise's versions"
    )


def _pythons(version: str) -> Iterator[Path]:
    program = f"python{version}"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if folder and (Path(folder) / program).is_file():
            yield Path(folder) / program
    home = Path.home()
    pyenv = Path(os.environ.get("PYENV_ROOT", home / ".pyenv"))
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR", home / ".local/share/uv/python"))
    mise = Path(os.environ.get("MISE_DATA_DIR", home / ".local/share/mise"))
    yield from sorted(pyenv.glob(f"versions/{version}*/bin/{program}"), reverse=True)
    yield from sorted(uv.glob(f"cpython-{version}*/bin/{program}"), reverse=True)
    yield from sorted(mise.glob(f"installs/python/{version}*/bin/{program}"), reverse=True)


def _runs(command: list[str]) -> bool:
    """Whether a program starts and succeeds: being on PATH is not enough for a manager's shim."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
