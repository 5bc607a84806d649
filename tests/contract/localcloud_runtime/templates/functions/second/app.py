"""A second function on the same layer."""

import shared_code


def lambda_handler(event, context):
    shared_code.calls.append(context.aws_request_id)
    return {"calls": len(shared_code.calls)}
