"""The frontiers as one picture: GPUs against what is lost, by requests and by models.

Every setting that was played is a dot; a policy's line joins those that no other setting of the
same policy beats. Left and low is better.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

from benchmarks.sweeps.lines import Loss, frontier, lost, model_lost
from benchmarks.sweeps.records import Record

_PANEL_WIDTH, _PANEL_HEIGHT, _GAP = 400, 340, 70
_LEFT, _TOP, _LEGEND = 62, 46, 96
_COLOURS = (
    "#059669",
    "#2563eb",
    "#7c3aed",
    "#db2777",
    "#ea580c",
    "#ca8a04",
    "#64748b",
    "#0891b2",
    "#9f1239",
    "#4d7c0f",
)
_TICKS = (5e-4, 1e-3, 2e-3, 3e-3, 5e-3, 1e-2, 2e-2, 3e-2, 5e-2, 0.1, 0.2, 0.3, 0.5)
Groups = Mapping[str, Sequence[Record]]


def picture(groups: Groups, title: str, marks: Mapping[str, float]) -> str:
    """An SVG. `groups`: records by the name of their policy, ours first; `marks`: GPUs that are
    drawn as a vertical line, by what they are."""
    width = _LEFT + 2 * _PANEL_WIDTH + _GAP + 20
    height = _TOP + _PANEL_HEIGHT + 44 + _LEGEND
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="Helvetica, Arial, sans-serif" font-size="12" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="12" fill="#f8fafc" stroke="#cbd5e1"/>',
    ]
    lines += _panel(groups, _LEFT, "requests lost", lost, marks)
    lines += _panel(
        groups, _LEFT + _PANEL_WIDTH + _GAP, "lost by models (each called model alike)", model_lost
    )
    lines += _legend(list(groups), height - _LEGEND + 12)
    return "\n".join([*lines, "</svg>", ""])


def _panel(
    groups: Groups, left: int, title: str, loss: Loss, marks: Mapping[str, float] | None = None
) -> Iterator[str]:
    records = [record for group in groups.values() for record in group]
    gpus = [_gpus(record) for record in records] + list((marks or {}).values())
    low, high = 0.95 * min(gpus), min(max(gpus), 3 * min(gpus)) * 1.02
    losses = sorted(loss(record) for record in records)
    least = max(1e-4, min(losses) / 1.3)
    most = min(1.0, max(losses) * 1.3)

    def across(value: float) -> float:
        return left + _PANEL_WIDTH * (value - low) / (high - low)

    def down(value: float) -> float:
        span = math.log(most / least)
        return _TOP + _PANEL_HEIGHT * math.log(most / max(value, least)) / span

    yield f'<text x="{left}" y="{_TOP - 16}" font-weight="700">{escape(title)}</text>'
    yield (
        f'<rect x="{left}" y="{_TOP}" width="{_PANEL_WIDTH}" height="{_PANEL_HEIGHT}" '
        'fill="#fff" stroke="#94a3b8"/>'
    )
    for tick in (tick for tick in _TICKS if least <= tick <= most):
        yield (
            f'<path d="M{left} {down(tick):.1f}h{_PANEL_WIDTH}" stroke="#e2e8f0"/>'
            f'<text x="{left - 6}" y="{down(tick) + 4:.1f}" text-anchor="end">'
            f"{100 * tick:g} %</text>"
        )
    for step in _round_steps(low, high):
        yield (
            f'<text x="{across(step):.1f}" y="{_TOP + _PANEL_HEIGHT + 16}" '
            f'text-anchor="middle">{step:g}</text>'
        )
    yield (
        f'<text x="{left + _PANEL_WIDTH}" y="{_TOP + _PANEL_HEIGHT + 32}" '
        'text-anchor="end">GPUs held on average</text>'
    )
    for said, value in (marks or {}).items():
        yield (
            f'<path d="M{across(value):.1f} {_TOP}v{_PANEL_HEIGHT}" stroke="#0f172a" '
            f'stroke-dasharray="4 3"/><text x="{across(value) + 4:.1f}" '
            f'y="{_TOP + _PANEL_HEIGHT - 6}">{escape(said)}</text>'
        )
    for place, group in enumerate(groups.values()):
        shown = [record for record in group if _gpus(record) <= high]
        colour = _COLOURS[place % len(_COLOURS)]
        for record in shown:
            yield (
                f'<circle cx="{across(_gpus(record)):.1f}" cy="{down(loss(record)):.1f}" '
                f'r="2.6" fill="{colour}" fill-opacity="0.45"/>'
            )
        points = " ".join(
            f"{across(_gpus(record)):.1f},{down(loss(record)):.1f}"
            for record in frontier(shown, loss)
        )
        width = 3 if place == 0 else 1.4
        yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _legend(names: Sequence[str], top: int) -> Iterator[str]:
    for place, name in enumerate(names):
        left, down = _LEFT + (place % 3) * 290, top + (place // 3) * 22
        yield (
            f'<rect x="{left}" y="{down}" width="14" height="5" '
            f'fill="{_COLOURS[place % len(_COLOURS)]}"/>'
            f'<text x="{left + 20}" y="{down + 7}">{escape(name)}</text>'
        )


def _gpus(record: Record) -> float:
    return float(record.figures["gpus"])


def _round_steps(low: float, high: float) -> Iterator[float]:
    raw = (high - low) / 5
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw)
    value = math.ceil(low / step) * step
    while value <= high:
        yield value
        value += step
