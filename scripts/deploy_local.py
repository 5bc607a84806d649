"""`make deploy-local`: the application goes through a whole life on an emulator of CloudFormation.

`sam build`, `sam deploy` as in docs/deploy.md, a second `sam deploy` with Mode=act, `sam delete`,
all by the unmodified SAM CLI against MiniStack on a loopback port. After each step the stack is
compared with the template: every resource, every output, the functions' configuration, the roles'
permissions. What MiniStack can't create is listed with the reason. Nothing runs inside: handlers
are built for arm64, and the local cloud is where they are tried.

Exits 0 only when there is no finding. Run by .venv's Python.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from deployed import Deployed, Expectation
from gate import banner
from lookups import Clients
from ministack import REGION, MiniStackError, client_environment, serving
from ministack_gaps import LeftOut, dangling, still_there, without_gaps
from toolbox import BUILD, ROOT, MissingError, python_tool
from validate import TEMPLATE, FindingError, sam_build

from icscaler_localcloud.deployer import template as templates

FOLDER = BUILD / "deploy-local"
STACK = "icscaler"
SAM_TIMEOUT_S = 300
LINES_SHOWN = 40


@dataclass(slots=True)
class Report:
    """What was done, and what was found wrong."""

    steps: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)

    def add(self, step: str, findings: list[str], seconds: float) -> None:
        """Note a step, with what it found."""
        outcome = f"{len(findings)} findings" if findings else "ok"
        self.steps.append(f"{outcome:<12} {seconds:6.1f} s  {step}")
        self.findings += [f"{step}: {finding}" for finding in findings]


@dataclass(frozen=True, slots=True)
class Life:
    """The stages of the application's life against one MiniStack."""

    url: str
    report: Report

    def run(self) -> list[LeftOut]:
        """Deploy, upgrade and delete; what had to be left out."""
        source = templates.load(BUILD / "sam/template.yaml")
        reduced, left_out = without_gaps(source)
        file = BUILD / "sam/template.ministack.json"
        file.write_text(json.dumps(reduced, indent=1), encoding="utf-8")
        with self._step("what MiniStack lacks") as found:
            found += [*dangling(reduced, left_out), *still_there(self._clients("cloudformation"))]
        written, _ = without_gaps(templates.load(TEMPLATE))
        for step, given in (("deploy", "Mode=observe"), ("upgrade", "Mode=act")):
            self._deploy(step, file, written, given)
        self._delete(Expectation(written, {"Mode": "act"}))
        return left_out

    def _deploy(self, step: str, file: Path, written: Mapping[str, Any], given: str) -> None:
        # The first takes its parameters from samconfig.toml, as a first deployment does.
        overrides = ("--parameter-overrides", given) if step == "upgrade" else ()
        with self._step(f"{step} with {given}") as found:
            self._sam(
                step,
                *("deploy", "--config-file", str(ROOT / "samconfig.toml")),
                *("--template-file", str(file), "--no-confirm-changeset", "--no-progressbar"),
                *overrides,
            )
            name, _, value = given.partition("=")
            deployed = Deployed(self._clients, STACK, Expectation(written, {name: value}))
            found += deployed.findings()
            print(f"{len(deployed.resources)} resources, {len(deployed.outputs)} outputs")

    def _delete(self, expected: Expectation) -> None:
        with self._step("delete") as found:
            deployed = Deployed(self._clients, STACK, expected)
            kept = [each.name for each in deployed.resources if each.retained]
            self._sam("delete", "delete", "--stack-name", STACK, "--no-prompts", "--region", REGION)
            found += deployed.leftovers()
            print(f"retained: {', '.join(kept)}")

    @contextmanager
    def _step(self, name: str) -> Iterator[list[str]]:
        banner(name)
        began = time.monotonic()
        found: list[str] = []
        yield found
        print("\n".join(found) or "as the template says")
        self.report.add(name, found, time.monotonic() - began)

    def _sam(self, step: str, *arguments: str) -> None:
        log = FOLDER / f"sam-{step}.log"
        with log.open("wb") as output:
            try:
                code = subprocess.run(
                    [python_tool("sam") / "sam", *arguments],
                    cwd=ROOT,
                    env={**client_environment(self.url), "SAM_CLI_TELEMETRY": "0"},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=SAM_TIMEOUT_S,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                raise FindingError(f"sam {arguments[0]} did not end, see {log}") from None
        if code:
            raise FindingError(failure(arguments[0], code, log))

    @property
    def _clients(self) -> Clients:
        return _clients(self.url)


@cache
def _clients(url: str) -> Clients:
    """boto3 clients of MiniStack; nobody's configuration or credentials are read."""
    environment = client_environment(url)
    os.environ.clear()
    os.environ.update(environment)  # nothing else is meant from here on
    session = boto3.Session(region_name=REGION)

    @cache
    def client(service: str) -> Any:
        make: Any = session.client
        config = Config(retries={"total_max_attempts": 2}, proxies={})
        return make(service, endpoint_url=url, config=config)

    return client


def failure(command: str, code: int, log: Path) -> str:
    """What to say of a `sam` that failed, with the end of what it printed."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    print("\n".join(lines[-LINES_SHOWN:]))
    hint = ""
    if any("Unrecognized resource types" in line for line in lines):
        hint = "; a resource type that MiniStack lacks belongs into scripts/ministack_gaps.py"
    return f"sam {command} ended with {code}, see {log}{hint}"


def main() -> int:
    """Build, start MiniStack, live through it all, tell."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))  # ends MiniStack too
    report = Report()
    left_out: list[LeftOut] = []
    try:
        banner("sam build")
        print(sam_build())
        program = python_tool("ministack") / "ministack"
        with serving(program, FOLDER) as url:
            left_out = Life(url, report).run()
    except (FindingError, MissingError, MiniStackError) as error:
        report.findings.append(str(error))
    banner("Summary")
    print("\n".join(report.steps))
    for each in left_out:
        print(f"not deployed here: {each}")
    for finding in report.findings:
        print(f"FINDING {finding}")
    print(f"{len(report.findings)} findings, {len(left_out)} resources left out")
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
