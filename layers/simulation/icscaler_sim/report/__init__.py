"""Reports of runs: figures as JSON, pictures and reasons as one HTML file."""

from icscaler_sim.report.html import report_html
from icscaler_sim.report.result import (
    OURS,
    Change,
    ModelRun,
    Requests,
    RuleStanding,
    RunResult,
    Standing,
    Wake,
)
from icscaler_sim.report.summary import summary, summary_json
from icscaler_sim.report.wording import explain_change, explain_step

__all__ = [
    "OURS",
    "Change",
    "ModelRun",
    "Requests",
    "RuleStanding",
    "RunResult",
    "Standing",
    "Wake",
    "explain_change",
    "explain_step",
    "report_html",
    "summary",
    "summary_json",
]
