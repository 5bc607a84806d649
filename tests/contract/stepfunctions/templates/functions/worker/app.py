"""Does what its event says; each branch is something a state machine's test wants to see."""

import json
import os
import time

import boto3

failures = {}


class OutOfRoomError(Exception):
    """An error that a Retry or Catch names."""


def lambda_handler(event, context):
    verb = event.get("do")
    if verb == "sleep":
        time.sleep(event["seconds"])
    elif verb == "raise":
        raise OutOfRoomError("no room")
    elif verb == "fail first":
        failures[event["key"]] = failures.get(event["key"], 0) + 1
        if failures[event["key"]] <= event["times"]:
            raise OutOfRoomError(f"attempt {failures[event['key']]}")
        return {"attempts": failures[event["key"]], "now_s": time.time()}
    elif verb == "put":
        boto3.client("dynamodb").put_item(
            TableName=os.environ["TABLE"], Item={"pk": {"S": event["key"]}}
        )
    elif verb == "answer":
        boto3.client("stepfunctions").send_task_success(
            taskToken=event["token"], output=json.dumps({"by": "the function itself"})
        )
    elif verb == "return":
        return event["value"]
    return {"event": event, "now_s": time.time()}
