"""The one gate, `make test`: every check in turn, each under its own heading, then a summary.

All checks run even if one fails, so that one run shows everything there is to mend. The tests run
last: their closing line is the last count printed. Run by .venv's Python from the project's root.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Two workers fit the smallest machine the project promises (2 cores); worksteal evens out the
# few long tests (the demo, the replayed traces) against thousands of short ones.
PYTEST_OPTIONS = ("--quiet", "-m", "not slow", "--numprocesses", "2", "--dist", "worksteal")


@dataclass(frozen=True, slots=True)
class Check:
    """One command of the gate: `tool` is a program in .venv."""

    heading: str
    tool: str
    arguments: tuple[str, ...]

    def run(self) -> tuple[bool, float]:
        """Run it with its output shown; tell whether it succeeded and its seconds."""
        banner(self.heading)
        program = Path(sys.executable).parent / self.tool
        began = time.monotonic()
        command: list[str | Path] = [program, *self.arguments]
        code = subprocess.run(command, cwd=ROOT, env=environment(), check=False).returncode
        return code == 0, time.monotonic() - began


STATIC_CHECKS = (
    Check("Format (ruff format)", "ruff", ("format", "--check", ".")),
    Check("Lint (ruff check)", "ruff", ("check", ".")),
    Check("Types (mypy, strict)", "mypy", ()),
    Check("Template lint (cfn-lint)", "cfn-lint", ("template.yaml",)),
)
TESTS = Check("Tests (pytest)", "pytest", PYTEST_OPTIONS)


def environment() -> dict[str, str]:
    """This one's, with bytecode kept in the build folder: hundreds of tests start a Python, which
    else compiles boto3 and everything again where bytecode is switched off, as in many containers.
    """
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    folder = ROOT / os.environ.get("BUILD_DIR", "build") / "bytecode"
    return kept | {"PYTHONPYCACHEPREFIX": str(folder)}


def banner(text: str) -> None:
    """Print a heading across the terminal."""
    width = min(shutil.get_terminal_size().columns, 100)
    print(f"\n── {text} ".ljust(width, "─"), flush=True)


def main(argv: Sequence[str]) -> int:
    """Run the checks; 0 when all of them succeeded."""
    parser = argparse.ArgumentParser(description="Run every check of the project.")
    parser.add_argument("--no-tests", action="store_true", help="leave the tests out")
    options = parser.parse_args(argv)
    checks = STATIC_CHECKS if options.no_tests else (*STATIC_CHECKS, TESTS)
    results = [(check, *check.run()) for check in checks]
    banner("Summary")
    for check, ok, seconds in results:
        print(f"{'ok  ' if ok else 'FAIL'}  {check.heading:<26} {seconds:6.1f} s")
    return 0 if all(ok for _, ok, _ in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
