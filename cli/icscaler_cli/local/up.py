"""One served cloud, from options to Ctrl-C."""

import errno
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from icscaler_cli.demo.play import MINUTE_S, Arriving, next_minute
from icscaler_cli.demo.scenario import Scenario
from icscaler_cli.demo.stage import DEPLOY_AHEAD_S, set_stage
from icscaler_cli.demo.trouble import DemoError
from icscaler_cli.local.scene import quiet_scene, traffic_scene
from icscaler_cli.output import say
from icscaler_cli.playing import TEMPLATE, find_repository, reported_input
from icscaler_localcloud.cloud import LocalCloud
from icscaler_localcloud.serving import Served
from icscaler_sim.world.specs import ProfileCatalog

SETUP_HEADSTART_S = 3600
"""Endpoints and components are created in the hour before; then it is now, or the trace's start."""
RECONCILE = "ReconcileFunction"
_LINE_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """The options of `icscaler local up`."""

    port: int
    speed: float
    fleet: Path | None
    trace: Path | None
    seed: int
    processes: bool


def serve(wanted: Wanted, console: Console) -> None:
    """Set the scene, say how to use it, serve until Ctrl-C."""
    with reported_input("Interrupted."):
        scene = _scene(wanted)
        catalog = ProfileCatalog(
            {name: shape.profile for name, shape in scene.shapes.items()} if scene else {}
        )
        start_s = scene.start_s - SETUP_HEADSTART_S if scene else int(time.time())
        with (
            LocalCloud(
                start_s=start_s,
                seed=wanted.seed,
                profiles=catalog,
                runner="subprocess" if wanted.processes else "in-process",
            ) as cloud,
            _listening(cloud, wanted) as served,
        ):
            if scene is not None:
                set_stage(cloud, scene, find_repository() / TEMPLATE, say, parameters={})
                _play(cloud, scene)
            _say_how_to_use(console, served, scene)
            with _stopped_by_signals(served), _live_line(served) as each_round:
                served.run(each_round)
        say("Down. Nothing is kept.")


def _scene(wanted: Wanted) -> Scenario | None:
    if wanted.trace is not None:
        return traffic_scene(wanted.trace, wanted.fleet, wanted.seed)
    if wanted.fleet is not None:
        return quiet_scene(wanted.fleet, wanted.seed, int(time.time()) + DEPLOY_AHEAD_S)
    return None


@contextmanager
def _listening(cloud: LocalCloud, wanted: Wanted) -> Iterator[Served]:
    try:
        served = Served(cloud, port=wanted.port, speed=wanted.speed)
    except OSError as error:
        busy = error.errno == errno.EADDRINUSE
        raise DemoError(
            f"port {wanted.port} {'is in use' if busy else f'cannot be had: {error.strerror}'}",
            "choose another with --port (0: any free one), or end what listens there",
        ) from error
    with served:
        yield served


def _play(cloud: LocalCloud, scene: Scenario) -> None:
    """Each minute's traffic arrives as the minute begins, until the trace ends."""
    begin_s = max(scene.start_s, next_minute(cloud.clock.now_s))
    arriving = Arriving(cloud.world, scene.trace, begin_s)

    def minute(at_s: int) -> None:
        arriving.until(at_s - begin_s + MINUTE_S)

    cloud.on_minute(minute)


def _say_how_to_use(console: Console, served: Served, scene: Scenario | None) -> None:
    console.print(
        f"export AWS_ENDPOINT_URL={served.url}\n"
        f"export AWS_DEFAULT_REGION={served.cloud.region} AWS_REGION={served.cloud.region}\n"
        "export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local"
    )
    if scene is not None:
        say(f"{scene.title}: {', '.join(scene.fleet.endpoints)}, stack icscaler; {scene.traffic}.")
    pace = (
        "moved by `icscaler local advance`"
        if served.pace.speed == 0
        else (f"{served.pace.speed:g} x real time")
    )
    say(f"Paste the lines above into another terminal. Virtual time: {pace}. Ctrl-C ends it.")


@contextmanager
def _live_line(served: Served) -> Iterator[Callable[[], None]]:
    """On a terminal, one line that is kept current: virtual time, requests, looks."""
    shown_s = 0.0

    def show() -> None:
        nonlocal shown_s
        if time.monotonic() - shown_s >= _LINE_EVERY_S:
            shown_s = time.monotonic()
            looks = served.cloud.functions.invocations[RECONCILE]
            sys.stderr.write(
                f"\r\x1b[K{served.cloud.iso_now()}  {served.requests} requests  {looks} looks "
            )
            sys.stderr.flush()

    if not sys.stderr.isatty():
        yield lambda: None
        return
    try:
        yield show
    finally:
        sys.stderr.write("\r\x1b[K")


@contextmanager
def _stopped_by_signals(served: Served) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the run between two steps; a second one ends it at once."""
    before: dict[int, Any] = {}
    number: int

    def stop(number: int, _: object) -> None:
        served.stop()
        signal.signal(number, before[number])

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
