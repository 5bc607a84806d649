"""A picture of a rolling update over time: waves, components with their batches, gates.

One HTML file without scripts or anything from elsewhere; readable in light and dark.
"""

from collections.abc import Callable, Iterator, Mapping
from html import escape
from itertools import pairwise

from icscaler.rollout.entities import Control, Entry, Job, JobPhase, Rollout
from icscaler.rollout.gates import value_text
from icscaler_cli.rollout.view import clock_text, duration, headline

WIDTH, LEFT, ROW, TOP = 1000, 190, 26, 34
_CSS = """
:root { color-scheme: light dark; --ink: #1d2433; --soft: #69738a; --line: #d9dee8; --back: #fff;
  --hold: #b9c3d6; --raise: #8fa8e0; --update: #3f6fd8; --prove: #7a5bd0; --good: #2f9e5b;
  --warn: #d69315; --bad: #d0413c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9f0; --soft: #98a2b8; --line: #333b4d;
  --back: #171b24; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--back);
  margin: 2rem auto; max-width: 1040px; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
svg { width: 100%; height: auto; } svg text { font-size: 12px; fill: var(--ink); }
svg .soft { fill: var(--soft); } td, th { padding: .2rem .8rem .2rem 0; text-align: left;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
.breach { color: var(--bad); } .few { color: var(--soft); }
"""
_COLOURS = {
    "Held": "--hold",
    "Holding": "--hold",
    "Raising": "--raise",
    "SetCopies": "--raise",
    "Update": "--update",
    "Updating": "--update",
    "Stop": "--warn",
    "Ending": "--warn",
    "RollingBack": "--warn",
    "Proving": "--prove",
    "Wake": "--prove",
    "PutBack": "--prove",
    "Failure": "--bad",
}
_ENDS = {
    JobPhase.UPDATED: "--good",
    JobPhase.ROLLED_BACK: "--warn",
    JobPhase.RESTORED: "--warn",
    JobPhase.UNTOUCHED: "--soft",
    JobPhase.DIRTY: "--bad",
    JobPhase.STUCK: "--bad",
}


def html(rollout: Rollout, jobs: Mapping[str, Job], at_s: int) -> str:
    """The page."""
    title = f"Rolling update {rollout.request.rollout_id}"
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_CSS}</style>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(headline(rollout, jobs, Control(), at_s))}. "
        f"Started {clock_text(rollout.started_s)}.</p>",
        _picture(rollout, jobs, rollout.ended_s or at_s),
        "<h2>Gates</h2>",
        *_gates(rollout),
        "<h2>What happened</h2><table><tr><th>time<th>what<th></tr>",
        *(_line(entry, rollout.started_s) for entry in rollout.log),
        "</table></html>",
    ]
    return "\n".join(parts)


def _picture(rollout: Rollout, jobs: Mapping[str, Job], end_s: int) -> str:
    """Rows of components under their waves; the x axis is time."""
    begin_s = rollout.started_s
    span_s = max(60, end_s - begin_s)

    def x(at_s: int) -> float:
        share = min(max(0, at_s - begin_s), span_s) / span_s
        return LEFT + share * (WIDTH - LEFT - 20)

    rows: list[str] = []
    y = TOP
    for number, wave in enumerate(rollout.plan.waves, start=1):
        rows.append(f'<text x="0" y="{y + 16}" class="soft">wave {number}</text>')
        y += ROW
        for name in wave.components:
            rows.append(f'<text x="12" y="{y + 16}">{escape(name[:26])}</text>')
            rows.extend(_bars(jobs[name], y, x, end_s))
            y += ROW
    gates = "".join(_gate_line(entry, x(entry.at_s), y) for entry in rollout.log)
    axis = "".join(
        f'<text x="{x(begin_s + span_s * k // 5):.0f}" y="16" class="soft" text-anchor="middle">'
        f"{duration(span_s * k // 5)}</text>"
        for k in range(6)
    )
    label = f"Components over {duration(span_s)}: phases, batches and gates"
    box = f'viewBox="0 0 {WIDTH} {y + 30}" role="img" aria-label="{label}"'
    return f"<svg {box}>{axis}{''.join(rows)}{gates}</svg>"


def _bars(job: Job, y: int, x: Callable[[int], float], end_s: int) -> Iterator[str]:
    """One bar from each line of the log to the next; the copies at a time on it."""
    stop_s = job.ended_s or end_s
    marks = [entry for entry in job.log if entry.what in _COLOURS]
    last = Entry(stop_s, "")
    for one, following in pairwise([*marks, last]):
        left, right = x(one.at_s), x(max(one.at_s, following.at_s))
        tip = escape(f"{one.what} {one.text}")
        yield (
            f'<rect x="{left:.1f}" y="{y + 4}" width="{max(1.5, right - left):.1f}" height="16" '
            f'fill="var({_COLOURS[one.what]})"><title>{tip}</title></rect>'
        )
    if job.ended_s is not None:
        colour = _ENDS.get(job.phase, "--soft")
        tip = escape(f"{job.phase} {job.reason}")
        yield (
            f'<circle cx="{x(job.ended_s) + 8:.1f}" cy="{y + 12}" r="6" fill="var({colour})">'
            f"<title>{tip}</title></circle>"
        )


def _gate_line(entry: Entry, at_x: float, bottom: int) -> str:
    colour = {
        "GatePassed": "--good",
        "GateBreached": "--bad",
        "RollingBack": "--warn",
        "WaitingForApproval": "--soft",
        "Paused": "--soft",
    }.get(entry.what)
    if colour is None:
        return ""
    tip = escape(f"{entry.what} {entry.text}")
    return (
        f'<line x1="{at_x:.1f}" x2="{at_x:.1f}" y1="{TOP}" y2="{bottom}" stroke="var({colour})" '
        f'stroke-width="2" stroke-dasharray="4 3"><title>{tip}</title></line>'
        f'<text x="{at_x:.1f}" y="{bottom + 16}" text-anchor="middle">{entry.what}</text>'
    )


def _gates(rollout: Rollout) -> Iterator[str]:
    if not rollout.gates:
        yield "<p>No gate was looked at.</p>"
    for wave, at_s, values in rollout.gates:
        yield f"<p>Wave {wave + 1}, last look {clock_text(at_s)}:</p><ul>"
        for value in values:
            kind = {"breach": "breach", "too few": "few"}.get(value.verdict, "")
            yield f'<li class="{kind}">{escape(value_text(value))}</li>'
        yield "</ul>"


def _line(entry: Entry, begin_s: int) -> str:
    when = duration(max(0, entry.at_s - begin_s))
    return f"<tr><td>{when}<td>{escape(entry.what)}<td>{escape(entry.text)}</tr>"
