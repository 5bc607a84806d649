"""One Lambda execution environment as a process of its own, and the Runtime API it talks to.

The process runs AWS's runtime interface client, which asks for an invocation, calls the handler
and posts what came of it (Lambda Developer Guide, "Using the Lambda runtime API"). Each
environment has a Runtime API of its own, as in Lambda: its address is all that tells them apart.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from secrets import token_hex

from icscaler_localcloud.http_front import HOST, HttpFront, HttpRequest
from icscaler_localcloud.lambda_worker import CLOCK_VARIABLE
from icscaler_localcloud.lambdas import Function, RunRequest
from icscaler_localcloud.wire import ApiReply

_API = "/2018-06-01/runtime"
_REPORTED = re.compile(rf"{_API}/invocation/(?P<request_id>[^/]+)/(?P<kind>response|error)")
_READ_BYTES = 65_536
_ACCEPTED = ApiReply(202, {"Content-Type": "application/json"}, b'{"status":"OK"}')
_ENDED = ApiReply(410, {}, b"")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an invocation came to: `payload` is JSON, the answer or AWS's error object."""

    payload: str
    error_type: str | None
    reusable: bool
    """May the environment be used again?"""


class WorkerProcess:
    """A process from the first import of a handler to its end. Owned by the cloud's thread.

    `changed` is called on another thread when `outcome` may have news.
    """

    def __init__(
        self,
        function: Function,
        variables: Mapping[str, str],
        clock_fd: int,
        changed: Callable[[], None],
    ) -> None:
        self.function = function
        self.token = f"environment-{token_hex(8)}"
        """Its clients' session token: tells the cloud which environment a call comes from."""
        self.init_ms: float | None = None
        """Real milliseconds from start to the first request for an invocation, once known."""
        self.offered_s = self._started_s = time.monotonic()
        """When the current invocation was offered, on the stopwatch `time.monotonic`."""
        self.handed_over_s: float | None = None
        """When it was taken, once it was: the handler runs since then."""
        self._changed = changed
        self._invocations: SimpleQueue[RunRequest | None] = SimpleQueue()
        self._current: RunRequest | None = None
        self._outcome: Outcome | None = None
        self._output = b""
        self._front = HttpFront(self._runtime_api)
        self._process = self._start(variables, clock_fd)

    def _start(self, variables: Mapping[str, str], clock_fd: int) -> subprocess.Popen[bytes]:
        function = self.function
        paths = (function.code_path, *function.layer_paths)
        process = subprocess.Popen(  # noqa: S603  (this interpreter, a handler of the template)
            [sys.executable, "-X", "utf8", "-m", f"{__package__}.lambda_worker", function.handler],
            cwd=function.code_path,
            env={
                **variables,
                "AWS_LAMBDA_RUNTIME_API": f"{HOST}:{self._front.port}",
                "AWS_SESSION_TOKEN": self.token,
                "PYTHONPATH": os.pathsep.join(map(str, paths)),
                CLOCK_VARIABLE: str(clock_fd),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(clock_fd,),
            start_new_session=True,  # Ctrl-C is for the cloud, which then ends us
        )
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        return process

    # -- the cloud's side

    def begin(self, request: RunRequest) -> None:
        """Offer an invocation; what came of it is in `outcome`, later."""
        self._outcome, self._current = None, request
        self.offered_s, self.handed_over_s = time.monotonic(), None
        self._invocations.put(request)

    def outcome(self) -> Outcome | None:
        """What the invocation came to; None while it runs. A process that ends is an outcome."""
        self._read_output()
        if self._outcome is None and self._process.poll() is not None:
            self._outcome = self._exited(self._process.returncode)
        return self._outcome

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Could it take another invocation?"""
        return self._process.poll() is None

    def take_lines(self) -> tuple[str, ...]:
        """What was written to stdout and stderr since the last take of this."""
        self._read_output()
        text, self._output = self._output.decode("utf-8", "replace"), b""
        return tuple(text.removesuffix("\n").split("\n")) if text else ()

    def max_memory_mb(self) -> int | None:
        """The most memory the process has held; None when it ended or the system does not tell."""
        try:
            status = Path(f"/proc/{self._process.pid}/status").read_text("ascii")
        except OSError:
            return None
        peak = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.M)
        return int(peak[1]) // 1024 if peak else None

    def end(self) -> None:
        """Kill the process with whatever it started, and close its Runtime API."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._read_output()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._invocations.put(None)
        self._front.close()

    def _read_output(self) -> None:
        """What is in the pipe now. All that was printed before a result was posted is."""
        stream = self._process.stdout
        if stream is None or stream.closed:
            return
        with suppress(BlockingIOError):
            while chunk := os.read(stream.fileno(), _READ_BYTES):
                self._output += chunk

    def _exited(self, code: int) -> Outcome:
        if code < 0:
            name = (signal.strsignal(-code) or str(-code)).lower()
            reason = f"Runtime exited with error: signal: {name}"
        elif code > 0:
            reason = f"Runtime exited with error: exit status {code}"
        else:
            reason = "Runtime exited without providing a reason"
        assert self._current is not None
        message = f"RequestId: {self._current.request_id} Error: {reason}"
        payload = json.dumps({"errorType": "Runtime.ExitError", "errorMessage": message})
        return Outcome(payload, "Runtime.ExitError", reusable=False)

    # -- the worker's side, on threads of the Runtime API

    def _runtime_api(self, request: HttpRequest) -> ApiReply | None:
        if request.method == "GET" and request.target == f"{_API}/invocation/next":
            return self._next()
        if request.target == f"{_API}/init/error":
            return self._report(request.body, failed=True, reusable=False)
        reported = _REPORTED.fullmatch(request.target)
        if reported is None:
            return ApiReply(404, {}, b"")
        if self._current is None or reported["request_id"] != self._current.request_id:
            error = {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"}
            return ApiReply(400, {"Content-Type": "application/json"}, json.dumps(error).encode())
        return self._report(request.body, failed=reported["kind"] == "error", reusable=True)

    def _next(self) -> ApiReply:
        if self.init_ms is None:
            self.init_ms = (time.monotonic() - self._started_s) * 1000
        request = self._invocations.get()
        if request is None:
            return _ENDED
        self.handed_over_s = time.monotonic()
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": request.request_id,
            "Lambda-Runtime-Deadline-Ms": str(int(request.deadline_s * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": self.function.arn,
            "Lambda-Runtime-Trace-Id": request.trace_id,
        }
        return ApiReply(200, headers, request.payload.encode())

    def _report(self, body: bytes, *, failed: bool, reusable: bool) -> ApiReply:
        payload = body.decode("utf-8", "replace")
        error_type = str(json.loads(payload).get("errorType", "Unhandled")) if failed else None
        self._outcome = Outcome(payload, error_type, reusable)
        self._changed()
        return _ACCEPTED
