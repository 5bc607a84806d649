"""The local cloud as `icscaler local up` serves it, in a process of its own, and its clients."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

ICSCALER = Path(sys.executable).parent / "icscaler"
ROOT = Path(__file__).parents[3]


class Up:
    """A running `icscaler local up`; `environment` is what it printed to paste."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.environment: dict[str, str] = {}
        assert process.stdout is not None
        for line in process.stdout:
            self.environment |= dict(word.split("=", 1) for word in line.split()[1:])
            if "AWS_SECRET_ACCESS_KEY" in self.environment:
                return
        _, said = process.communicate()
        raise AssertionError(f"icscaler local up ended with {process.returncode}: {said}")

    @property
    def url(self) -> str:
        return self.environment["AWS_ENDPOINT_URL"]

    def client_environment(self, home: Path) -> dict[str, str]:
        """What a client's process is given: nothing of this machine's AWS settings."""
        return {"PATH": os.environ["PATH"], "HOME": str(home), **self.environment}

    def steer(self, method: str, path: str, body: object = None) -> Any:
        """What `icscaler local status` and its like do."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc)
        connection.request(method, f"/_icscaler/{path}", json.dumps(body or {}))
        reply = connection.getresponse()
        answer = json.loads(reply.read())
        connection.close()
        assert reply.status == 200, answer
        return answer

    def advance(self, seconds: int) -> None:
        """Let virtual time pass."""
        self.steer("POST", "advance", {"seconds": seconds})

    def interrupt(self) -> tuple[int, str]:
        """Ctrl-C: exit code and what it said on the way out."""
        self.process.send_signal(signal.SIGINT)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


@contextmanager
def up(*options: str) -> Iterator[Up]:
    """Serve on a free port; virtual time moves only when told to."""
    process = subprocess.Popen(
        [ICSCALER, "local", "up", "--port", "0", "--speed", "0", *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield Up(process)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def served() -> Iterator[Up]:
    """An empty cloud."""
    with up() as running:
        yield running
