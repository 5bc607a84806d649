"""MiniStack, an emulator of AWS's control planes, run for as long as something needs it.

It serves on a free loopback port, writes its log to a file, keeps nothing, and is ended by its
process group, also when its user fails. Standard library only.
"""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

LOOPBACK = "127.0.0.1"
REGION = "us-east-1"
START_S = 60.0
STOP_S = 10.0
# Names in our environment that would lead a client to a real account.
_OTHERS = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE", "AWS_ROLE_ARN")


class MiniStackError(Exception):
    """MiniStack did not come up; the text says where its log is."""


def client_environment(url: str) -> dict[str, str]:
    """The environment of a client that must reach MiniStack and nothing else."""
    kept = {name: value for name, value in os.environ.items() if name not in _OTHERS}
    return {
        **kept,
        "AWS_ENDPOINT_URL": url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": LOOPBACK,
        "no_proxy": LOOPBACK,
    }


@contextmanager
def serving(program: Path, folder: Path) -> Iterator[str]:
    """MiniStack's address while the block runs. `folder` takes its log and temporary files.

    Raises `MiniStackError` when it does not answer within a minute.
    """
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "ministack.log"
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program],
            env=_server_environment(port, folder),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that its function workers end with it
        )
        try:
            url = f"http://{LOOPBACK}:{port}"
            _await(process, url, log)
            yield url
        finally:
            _end(process)


def free_port() -> int:
    """A loopback port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _server_environment(port: int, folder: Path) -> Mapping[str, str]:
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("AWS_", "MINISTACK_"))}
    return {
        **kept,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": LOOPBACK,  # by default it listens on every interface
        "IOT_MTLS_ENABLED": "0",  # by default a second port, on every interface
        "SFTP_ENABLED": "0",
        "MINISTACK_HOST": LOOPBACK,
        "MINISTACK_REGION": REGION,
        "TMPDIR": str(folder),
        "S3_PERSIST": "0",
    }


def _await(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s:
        if process.poll() is not None:
            raise MiniStackError(f"MiniStack ended with {process.returncode}, see {log}")
        with suppress(urllib.error.URLError, OSError):
            # A loopback address of our own making, and no proxy on the way.
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(f"{url}/_ministack/health", timeout=2):
                return
        time.sleep(0.1)
    raise MiniStackError(f"MiniStack did not answer within {START_S:.0f} s, see {log}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process group that `serving` started, politely at first."""
    for wanted in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, wanted)
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_S)
            break
    with suppress(ProcessLookupError):  # workers that outlived their parent
        os.killpg(process.pid, signal.SIGKILL)
