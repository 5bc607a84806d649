"""`make validate`: the checks that need more than Python packages. Standard library only.

    validate.py              run every check; a missing prerequisite is said and counted, not fatal
    validate.py NAME ...     run these only; a missing prerequisite is a failure

Exits 0 only if no check found anything and no tool failed.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gate import banner
from toolbox import BUILD, PINS, ROOT, MissingError, node_tool, python_of, python_tool

TEMPLATE = ROOT / "template.yaml"
RUNTIME = "3.13"  # of the functions and the layer, as in template.yaml
ARM64_ELF_MACHINE = 183  # EM_AARCH64, what Architectures: [arm64] loads
LAYER_LIMIT_BYTES = 250 * 1024 * 1024  # a function and its layers, unzipped (Lambda quotas)


class FindingError(Exception):
    """A check found something; its own output says what."""


class NothingToCheck(Exception):  # noqa: N818  (not an error)
    """The project has nothing of the kind this check looks at."""


def run(*command: str | Path, path_first: Path | None = None) -> None:
    """Run a tool with its output shown; raise FindingError when it fails."""
    environment = {
        **os.environ,
        "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        "SAM_CLI_TELEMETRY": "0",
    }
    if path_first:
        environment["PATH"] = f"{path_first}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False)
    if done.returncode:
        raise FindingError(f"{Path(command[0]).name} ended with {done.returncode}")


def sam_validate() -> str:
    """The template against SAM's schema and cfn-lint's rules as SAM bundles them."""
    run(python_tool("sam") / "sam", "validate", "--lint", "--template", TEMPLATE)
    return TEMPLATE.name


def sam_build() -> str:
    """Package functions and layer for Lambda, and look at what came out."""
    sam = python_tool("sam")
    built = BUILD / "sam"
    run(
        *(sam / "sam", "build", "--template", TEMPLATE, "--build-dir", built),
        path_first=python_of(RUNTIME).parent,
    )
    handlers = sorted(path.parent.name for path in built.glob("*/app.py"))
    wanted = TEMPLATE.read_text(encoding="utf-8").count("Type: AWS::Serverless::Function\n")
    if len(handlers) != wanted:
        raise FindingError(f"{wanted} functions in the template, built with an app.py: {handlers}")
    if not (built / "CoreLayer/python/icscaler/__init__.py").is_file():
        raise FindingError("the built layer holds no python/icscaler: it would not import")
    for library in built.rglob("*.so"):
        if int.from_bytes(library.read_bytes()[18:20], "little") != ARM64_ELF_MACHINE:
            raise FindingError(f"{library.relative_to(built)} is not built for arm64")
    layer_bytes = sum(f.stat().st_size for f in (built / "CoreLayer").rglob("*") if f.is_file())
    if layer_bytes > LAYER_LIMIT_BYTES:
        raise FindingError(f"the layer has {layer_bytes} bytes unzipped, Lambda's limit is 250 MB")
    return f"{len(handlers)} functions, layer {layer_bytes / 1e6:.0f} MB, in {built}"


def asl_validator() -> str:
    """Every state machine definition: states, transitions, JSONata syntax."""
    definitions = sorted((ROOT / "statemachines").glob("*.asl.json"))
    if not definitions:
        raise NothingToCheck("no state machines")
    arguments = [text for file in definitions for text in ("--json-path", str(file))]
    run(node_tool("asl-validator") / "asl-validator", *arguments)
    return f"{len(definitions)} state machines"


def checkov() -> str:
    """Security practice; what does not hold here is listed with reasons in its config."""
    config = PINS / "checkov" / "config.yaml"
    run(python_tool("checkov") / "checkov", "--config-file", config, "--file", TEMPLATE)
    return TEMPLATE.name


def parliament() -> str:
    """The permissions of every role, as a deployment to the local cloud resolves them."""
    judge = python_tool("parliament") / "python"
    printed = subprocess.run(
        [sys.executable, ROOT / "scripts/deployed_policies.py"], stdout=subprocess.PIPE, check=False
    )
    if printed.returncode:
        raise FindingError("the template does not deploy to the local cloud")
    script = PINS / "parliament" / "check.py"
    judged = subprocess.run([judge, "-W", "ignore", script], input=printed.stdout, check=False)
    if judged.returncode:
        raise FindingError("parliament found something in the policies")
    return "no finding"


@dataclass(frozen=True, slots=True)
class Result:
    """How a check ended: `outcome` is ok, FAIL, missing or none."""

    name: str
    outcome: str
    said: str
    seconds: float


CHECKS: dict[str, Callable[[], str]] = {
    "sam-validate": sam_validate,
    "sam-build": sam_build,
    "asl-validator": asl_validator,
    "checkov": checkov,
    "parliament": parliament,
}


def conduct(name: str) -> Result:
    """Run one check under its heading."""
    check = CHECKS[name]
    banner(f"{name}: {(check.__doc__ or '').strip()}")
    began = time.monotonic()
    try:
        outcome, said = "ok", check()
    except FindingError as found:
        outcome, said = "FAIL", str(found)
    except MissingError as missing:
        outcome, said = "missing", str(missing)
    except NothingToCheck as nothing:
        outcome, said = "none", str(nothing)
    print(said)
    return Result(name, outcome, said, time.monotonic() - began)


def main(argv: Sequence[str]) -> int:
    """Run the checks named, or all; 0 when nothing was found and no tool failed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CHECKS))
    names = parser.parse_args(argv).names
    if unknown := set(names) - CHECKS.keys():
        parser.error(f"no such check: {', '.join(sorted(unknown))}")
    results = [conduct(name) for name in names or CHECKS]
    banner("Summary")
    for result in results:
        print(f"{result.outcome:<8} {result.name:<14} {result.seconds:6.1f} s  {result.said}")
    count = {kind: sum(r.outcome == kind for r in results) for kind in ("FAIL", "missing")}
    print(f"{count['FAIL']} with findings, {count['missing']} could not run on this machine")
    return 1 if count["FAIL"] or (names and count["missing"]) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
