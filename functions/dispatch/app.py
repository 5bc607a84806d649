"""Dispatch: a tick, a wake request or an endpoint's change becomes messages on the look queue."""

import time
from typing import Any

from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.utilities.data_classes import EventBridgeEvent, event_source
from aws_lambda_powertools.utilities.typing import LambdaContext

from icscaler import bootstrap, dispatch
from icscaler.adapters import reporting, triggers

logger = Logger()
tracer = Tracer()


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@event_source(data_class=EventBridgeEvent)
def lambda_handler(event: EventBridgeEvent, context: LambdaContext) -> dict[str, Any]:
    now_s = int(time.time())
    try:
        trigger = triggers.dispatch_event(event, context.aws_request_id, now_s)
    except triggers.TriggerError as error:
        logger.error("Rejected an event: %s", error, extra={"event": event.raw_event})
        return reporting.report_rejection(str(error), now_s)
    outcome = dispatch.dispatch(trigger, bootstrap.dispatch_deps())
    answer = reporting.report_dispatch(outcome)
    logger.info("Dispatched", extra=answer)
    return answer
