"""The Lambda runner in this process: fast, debuggable, one execution environment per cold start.

An `Environment` is what a Lambda micro-VM would keep between invocations: imported modules, the
logging tree, the default boto3 session, stdout. Modules found under the function's code and layer
paths (and Powertools, which keeps state at module level) are imported afresh per environment and
are only in `sys.modules` while it runs, so two functions that import the same layer share
nothing. What they do share with the host process: third-party packages, and the Python version.

Around the handler, time is virtual: `time.time` and (in its own modules) `datetime.now` read the
cloud's clock, `time.sleep` lets other events run. Threads that the handler starts do not wait at
all. A handler that outlives its timeout in virtual time dies at its next AWS call or sleep.

X-Ray is off (POWERTOOLS_TRACE_DISABLED): there is no daemon to send segments to.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from threading import enumerate as live_threads
from threading import get_ident
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, SupportsIndex, TextIO

import boto3
import botocore

from icscaler_localcloud.faults import FunctionKilled
from icscaler_localcloud.lambda_errors import TaskTimedOut, killed
from icscaler_localcloud.lambda_variables import runtime_variables
from icscaler_localcloud.lambdas import Function, RunRequest, RunResult
from icscaler_localcloud.virtual_datetime import VirtualDatetime

if TYPE_CHECKING:
    from icscaler_localcloud.cloud import LocalCloud

# Keep state at module level, so every environment gets its own copy.
_STATEFUL_PACKAGES = frozenset({"aws_lambda_powertools"})
# With and without the environment's own modules, and room for what a handler imports late.
_REMEMBERED_SIZES = 4
_LOG_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"


@lru_cache(4096)
def _compiled(text: str) -> CodeType:
    return compile(text, "<string>", "exec")


def _execute(text: str, names: dict[str, Any], into: Any = None) -> None:
    """`exec` for the module `dataclasses`, which writes the methods of a class as text.

    A cold start makes all classes of the layer anew, and compiling that was half of its time.
    """
    exec(_compiled(text), names, into)  # noqa: S102


vars(dataclasses)["exec"] = _execute


class _HandlerError(Exception):
    """The handler could not be found, in the words of AWS's runtime client."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = f"Runtime.{kind}"


class LambdaContext:
    """The context object of the Python runtime."""

    def __init__(self, request: RunRequest, now_s: Callable[[], float]) -> None:
        function = request.function
        self.function_name = function.name
        self.function_version = "$LATEST"
        self.invoked_function_arn = function.arn
        self.memory_limit_in_mb = str(function.memory_mb)
        self.aws_request_id = request.request_id
        self.log_group_name = function.log_group
        self.log_stream_name = f"[$LATEST]{request.request_id.replace('-', '')}"
        self.identity = None
        self.client_context = None
        self._deadline_s = request.deadline_s
        self._now_s = now_s

    def get_remaining_time_in_millis(self) -> int:
        """Virtual milliseconds until the function times out."""
        return max(0, int((self._deadline_s - self._now_s()) * 1000))


class _Stream:
    """Stands in for stdout and stderr as long as an environment lives; collects lines per run."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self._parts: list[str] = []

    def write(self, text: str) -> int:
        self._parts.append(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is buffered."""

    def isatty(self) -> bool:
        return False

    def take(self) -> tuple[str, ...]:
        """The lines written since the last take."""
        text, self._parts = "".join(self._parts), []
        return tuple(text.splitlines())


class Environment:
    """One execution environment of one function."""

    def __init__(self, function: Function, virtual_datetime: VirtualDatetime) -> None:
        self.function = function
        self._virtual_datetime = virtual_datetime
        self._paths = [str(p) for p in (function.code_path, *function.layer_paths)]
        self._own_names = _STATEFUL_PACKAGES | {n for p in self._paths for n in _importable(p)}
        self._modules: dict[str, ModuleType] = {}
        self._names_by_size: dict[int, list[str]] = {}
        self._stream = _Stream()
        self._root = logging.RootLogger(logging.WARNING)
        self._manager = logging.Manager(self._root)
        self._boto3_session: Any = None
        self._initializers: list[Any] = []
        self._handler: Callable[[Any, LambdaContext], Any] | None = None
        self._request_id = ""
        console = logging.StreamHandler(self._stream)
        console.setFormatter(logging.Formatter(_LOG_FORMAT, "%Y-%m-%dT%H:%M:%S"))
        console.addFilter(self._name_request)
        self._root.addHandler(console)

    @property
    def cold(self) -> bool:
        """Has the handler not been imported yet?"""
        return self._handler is None

    def call(self, event: Any, context: LambdaContext, variables: Mapping[str, str]) -> Any:
        """Import the handler if need be, and call it, inside the environment."""
        with ExitStack() as stack:
            stack.enter_context(_environ(variables))
            stack.enter_context(self._logging())
            stack.enter_context(self._standard_streams())
            stack.enter_context(self._imports())
            stack.enter_context(self._default_session())
            stack.enter_context(self._botocore_initializers())
            self._request_id = context.aws_request_id
            if self._handler is None:
                self._handler = _resolve(self.function.handler)
                self._virtual_datetime.install(self._loaded().values())
            return self._handler(event, context)

    def _name_request(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = self._request_id
        return True

    def take_lines(self) -> tuple[str, ...]:
        """What was printed and logged since the last call of this."""
        return self._stream.take()

    @contextmanager
    def _imports(self) -> Iterator[None]:
        theirs = self._loaded()
        for name in theirs:
            del sys.modules[name]
        sys.modules.update(self._modules)
        sys.path[:0] = self._paths
        try:
            yield
        finally:
            for path in self._paths:
                sys.path.remove(path)
            known, self._modules = self._modules, self._loaded()
            if known and len(known) != len(self._modules):
                self._virtual_datetime.install(self._modules.values())
            for name in self._modules:
                del sys.modules[name]
            sys.modules.update(theirs)

    def _loaded(self) -> dict[str, ModuleType]:
        """The environment's own modules among those in sys.modules now.

        Walking all of sys.modules twice a call would cost more than the call; names are looked
        for again only when the number of modules has changed since the last two looks.
        """
        size = len(sys.modules)
        names = self._names_by_size.get(size)
        if names is None or any(name not in sys.modules for name in names):
            names = [n for n in sys.modules if n.partition(".")[0] in self._own_names]
            if len(self._names_by_size) >= _REMEMBERED_SIZES:
                self._names_by_size.clear()
            self._names_by_size[size] = names
        return {name: sys.modules[name] for name in names}

    @contextmanager
    def _logging(self) -> Iterator[None]:
        root, manager = logging.root, logging.Logger.manager
        logging.root = logging.Logger.root = self._root
        logging.Logger.manager = self._manager
        try:
            yield
        finally:
            logging.root = logging.Logger.root = root
            logging.Logger.manager = manager

    @contextmanager
    def _standard_streams(self) -> Iterator[None]:
        streams: tuple[TextIO, TextIO] = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = self._stream
        try:
            yield
        finally:
            sys.stdout, sys.stderr = streams

    @contextmanager
    def _default_session(self) -> Iterator[None]:
        theirs, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, self._boto3_session
        try:
            yield
        finally:
            self._boto3_session, boto3.DEFAULT_SESSION = boto3.DEFAULT_SESSION, theirs

    @contextmanager
    def _botocore_initializers(self) -> Iterator[None]:
        """Powertools registers one per import. Left in botocore they would be called for every
        session of every environment, and keep all of them alive for ever."""
        shared: Any = botocore
        theirs = shared._INITIALIZERS
        shared._INITIALIZERS = [*theirs, *self._initializers]
        try:
            yield
        finally:
            self._initializers = shared._INITIALIZERS[len(theirs) :]
            shared._INITIALIZERS = theirs


class InProcessRunner:
    """Runs handlers in this process, warm environments first."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._idle: dict[str, list[Environment]] = {}
        self._datetime = VirtualDatetime(lambda: cloud.handlers_now_s)
        self._deadlines: list[tuple[float, int]] = []

    def run(self, request: RunRequest) -> RunResult:
        """One invocation; an environment whose handler died is not used again."""
        function = request.function
        idle = self._idle.setdefault(function.name, [])
        environment = idle.pop() if idle else Environment(function, self._datetime)
        cold = environment.cold
        context = LambdaContext(request, lambda: self._cloud.clock.now_s)
        self._deadlines.append((request.deadline_s, function.timeout_s))
        try:
            with _virtual_time(self._cloud):
                variables = runtime_variables(function, self._cloud.region)
                variables["_X_AMZN_TRACE_ID"] = request.trace_id
                result = environment.call(json.loads(request.payload), context, variables)
                payload, error_type = _marshal(result)
            idle.append(environment)
        except FunctionKilled as death:
            payload, error_type = killed(death, request.request_id)
        except Exception as error:
            payload, error_type = _failed(error, request), _error_type(error)
            if not environment.cold:
                idle.append(environment)
        finally:
            self._deadlines.pop()
        return RunResult(payload, error_type, environment.take_lines(), cold)

    def forget(self, function: Function) -> None:
        """Throw away the function's warm environments."""
        self._idle.pop(function.name, None)

    def check_deadline(self) -> None:
        """Let the running function die (TaskTimedOut) when its time is over."""
        if self._deadlines and self._cloud.clock.now_s > self._deadlines[-1][0]:
            raise TaskTimedOut(self._deadlines[-1][1])

    def settle(self) -> None:
        """Nothing: a handler that is not running waits on this thread's stack."""

    def close(self) -> None:
        """Throw all environments away."""
        self._idle.clear()


def _importable(path: str) -> Iterator[str]:
    """Top-level names that `path` offers for import."""
    for entry in Path(path).iterdir():
        if entry.suffix == ".py":
            yield entry.stem
        elif entry.is_dir() and entry.name.isidentifier() and entry.name != "__pycache__":
            yield entry.name


def _resolve(handler: str) -> Callable[[Any, LambdaContext], Any]:
    module_name, _, attribute = handler.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        message = f"Unable to import module '{module_name}': {error}"
        raise _HandlerError("ImportModuleError", message) from error
    except SyntaxError as error:
        message = f"Syntax error in module '{module_name}': {error}"
        raise _HandlerError("UserCodeSyntaxError", message) from error
    resolved: Callable[[Any, LambdaContext], Any] | None = getattr(module, attribute, None)
    if resolved is None:
        message = f"Handler '{attribute}' missing on module '{module_name}'"
        raise _HandlerError("HandlerNotFound", message)
    return resolved


def _marshal(result: Any) -> tuple[str, str | None]:
    try:
        return json.dumps(result), None
    except TypeError as error:
        message = f"Unable to marshal response: {error}"
        return json.dumps(
            {"errorMessage": message, "errorType": "Runtime.MarshalError", "stackTrace": []}
        ), "Runtime.MarshalError"


def _error_type(error: Exception) -> str:
    return error.kind if isinstance(error, _HandlerError) else type(error).__name__


def _failed(error: Exception, request: RunRequest) -> str:
    return json.dumps(
        {
            "errorMessage": str(error),
            "errorType": _error_type(error),
            "requestId": request.request_id,
            "stackTrace": traceback.format_tb(error.__traceback__),
        }
    )


@contextmanager
def _environ(variables: Mapping[str, str]) -> Iterator[None]:
    theirs = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(theirs)


@contextmanager
def _virtual_time(cloud: LocalCloud) -> Iterator[None]:
    """`time.time` and `time.sleep` on the virtual clock, for this thread and ones it starts."""
    real_time, real_sleep = time.time, time.sleep
    loop_thread = get_ident()
    strangers = {thread.ident for thread in live_threads()} - {loop_thread}

    def virtual_time() -> float:
        return real_time() if get_ident() in strangers else cloud.handlers_now_s

    def virtual_sleep(seconds: float | SupportsIndex) -> None:
        if get_ident() in strangers:
            real_sleep(seconds)
        elif get_ident() == loop_thread:
            cloud.sleep(float(seconds))

    time.time, time.sleep = virtual_time, virtual_sleep
    try:
        yield
    finally:
        time.time, time.sleep = real_time, real_sleep
