"""Does what its event or message says; each branch is something a test wants to see happen."""

import json
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import boto3
import shared_code

IMPORTED_AT_S = time.time()
_table = boto3.client("dynamodb")


def _spin(event):
    while True:
        pass


def _print_much(event):
    print("x" * 1_000_000)
    print("end")


def _meet(event):
    """Comes back only if another invocation runs beside this one: each waits for the other."""
    mine, other = ({"pk": {"S": event[name]}} for name in ("me", "other"))
    _table.put_item(TableName=os.environ["TABLE"], Item=mine)
    while "Item" not in _table.get_item(TableName=os.environ["TABLE"], Key=other):
        pass


EXTREMES = {
    "exit": lambda event: os._exit(event["status"]),
    "signal": lambda event: os.kill(os.getpid(), event["number"]),
    "spin": _spin,
    "print much": _print_much,
    "meet": _meet,
}


def lambda_handler(event, context):
    if "Records" in event:
        return _batch(event, context)
    return _one(event, context)


def _batch(event, context):
    failures = []
    for record in event["Records"]:
        try:
            _one(json.loads(record["body"]), context, record)
        except ValueError:
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def _put(key):
    time.sleep(0.5)
    _table.put_item(TableName=os.environ["TABLE"], Item={"pk": {"S": key}})


def _one(event, context, record=None):
    shared_code.calls.append(context.aws_request_id)
    verb = event.get("do")
    if verb == "put":
        key = event.get("key", "k")
        _table.put_item(TableName=os.environ["TABLE"], Item={"pk": {"S": key}})
        _table.put_item(TableName=os.environ["TABLE"], Item={"pk": {"S": f"{key}-second"}})
    elif verb == "put many":
        with ThreadPoolExecutor(8) as pool:
            keys = [f"{event['key']}-{n}" for n in range(16)]
            list(pool.map(_put, keys))
    elif verb == "sleep":
        time.sleep(event["seconds"])
    elif verb == "raise":
        raise RuntimeError("as asked")
    elif verb == "reject":
        raise ValueError("as asked")
    elif verb == "log":
        logging.getLogger("worker").warning("warned")
        print("printed")
    elif verb == "call":
        client = boto3.client(event["service"])
        return getattr(client, event["method"])(**event.get("params", {}))["ResponseMetadata"]
    elif verb in EXTREMES:
        EXTREMES[verb](event)
    elif verb == "unserialisable":
        return {"at": datetime.now(UTC)}
    return {
        "calls": len(shared_code.calls),
        "imported_at_s": IMPORTED_AT_S,
        "now_s": time.time(),
        "datetime_s": datetime.now(UTC).timestamp(),
        "remaining_ms": context.get_remaining_time_in_millis(),
        "environment": {k: os.environ.get(k) for k in ("TABLE", "AWS_REGION", "PYTEST_VERSION")},
        "message": record and record["messageId"],
    }
