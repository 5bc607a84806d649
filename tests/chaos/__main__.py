"""`make chaos`: every fault switch in turn, then seeded mixes; resumable, and each run repeatable.

    python -m tests.chaos                           everything that is not done yet
    python -m tests.chaos --only "throttle sqs"     one switch alone, or
    python -m tests.chaos --only 17                 one mix alone, again

A line a run goes to `runs.jsonl` in the folder of results; what is there is not played again unless
it failed or the code has changed since (its key has a digest of the product, template and harness).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import select
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.plan import Plan, mix, single
from tests.chaos.run import Outcome, Running, staged
from tests.chaos.scene import Scene, demo_scene, small_scene
from tests.chaos.switches import SWITCHES

ROOT = Path(__file__).parents[2]
_DIGESTED = (
    "layers",
    "functions",
    "localcloud",
    "statemachines",
    "tests/chaos",
    "cli/icscaler_cli/demo",
    "examples",
    "template.yaml",
)
SCENES = {"demo": demo_scene, "small": small_scene}
POISON_ALONE = "poison alone"


def main(arguments: Sequence[str]) -> int:
    """Play what is missing, tell how it went; 0 when every run is as it must be."""
    options = _options(arguments)
    logging.getLogger("botocore").setLevel(logging.CRITICAL)
    digest = code_digest()
    file = options.out / "runs.jsonl"
    options.out.mkdir(parents=True, exist_ok=True)
    wanted = options.only or [POISON_ALONE, *SWITCHES, *map(str, range(options.seeds))]
    done = {} if options.only else _done(file, options.scene, digest)
    left = [name for name in wanted if name not in done]
    print(f"{len(wanted)} runs, {len(wanted) - len(left)} done before: {file}", flush=True)
    results = dict(done)
    began_s = time.monotonic()
    for number, line in enumerate(_played(SCENES[options.scene](), left, options.jobs), 1):
        results[line["name"]] = line
        with file.open("a", encoding="utf-8") as log:
            log.write(json.dumps({"digest": digest, "scene": options.scene, **line}) + "\n")
        _tell(line, options.scene, number, len(left), time.monotonic() - began_s)
    return _summary([results[name] for name in wanted], options.scene)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--scene", choices=SCENES, default="demo", help="what is played")
    parser.add_argument("--seeds", type=int, default=200, help="how many mixes (default 200)")
    parser.add_argument("--only", action="append", help="a switch or a mix's seed; repeatable")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument(
        "--out", type=Path, default=Path(os.environ.get("BUILD_DIR", "build"), "chaos")
    )
    options = parser.parse_args(arguments)
    for name in options.only or ():
        if not name.isdigit() and name not in (*SWITCHES, POISON_ALONE):
            parser.error(f"--only {name!r}: no switch and no seed; switches: {', '.join(SWITCHES)}")
    if options.seeds < 0 or options.jobs < 1:
        parser.error("--seeds is 0 or more, --jobs 1 or more")
    return options


def code_digest() -> str:
    """Changes with whatever may change a run's outcome."""
    digest = hashlib.sha256()
    for name in _DIGESTED:
        place = ROOT / name
        for file in [place] if place.is_file() else sorted(place.rglob("*")):
            if file.suffix in (".py", ".json", ".yaml"):
                digest.update(file.relative_to(ROOT).as_posix().encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _done(file: Path, scene: str, digest: str) -> dict[str, Any]:
    if not file.exists():
        return {}
    lines = [
        json.loads(line) for line in file.read_text("utf-8").splitlines() if line.endswith("}")
    ]
    return {
        line["name"]: line
        for line in lines
        if line["digest"] == digest and line["scene"] == scene and not line["wrong"]
    }


def _played(scene: Scene, names: Sequence[str], jobs: int) -> Iterator[dict[str, Any]]:
    """A line of results for each run, in the order in which they end."""
    if not names:
        return
    with staged(scene) as stage:
        clean = stage.play()
        waiting = [plan_of(name, scene.minutes) for name in reversed(names)]
        running: list[Running] = []
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(stage.begin(waiting.pop()))
            (ended, *_), _, _ = select.select(running, [], [])
            running.remove(ended)
            yield _line(ended.outcome(), clean)


def _line(outcome: Outcome, clean: Outcome) -> dict[str, Any]:
    name = outcome.plan.name
    wrong = [*clean.violations, *outcome.against(clean)]
    if not name.isdigit() and 0 in outcome.hits.values():
        wrong.append("the switch struck nothing: this run has shown nothing")
    return {
        "name": name,
        "wrong": wrong,
        "hits": outcome.hits,
        "copies": outcome.copies,
        "looks": outcome.looks,
        "failed_looks": outcome.failed_looks,
        "poison_letters": outcome.poison_letters,
        "excused_letters": outcome.excused_letters,
        "cpu_s": round(outcome.cpu_s, 1),
    }


def plan_of(name: str, minutes: int) -> Plan:
    """The plan a run's name stands for."""
    if name == POISON_ALONE:
        return Plan(name)
    return mix(int(name), minutes) if name.isdigit() else single(name, minutes)


def _tell(line: dict[str, Any], scene: str, number: int, of: int, spent_s: float) -> None:
    left_min = spent_s / number * (of - number) / 60
    kind = "mix" if line["name"].isdigit() else "switch"
    verdict = "WRONG" if line["wrong"] else "ok"
    print(
        f"{number:4}/{of}  {verdict:5}  {kind} {line['name']}  "
        f"{line['looks']} looks, {line['failed_looks']} failed, about {left_min:.0f} min left",
        flush=True,
    )
    for text in line["wrong"][:12]:
        print(f"           {text}")
    if line["wrong"]:
        again = f"python -m tests.chaos --scene {scene} --only '{line['name']}'"
        print(f"           again: .venv/bin/{again}", flush=True)


def _summary(lines: Sequence[dict[str, Any]], scene: str) -> int:
    wrong = [line["name"] for line in lines if line["wrong"]]
    looks, failed = (sum(line[key] for line in lines) for key in ("looks", "failed_looks"))
    print(
        f"{scene}: {len(lines)} runs, {looks} looks ({failed} failed for want of a dependency), "
        f"{sum(line['cpu_s'] for line in lines):.0f} CPU-s"
    )
    if wrong:
        print(f"WRONG: {len(wrong)} runs: {', '.join(wrong)}")
        return 1
    print(
        "Invariants held; every run settled where the clean one did; no dead letters but poison's."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
