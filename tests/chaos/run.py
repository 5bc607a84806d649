"""One run: the scene played under a plan's troubles, and everything that must not have happened."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

from icscaler.adapters.dynamodb import DynamoStateStore
from icscaler.adapters.dynamodb.endpoint_items import endpoint_key
from icscaler_cli.demo.look_log import LookLog
from icscaler_cli.demo.play import MINUTE_S, Arriving, copies_there, next_minute
from icscaler_cli.demo.run import SETUP_HEADSTART_S, TEMPLATE, find_repository
from icscaler_cli.demo.stage import PARAMETERS, set_stage
from icscaler_cli.demo.watch import Watch
from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.queues import failed_message_ids
from icscaler_sim.report.clock import clock_text
from tests.chaos.plan import CLEAN, STRONGEST, Plan
from tests.chaos.scene import POISONED, Scene
from tests.chaos.switches import Strongest, Struck

DEAD_LETTERS = ("LookDeadLetterQueue", "DispatchFailureQueue", "AlarmsFailureQueue")
MAX_RECEIVES = 3
"""Of a look's message, as template.yaml has it."""
TICK_S = 60
LOOK_ENDS_S = 15
"""A look begins and ends this soon after its tick."""
AHEAD_MIN = 4
"""Requests are told to the world so long before: a handler may take the clock past a minute."""
CALM_AFTER_MIN = 6
"""The last trouble's echoes (a message that waits for its visibility timeout) are over by then."""

Copies = dict[str, tuple[int, int]]


@dataclass(slots=True)
class Outcome:
    """What came of a run. `copies`: healthy model -> (desired, current) at the end."""

    plan: Plan
    copies: Copies = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    hits: dict[str, int | None] = field(default_factory=dict)
    looks: int = 0
    failed_looks: int = 0
    poison_letters: int = 0
    excused_letters: int = 0
    cpu_s: float = 0.0

    def against(self, clean: Outcome) -> list[str]:
        """All that is wrong, the difference from the run without troubles included."""
        differing = [
            f"settled at {self.copies.get(name)} (desired, current), not {wanted}: {name}"
            for name, wanted in clean.copies.items()
            if self.copies.get(name) != wanted
        ]
        return [*self.violations, *differing]


@contextmanager
def staged(scene: Scene) -> Iterator[Stage]:
    """The scene set up to the minute before its traffic begins, ready for any number of runs."""
    scenario = scene.scenario
    start_s = scenario.start_s - SETUP_HEADSTART_S
    with LocalCloud(start_s=start_s, seed=scenario.seed, profiles=scenario.profiles()) as cloud:
        template = find_repository() / TEMPLATE
        store = set_stage(cloud, scenario, template, lambda _: None, PARAMETERS).store
        cloud.run_until(max(scenario.start_s, next_minute(cloud.clock.now_s)))
        yield Stage(cloud, scene, store)


@dataclass(frozen=True, slots=True)
class Stage:
    """A cloud that runs begin from. Each goes on in a process forked off, so that none sees
    another's doings, and setting up and cold starts are paid once.
    """

    cloud: LocalCloud
    scene: Scene
    store: DynamoStateStore

    def play(self, plan: Plan = CLEAN) -> Outcome:
        """One run from here to its end."""
        return self.begin(plan).outcome()

    def begin(self, plan: Plan) -> Running:
        """Start a run beside this process."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid:
            os.close(writing)
            return Running(plan, pid, reading)
        code = 1
        try:
            os.close(reading)
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            answer = pickle.dumps(self._run(plan))
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(answer)
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _run(self, plan: Plan) -> Outcome:
        run = _Run(self.cloud, self.scene, plan, self.store)
        run.troubled()
        run.quiet()
        outcome = run.outcome()
        outcome.cpu_s = time.process_time()  # of the forked process: since it began
        return outcome


@dataclass(frozen=True, slots=True)
class Running:
    """A run in a process of its own; `fileno` becomes readable when it ends."""

    plan: Plan
    pid: int
    pipe: int

    def fileno(self) -> int:
        return self.pipe

    def outcome(self) -> Outcome:
        """Wait for it."""
        with os.fdopen(self.pipe, "rb") as pipe:
            answer = pipe.read()
        os.waitpid(self.pid, 0)
        if not answer:
            return Outcome(self.plan, violations=["the run died; what it said is above"])
        outcome: Outcome = pickle.loads(answer)
        return outcome


class _Run:
    def __init__(
        self, cloud: LocalCloud, scene: Scene, plan: Plan, store: DynamoStateStore
    ) -> None:
        self._cloud, self._scene, self._plan, self._store = cloud, scene, plan, store
        self._log = LookLog(cloud)
        self._watch = Watch(scene.scenario)
        self._start_s = int(cloud.clock.now_s)
        self._quiet_s = self._start_s + scene.minutes * MINUTE_S
        self._end_s = self._quiet_s + scene.quiet_minutes * MINUTE_S
        self._on: dict[int, Struck] = {}
        self._outcome = Outcome(plan)
        self._traffic = Arriving(cloud.world, scene.scenario.trace, self._start_s)
        self._quiet_traffic = Arriving(cloud.world, scene.quiet, self._quiet_s)

    def troubled(self) -> None:
        """The traffic, with each trouble on in its minutes."""
        if self._plan is not CLEAN:
            self._poison()
        for minute in range(self._scene.minutes):
            self._switch(minute)
            self._run_minute(minute)
        self._switch(self._scene.minutes)

    def _poison(self) -> None:
        """A hold without its fields lets every look end in an exception, as a bug would."""
        if POISONED in self._scene.scenario.fleet.endpoints:
            self._cloud.client("dynamodb").update_item(
                TableName=self._resource("dynamodb", "list_tables", "TableNames", "StateTable"),
                Key={"pk": {"S": endpoint_key(POISONED)}, "sk": {"S": "header"}},
                UpdateExpression="SET holds = :poison",
                ExpressionAttributeValues={":poison": {"M": {"poison": {"M": {}}}}},
            )
            return
        for minute in (2, self._scene.minutes + 2):
            self._cloud.call_at(self._start_s + minute * MINUTE_S, self._send_poison)

    def _send_poison(self) -> None:
        url = self._resource("sqs", "list_queues", "QueueUrls", "LookQueue")
        self._cloud.client("sqs").send_message(
            QueueUrl=url,
            MessageBody="no look",
            MessageGroupId=POISONED,
            MessageDeduplicationId=str(self._cloud.clock.now_s),
        )

    def _resource(self, service: str, operation: str, member: str, logical_id: str) -> str:
        """The physical name or address of a resource of the stack."""
        answer = getattr(self._cloud.client(service), operation)()
        (found,) = (name for name in answer[member] if f"-{logical_id}-" in name)
        return str(found)

    def quiet(self) -> None:
        """Steady load and nothing wrong, but for the poisoned endpoint."""
        for minute in range(self._scene.quiet_minutes):
            self._run_minute(self._scene.minutes + minute)

    def outcome(self) -> Outcome:
        """Everything checked, once the last minute is over."""
        cloud, found = self._cloud, self._outcome
        self._log.read()
        # Judged by the clock only while nothing is wrong: troubles may delay what they strike.
        noticed_s = CALM_AFTER_MIN * MINUTE_S
        wakes = [
            wake
            for wake in cloud.world.tally.wakes
            if self._calm(wake.first_refused_s, wake.first_refused_s + noticed_s)
        ]
        span_s = (self._start_s - 2 * SETUP_HEADSTART_S, self._end_s + SETUP_HEADSTART_S)
        self._watch.finish(self._store, span_s, self._log, wakes)
        found.violations += self._watch.violations
        healthy = [
            name
            for endpoint in self._scene.healthy
            for name in self._scene.scenario.fleet.endpoints[endpoint].models
        ]
        found.copies = {
            name: (copies.desired, copies.current)
            for name, copies in copies_there(cloud.world, healthy).items()
        }
        found.looks, found.failed_looks = self._log.looks, len(self._log.failures)
        found.violations += [*self._dead_letters(), *self._gaps(), *self._bugs()]
        return found

    def _calm(self, from_s: float, until_s: float) -> bool:
        """No trouble is on in this span, nor was so lately that its echoes are in it."""
        first_min, last_min = ((at_s - self._start_s) / MINUTE_S for at_s in (from_s, until_s))
        return not any(
            one.from_min <= last_min and first_min < one.until_min + CALM_AFTER_MIN
            for one in self._plan.troubles
        )

    def _run_minute(self, minute: int) -> None:
        self._traffic.until((minute + AHEAD_MIN) * MINUTE_S)
        self._quiet_traffic.until((minute + AHEAD_MIN - self._scene.minutes) * MINUTE_S)
        cloud, at_s = self._cloud, self._start_s + (minute + 1) * MINUTE_S
        cloud.run_until(max(cloud.clock.now_s, at_s))
        views = copies_there(cloud.world, self._scene.scenario.shapes)
        self._watch.minute(views, int(cloud.clock.now_s))
        self._log.read()

    def _switch(self, minute: int) -> None:
        """Put on what begins with this minute, take off what ends with it."""
        for number, trouble in enumerate(self._plan.troubles):
            if trouble.until_min == minute and number in self._on:
                struck = self._on.pop(number)
                struck.off()
                self._outcome.hits[trouble.switch] = struck.hits()
            if trouble.from_min == minute:
                draw = Strongest(0) if trouble.seed == STRONGEST else Random(trouble.seed)
                self._on[number] = self._scene.switches[trouble.switch](self._cloud, draw)

    def _dead_letters(self) -> list[str]:
        """None but of the poisoned endpoint; and of it some, or it was not poisoned."""
        wrong = [f"undelivered: {text}" for text in self._cloud.undelivered]
        for queue in DEAD_LETTERS:
            for group, message_id, body in self._letters(queue):
                if group == POISONED:
                    self._outcome.poison_letters += 1
                elif self._excused(message_id, body) >= MAX_RECEIVES or self._aged(body):
                    self._outcome.excused_letters += 1
                else:
                    wrong.append(f"dead letter in {queue}: {body:.150}")
        if self._plan is not CLEAN and not self._outcome.poison_letters:
            wrong.append("the poisoned endpoint left no dead letter")
        return wrong

    def _excused(self, message_id: str, body: str) -> int:
        """How often a function died while it had the message, or was done with it and SQS forgot
        that it was deleted: as often as it may be tried, and nothing could be done about it.

        An event that Lambda gave up says in its letter which request it was.
        """
        request_id = json.loads(body).get("requestContext", {}).get("requestId")
        return sum(
            any(word in str(done.error) for word in _DIED)
            if not done.ok
            else message_id not in failed_message_ids(done, True, done.event)
            for done in self._cloud.lambda_log
            if done.request_id == request_id
            or message_id in {one.get("messageId") for one in _records(done.event)}
        )

    def _aged(self, body: str) -> bool:
        """Whether Lambda took an event and then refused to run it until it was too old."""
        condition = json.loads(body).get("requestContext", {}).get("condition")
        refusing = any(one.switch == "throttle_function" for one in self._plan.troubles)
        return condition == "EventAgeExceeded" and refusing

    def _letters(self, queue: str) -> list[tuple[str | None, str, str]]:
        """Group, id and body of every message in a queue of the stack."""
        sqs = self._cloud.client("sqs")
        url = self._resource("sqs", "list_queues", "QueueUrls", queue)
        letters = []
        while True:
            got: Mapping[str, Any] = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=60,
                AttributeNames=["MessageGroupId"],
            )
            messages = got.get("Messages", [])
            if not messages:
                return letters
            for message in messages:
                group = message.get("Attributes", {}).get("MessageGroupId")
                letters.append((group, message["MessageId"], message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def _gaps(self) -> list[str]:
        """In calm minutes every healthy endpoint is looked at within a tick of each tick."""
        calm_s = self._quiet_s + CALM_AFTER_MIN * MINUTE_S
        late = []
        for endpoint in self._scene.healthy:
            looks = self._log.looked.get(endpoint, ())
            for since_s, at_s in pairwise([self._start_s, *looks, self._end_s]):
                # Of a stretch that trouble began, the calm end counts.
                since_s = max(since_s, calm_s) if not self._calm(since_s, at_s) else since_s
                if at_s - since_s > 2 * TICK_S + LOOK_ENDS_S:
                    late.append(
                        f"no look at {endpoint} for {at_s - since_s} s: {clock_text(since_s)}"
                    )
        return late

    def _bugs(self) -> list[str]:
        """Errors that no switch explains: an exception that is not a refused dependency's."""
        texts = {
            str(done.error)
            for done in self._cloud.lambda_log
            if not done.ok and not _explained(str(done.error)) and not _poisoned(done.event)
        }
        return [f"function failed: {text:.200}" for text in sorted(texts)[:20]]


_DIED = ("FunctionKilled", "Runtime.ExitError", "Sandbox.Timedout", "exited", "timed out")
_EXPECTED = ("PortError", *_DIED)


def _explained(error: str) -> bool:
    return any(word in error for word in _EXPECTED)


def _poisoned(event: Any) -> bool:
    return any(one["attributes"].get("MessageGroupId") == POISONED for one in _records(event))


def _records(event: Any) -> list[Any]:
    """The messages that a function was invoked with."""
    return list(event.get("Records", ())) if isinstance(event, dict) else []
