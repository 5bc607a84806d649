"""The arrows point inward, and the checker that says so can fail."""

from pathlib import Path

import pytest

from tests.house.arrows import faults

CORE = "layers/core/icscaler"
SIM = "layers/simulation/icscaler_sim"
CLOUD = "localcloud/icscaler_localcloud"
ROOTS = ("layers", "localcloud", "functions", "cli")


def test_every_file_keeps_the_rules(repository: Path) -> None:
    files = [file for root in ROOTS for file in sorted((repository / root).rglob("*.py"))]
    assert len(files) > 50, "the rules were checked on too few files to mean anything"
    found = [
        fault
        for file in files
        for fault in faults(
            file.read_text(encoding="utf-8"), file.relative_to(repository).as_posix()
        )
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source", "says"),
    [
        pytest.param(f"{CORE}/decide.py", "import boto3", "standard library", id="boto3 in core"),
        pytest.param(f"{CORE}/guards.py", "import pydantic", "standard library", id="pydantic"),
        pytest.param(f"{CORE}/allocate.py", "import numpy as np", "standard library", id="numpy"),
        pytest.param(
            f"{CORE}/entities/state.py", "import msgspec", "standard library", id="msgspec"
        ),
        pytest.param(
            f"{CORE}/reasons.py",
            "from aws_lambda_powertools import Logger",
            "standard library",
            id="powertools",
        ),
        pytest.param(f"{CORE}/decide.py", "import os.path", "no os", id="os"),
        pytest.param(f"{CORE}/decide.py", "from logging import getLogger", "no logging", id="log"),
        pytest.param(f"{CORE}/decide.py", "import random", "no random", id="random"),
        pytest.param(
            f"{CORE}/decide.py", "def f():\n    from time import time", "no time", id="lazy time"
        ),
        pytest.param(
            f"{CORE}/policies/schedules.py",
            "import datetime as d\nx = d.datetime.now(d.UTC)",
            "reads no clock",
            id="datetime.now",
        ),
        pytest.param(
            f"{CORE}/guards.py",
            "from datetime import date\nx = date.today()",
            "reads no clock",
            id="date.today",
        ),
        pytest.param(
            f"{CORE}/entities/state.py",
            "from icscaler.decide import decide",
            "no import of it",
            id="entities import decide",
        ),
        pytest.param(
            f"{CORE}/policies/objective.py",
            "from ..decide import decide",
            "no import of it",
            id="relative import outward",
        ),
        pytest.param(
            f"{CORE}/policies/__init__.py",
            "from .. import ports",
            "no import of it",
            id="relative import from a package",
        ),
        pytest.param(
            f"{CORE}/reconcile.py",
            "from icscaler import adapters",
            "no import of it",
            id="use case imports adapters",
        ),
        pytest.param(
            f"{CORE}/__init__.py",
            "from icscaler.decide import decide",
            "no import of it",
            id="the package itself imports a module",
        ),
        pytest.param(f"{CORE}/novelty.py", "x = 1", "has no tier", id="module without a place"),
        pytest.param(
            f"{CORE}/adapters/aws.py", "import icscaler_sim.world", "never imports", id="simulator"
        ),
        pytest.param(
            f"{CORE}/adapters/aws.py", "import boto3", "inside functions", id="boto3 at import"
        ),
        pytest.param(
            f"{CORE}/adapters/aws.py",
            "try:\n    from botocore import config\nexcept ImportError:\n    pass",
            "inside functions",
            id="botocore in a module-level try",
        ),
        pytest.param(
            f"{CORE}/adapters/aws.py",
            "class A:\n    import boto3",
            "inside functions",
            id="boto3 in a class body",
        ),
        pytest.param(
            f"{SIM}/run.py",
            "from icscaler.adapters import memory",
            "never imports icscaler.adapters",
            id="simulator imports adapters",
        ),
        pytest.param(
            f"{SIM}/run.py",
            "from icscaler import config",
            "never imports icscaler.config",
            id="simulator imports config",
        ),
        pytest.param(
            f"{SIM}/run.py",
            "from importlib import import_module\nimport_module('icscaler_localcloud.cloud')",
            "never imports icscaler_localcloud",
            id="import by name",
        ),
        pytest.param(f"{SIM}/run.py", "import boto3", "no AWS SDK", id="simulator imports boto3"),
        pytest.param(
            f"{CLOUD}/cloud.py",
            "from icscaler.policies.target_tracking import recommend",
            "never imports icscaler.policies",
            id="local cloud imports a policy",
        ),
        pytest.param(
            f"{CLOUD}/cloud.py", "import icscaler.decide", "never imports", id="cloud decides"
        ),
        pytest.param(
            f"{CLOUD}/cloud.py", "import icscaler_cli.main", "never imports", id="cloud imports cli"
        ),
        pytest.param(
            "functions/dispatch/app.py",
            "from functions.reconcile import app",
            "another function",
            id="function imports function",
        ),
        pytest.param(
            "functions/dispatch/app.py",
            "from ..reconcile import app",
            "another function",
            id="function imports function, relative",
        ),
        pytest.param(
            "functions/dispatch/app.py",
            "import icscaler_localcloud",
            "never imports",
            id="function imports the local cloud",
        ),
        pytest.param(
            "functions/dispatch/app.py",
            "def lambda_handler(event, context):\n" + "    x = 1\n" * 15,
            "16 lines",
            id="thick handler",
        ),
    ],
)
def test_a_breach_is_found(path: str, source: str, says: str) -> None:
    [fault] = faults(source, path)
    assert fault.startswith(f"{path}:")
    assert says in fault


@pytest.mark.parametrize(
    ("path", "source"),
    [
        pytest.param(
            f"{CORE}/decide.py",
            "from dataclasses import replace\nfrom icscaler.guards import guard\nimport math",
            id="core imports core and standard library",
        ),
        pytest.param(
            f"{CORE}/policies/schedules.py",
            "from datetime import datetime, UTC\nx = datetime.fromtimestamp(0, UTC)",
            id="time that is an argument",
        ),
        pytest.param(
            f"{CORE}/adapters/aws.py",
            "def client():\n    import boto3\n    return boto3.client('sagemaker')",
            id="boto3 inside a function",
        ),
        pytest.param(
            f"{CORE}/adapters/aws.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import botocore.client",
            id="boto types for the type checker",
        ),
        pytest.param(f"{SIM}/run.py", "import numpy\nfrom icscaler.decide import x", id="sim"),
        pytest.param(f"{CLOUD}/cloud.py", "import moto\nfrom icscaler_sim.world import W", id="c"),
        pytest.param(
            "functions/dispatch/app.py",
            "from icscaler import bootstrap\n"
            "def lambda_handler(event, context):\n" + "    x = 1\n" * 14,
            id="thin handler",
        ),
        pytest.param("cli/icscaler_cli/main.py", "import icscaler_localcloud, boto3", id="cli"),
    ],
)
def test_what_is_allowed_passes(path: str, source: str) -> None:
    assert faults(source, path) == []
