"""Spans that were read already, kept beside the output so that an interrupted export goes on."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from icscaler_cli.exporting.percentages import Percentages
from icscaler_cli.exporting.series import History
from icscaler_cli.output import AwsTroubleError


@dataclass(frozen=True, slots=True)
class Plan:
    """What an export consists of. Parts of another plan are not mixed in."""

    models: tuple[str, ...]
    start_s: int
    end_s: int
    width_s: int

    @property
    def spans(self) -> list[tuple[int, int]]:
        """The period in spans of 1,440 bins, a day of minutes."""
        step_s = 1440 * self.width_s
        starts = range(self.start_s, self.end_s, step_s)
        return [(start_s, min(start_s + step_s, self.end_s)) for start_s in starts]


class UnusablePartsError(AwsTroubleError):
    """The folder of parts is of another export, or damaged."""


class Parts:
    """The folder `OUT.parts`: `plan.json`, and one file for each span that was read."""

    def __init__(self, out: Path) -> None:
        self.folder = out.with_name(out.name + ".parts")

    def open(self, plan: Plan) -> Plan:
        """Begin, or go on with an export of the same models and width; its plan.

        Raises `UnusablePartsError`.
        """
        file = self.folder / "plan.json"
        if not file.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(file, json.dumps(asdict(plan)))
            return plan
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            begun = Plan(**{**found, "models": tuple(found["models"])})
        except (ValueError, TypeError, KeyError) as error:
            raise self._unusable(f"cannot be read ({error})") from error
        # The end moves with the clock: an export that was begun is finished as it was begun.
        asked, kept = (plan.models, plan.width_s), (begun.models, begun.width_s)
        if asked != kept or plan.start_s != begun.start_s:
            raise self._unusable("is of another export (other models, width or begin)")
        return begun

    def _unusable(self, what: str) -> UnusablePartsError:
        return UnusablePartsError(
            f"{self.folder} {what}", "remove that folder, or name another output file"
        )

    def read(self, span_s: tuple[int, int]) -> History | None:
        """A span that was kept; None: it is still to be read."""
        file = self._file(span_s)
        if not file.exists():
            return None
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
            return History(
                {model: dict(pairs) for model, pairs in kept["requests"].items()},
                {model: dict(pairs) for model, pairs in kept["latency_s"].items()},
                set(kept["heard"]),
                {model: dict(pairs) for model, pairs in kept.get("refused", {}).items()},
                {
                    model: {resource: _percentages(one) for resource, one in found.items()}
                    for model, found in kept.get("used", {}).items()
                },
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise self._unusable(f"has a damaged part {file.name} ({error})") from error

    def keep(self, span_s: tuple[int, int], history: History) -> None:
        """Keep a span, whole or not at all."""
        kept = {
            "requests": {model: list(bins.items()) for model, bins in history.requests.items()},
            "latency_s": {model: list(bins.items()) for model, bins in history.latency_s.items()},
            "heard": sorted(history.heard),
            "refused": {model: list(bins.items()) for model, bins in history.refused.items()},
            "used": {
                model: {resource: asdict(one) for resource, one in found.items()}
                for model, found in history.used.items()
            },
        }
        _write(self._file(span_s), json.dumps(kept))

    def remove(self) -> None:
        """The export is written; the parts are not needed any more."""
        shutil.rmtree(self.folder)

    def _file(self, span_s: tuple[int, int]) -> Path:
        return self.folder / f"{span_s[0]}-{span_s[1]}.json"


def _percentages(kept: dict[str, Any]) -> Percentages:
    counts = {int(place): count for place, count in kept["counts"].items()}
    return Percentages(**{**kept, "counts": counts})


def _write(file: Path, text: str) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)
