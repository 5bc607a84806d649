"""The environment variables a function's code finds, the same for every runner."""

from __future__ import annotations

import os

from icscaler_localcloud.lambdas import Function
from icscaler_localcloud.session import SECRET_KEY

_INHERITED_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")


def runtime_variables(function: Function, region: str) -> dict[str, str]:
    """What the Python runtime sets (Developer Guide, "Environment variables"), then its own."""
    variables = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
    variables |= {
        "_HANDLER": function.handler,
        "AWS_ACCESS_KEY_ID": function.access_key,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_FORMAT": function.log_format,
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_LOG_STREAM_NAME": "[$LATEST]local",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": str(function.code_path),
        "POWERTOOLS_TRACE_DISABLED": "true",
        "TZ": ":UTC",
    }
    return variables | dict(function.environment)
