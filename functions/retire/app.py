"""Retire: one step of retire_model. What it does depends on what there is: it may be repeated."""

import time
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from icscaler import bootstrap
from icscaler.adapters import workflow_steps

logger = Logger()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers whether to go on or to wait; what must not go on raises, and is recorded."""
    deps = bootstrap.retire_deps()
    answer = workflow_steps.retire(event, deps, context.aws_request_id, int(time.time()))
    logger.info("Step: %s", answer["say"], extra={"action": event["action"], "answer": answer})
    return answer
