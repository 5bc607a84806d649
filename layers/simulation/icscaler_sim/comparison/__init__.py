"""Comparisons of runs: one JSON document, tables, and a page that needs nothing else."""

from icscaler_sim.comparison.document import Entry, Played, document, document_json
from icscaler_sim.comparison.page import page_html
from icscaler_sim.comparison.table import (
    COLUMNS,
    Column,
    at_losses,
    lost_fraction,
    markdown,
    name_text,
    rows,
    settings_text,
    share,
    short_columns,
    spreads,
)
from icscaler_sim.comparison.verdicts import losses, verdicts

__all__ = [
    "COLUMNS",
    "Column",
    "Entry",
    "Played",
    "at_losses",
    "document",
    "document_json",
    "losses",
    "lost_fraction",
    "markdown",
    "name_text",
    "page_html",
    "rows",
    "settings_text",
    "share",
    "short_columns",
    "spreads",
    "verdicts",
]
