"""Rollout: one step of a rolling update; the state machines wait between them."""

import time
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from icscaler import bootstrap
from icscaler.adapters.rollouts import entry

logger = Logger()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """`event` names the step (`action`) and the rollout; the answer what the machine does next."""
    answer = entry.run(event, bootstrap.rollout_deps(), int(time.time()))
    logger.info("Step: %s", event.get("action"), extra={"step": entry.about(event), "then": answer})
    return answer
