"""Reconcile: each message of the look queue is one look at one endpoint."""

import time
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.batch import SqsFifoPartialProcessor, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from icscaler import bootstrap, reconcile
from icscaler.adapters import reporting, triggers
from icscaler.collecting import seldom_collected

# What is left undone when the time is up is done by the next look; this much is for leaving well.
LEAVING_S = 5.0

logger = Logger()
tracer = Tracer()
processor = SqsFifoPartialProcessor()


def record_handler(record: SQSRecord, lambda_context: LambdaContext) -> None:
    """One look. Whatever is raised here is a bug: tried again soon, then kept as a dead letter."""
    started_s = time.time()

    def time_left_s() -> float:
        return lambda_context.get_remaining_time_in_millis() / 1000 - LEAVING_S

    try:
        request = triggers.look_request(record)
        run = reconcile.Invocation(record.message_id, time_left_s)
        with seldom_collected():
            outcome = reconcile.look(request, bootstrap.reconcile_deps(), run)
    except Exception:
        logger.exception("The look failed", extra={"body": record.body})
        bootstrap.look_queue().retry_soon(record.receipt_handle)
        raise
    fields = reporting.report_look(outcome, time.time() - started_s)
    log = logger.warning if outcome.message else logger.info
    log(f"Look: {outcome.kind}", extra=fields)


@logger.inject_lambda_context
@tracer.capture_lambda_handler
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(event, record_handler, processor, context)
