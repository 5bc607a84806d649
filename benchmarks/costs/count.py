"""Counting: a fleet is played through the real handlers, and whatever AWS would charge is added up.

Only what the functions do is counted (their calls, lines, invocations), not what the models' own
endpoints cost. Where AWS charges by size, the size is that of the real items and lines.
"""

import json
import math
from base64 import b64decode
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.recorded import Played, playing, scenario
from icscaler.adapters.dynamodb.table import item_bytes
from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.gateway import ApiCall
from icscaler_localcloud.lambdas import Invocation
from icscaler_localcloud.wire import codec

KB, GB = 1024, 1024**3
LOG_LINES_OF_LAMBDA_BYTES = 900  # START, END and REPORT in JSON
RECORDS = ("record#", "snapshot#")


@dataclass(slots=True)
class Counts:
    """What was counted over `minutes`. `flows` grow with time; `stocks` are there all the time.

    `waits`: calls by service, each times the GB of memory of the function that waits for it.
    """

    models: int
    endpoints: int
    minutes: int
    flows: dict[str, float] = field(default_factory=dict)
    stocks: dict[str, float] = field(default_factory=dict)
    waits: dict[str, float] = field(default_factory=dict)
    about: dict[str, float] = field(default_factory=dict)


class Meter:
    """Listens to a local cloud and adds up what is charged."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._seen: set[str] = set()
        self._memory_gb = {f.name: f.memory_mb / KB for f in cloud.functions.all()}
        self._updates: Counter[tuple[str, str]] = Counter()
        self.waits: defaultdict[str, float] = defaultdict(float)
        self.flows: defaultdict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()
        self.refused: set[str] = set()
        self.metrics: set[str] = set()
        self.running = False
        cloud.gateway.listen(self._called)

    def start(self) -> None:
        """Count from now on."""
        self._seen = {done.request_id for done in self._cloud.lambda_log}
        self.running = True

    def _called(self, call: ApiCall) -> None:
        if not self.running or call.principal is None:
            return
        self.calls[f"{call.service} {call.operation}"] += 1
        memory_gb = max(self._memory_gb.get(name, 0.0) for name in call.principal.names)
        self.waits[call.service] += memory_gb
        count = getattr(self, f"_{call.service}", None)
        if count is not None:
            count(call)

    def _cloudwatch(self, call: ApiCall) -> None:
        if call.operation == "GetMetricData":
            queries = codec("cloudwatch").parse(call.request).params["MetricDataQueries"]
            self.flows["metrics_requested"] += len(queries)

    def _sqs(self, call: ApiCall) -> None:
        self.flows["sqs_requests"] += 1
        if call.operation == "SendMessageBatch":
            # Lambda receives and deletes each message by itself: the batch size is 1.
            sent = len(json.loads(call.request.body)["Entries"])
            self.flows["sqs_requests"] += 2 * sent

    def _events(self, call: ApiCall) -> None:
        self.flows["events"] += len(json.loads(call.request.body)["Entries"])

    def _sns(self, call: ApiCall) -> None:
        self.flows["notices"] += 1

    def _dynamodb(self, call: ApiCall) -> None:
        body, reply = json.loads(call.request.body), json.loads(call.reply.body)
        match call.operation:
            case "GetItem":
                self.flows["read_units"] += _units(item_size(reply.get("Item", {})), 4 * KB)
            case "Query":
                # One item collection is read as a whole, then rounded up.
                size = sum(item_size(item) for item in reply["Items"])
                self.flows["read_units"] += _units(size, 4 * KB)
            case "PutItem":
                self._wrote(body["Item"])
            case "BatchWriteItem":
                for request in (each for rows in body["RequestItems"].values() for each in rows):
                    if "PutRequest" in request:
                        self._wrote(request["PutRequest"]["Item"])
                    else:
                        self.flows["write_units"] += 1
            case "UpdateItem":
                # Charged by the whole item, whose size is looked up at the end.
                self._updates[body["Key"]["pk"]["S"], body["Key"]["sk"]["S"]] += 1
            case _:
                self.flows["write_units"] += 1

    def _wrote(self, item: Mapping[str, Any]) -> None:
        size = item_size(item)
        self.flows["write_units"] += _units(size, KB)
        if item["pk"]["S"].startswith(RECORDS):
            self.flows["record_bytes"] += size

    def drain(self) -> None:
        """Take in the invocations since the last time; their log is not endless."""
        for done in self._cloud.lambda_log:
            if done.request_id not in self._seen:
                self._seen.add(done.request_id)
                self._invoked(done)

    def _invoked(self, done: Invocation) -> None:
        self.flows["lambda_requests"] += 1
        self.flows["traces"] += 1
        self.flows["scheduler_invocations"] += ":scheduler:" in done.trigger
        self.flows["cpu_gb_s"] += done.cpu_ms / 1000 * self._memory_gb[done.function]
        lines = sum(len(line.encode()) + 1 for line in done.lines)
        self.flows["log_gb"] += (lines + LOG_LINES_OF_LAMBDA_BYTES) / GB
        for line in done.lines:
            if '"_aws"' in line:
                self.metrics.update(metrics_of(json.loads(line)))

    def finish(self, table: str) -> None:
        """Sizes that are known only at the end."""
        self.running = False
        self.drain()
        client = self._cloud.client("dynamodb")
        for (pk, sk), count in self._updates.items():
            key = {"pk": {"S": pk}, "sk": {"S": sk}}
            item = client.get_item(TableName=table, Key=key).get("Item", {})
            self.flows["write_units"] += count * _units(item_bytes(item), KB)


def _units(size: int, step: int) -> int:
    return max(1, math.ceil(size / step))


def item_size(item: Mapping[str, Any]) -> int:
    """Bytes of an item as it is on the wire, where binary is base64."""
    plain = {
        name: {"B": b64decode(value["B"])} if "B" in value else value
        for name, value in item.items()
    }
    return item_bytes(plain)


def metrics_of(document: Mapping[str, Any]) -> set[str]:
    found = set()
    for group in document["_aws"]["CloudWatchMetrics"]:
        for dimensions in group["Dimensions"]:
            where = "/".join(str(document[name]) for name in dimensions)
            found |= {f"{where}/{metric['Name']}" for metric in group["Metrics"]}
    return found


def count(models: int, hours: tuple[float, float, float]) -> Counts:
    """Play (from hour of the recording, hours before counting, hours counted)."""
    from_h, before_h, counted_h = hours
    scene = scenario(models, before_h + counted_h, from_h)
    with playing(scene, DescribeConcurrency="1") as played:
        meter = Meter(played.cloud)
        played.until(round(before_h * 3600))
        meter.start()
        minutes = round(counted_h * 60)
        loaded = []

        def on_minute() -> None:
            meter.drain()
            loaded.append(sum(v.current_copies > 0 for v in played.cloud.world.components()))

        played.until(round((before_h + counted_h) * 3600), on_minute)
        (table,) = played.cloud.client("dynamodb").list_tables()["TableNames"]
        meter.finish(table)
        return Counts(
            models=models,
            endpoints=len(scene.fleet.endpoints),
            minutes=minutes,
            flows={name: round(value, 6) for name, value in sorted(meter.flows.items())},
            stocks=_stocks(played, meter),
            waits={name: round(value) for name, value in sorted(meter.waits.items())},
            about=_about(played, loaded, minutes, meter),
        )


def _stocks(played: Played, meter: Meter) -> dict[str, float]:
    """What is paid by the month: own metrics, alarms by the metrics they watch."""
    pages = played.cloud.client("cloudwatch").get_paginator("describe_alarms").paginate()
    alarms: Counter[str] = Counter()
    for alarm in (each for page in pages for each in page["MetricAlarms"]):
        queries = alarm.get("Metrics", [])
        if any("SELECT" in query.get("Expression", "") for query in queries):
            continue
        kind = "fine_alarm_metrics" if alarm.get("Period", 60) < 60 else "alarm_metrics"
        alarms[kind] += max(1, sum("MetricStat" in query for query in queries))
    refused = sum(
        played.cloud.world.tally.requests(name).refused > 0 for name in played.scenario.shapes
    )
    return {"own_metrics": len(meter.metrics), "analysed_metrics": refused, **alarms}


def _about(played: Played, loaded: list[int], minutes: int, meter: Meter) -> dict[str, float]:
    """What the figures should be read with."""
    rows = played.scenario.trace
    active = len(rows) * rows.width_s / rows.period_s / len(rows.models)
    ended = sum(not done.ok for done in played.cloud.lambda_log)
    return {
        "loaded_fraction": round(sum(loaded) / len(loaded) / len(rows.models), 3),
        "active_fraction": round(active, 3),
        "series_per_model_minute": round(
            meter.flows["metrics_requested"] / minutes / len(rows.models), 3
        ),
        "failed_invocations": ended,
    } | {f"calls {name}": count for name, count in sorted(meter.calls.items())}
