"""Entry point of a worker process: see the package."""

import datetime
import http.client
import os
import runpy
import sys
import threading
import time
from importlib.util import find_spec
from typing import SupportsIndex
from urllib.parse import urlsplit

from icscaler_localcloud.lambda_worker import CLOCK_VARIABLE, SLEEP_PATH, runtime_client
from icscaler_localcloud.lambda_worker.clock import ClockReader
from icscaler_localcloud.virtual_datetime import VirtualDatetime


def _live_in(clock: ClockReader) -> None:
    """`time` and `datetime` read the cloud's clock; the main thread's sleep passes virtual time.

    Other threads do not wait at all, as in the runner that is in the cloud's process.
    """
    address = urlsplit(os.environ["AWS_ENDPOINT_URL"]).netloc
    token = os.environ["AWS_SESSION_TOKEN"]

    def sleep(seconds: float | SupportsIndex) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        connection = http.client.HTTPConnection(address)
        body = repr(float(seconds)).encode()
        connection.request("POST", SLEEP_PATH, body, {"X-Amz-Security-Token": token})
        connection.getresponse().read()
        connection.close()

    time.time = clock.now_s
    time.time_ns = lambda: int(clock.now_s() * 1_000_000_000)
    time.sleep = sleep
    VirtualDatetime(clock.now_s).install([datetime])


def _native_client_or_ours() -> None:
    if find_spec("runtime_client") is None:  # a compiled extension, not built everywhere
        sys.modules["runtime_client"] = runtime_client


def main() -> None:
    """Never returns: AWS's client asks for invocations until its process is ended."""
    _live_in(ClockReader(int(os.environ.pop(CLOCK_VARIABLE))))
    _native_client_or_ours()
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
