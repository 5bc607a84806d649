"""Alarms: the spike alarms of single models are brought in step with the published fleet."""

import time
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.typing import LambdaContext

from icscaler import bootstrap, keep_alarms
from icscaler.adapters import reporting

# What is left undone when the time is up is done by the next run; this much is for leaving well.
LEAVING_S = 30.0

logger = Logger()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """`event` only says that it is time: what is done depends on what there is."""

    def time_left_s() -> float:
        return context.get_remaining_time_in_millis() / 1000 - LEAVING_S

    outcome = keep_alarms.keep_alarms(bootstrap.alarms_deps(), int(time.time()), time_left_s)
    answer = reporting.report_alarms(outcome)
    logger.info("Kept alarms", extra={"outcome": answer})  # "created" is a log record's own field
    return answer
