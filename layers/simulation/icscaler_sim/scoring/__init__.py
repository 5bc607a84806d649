"""Judging runs: figures, groups, frontiers."""

from icscaler_sim.scoring.figures import (
    LOSS_LEVELS,
    figures,
    frontier,
    gpu_hours_at,
    percentile,
    wake_figures,
)
from icscaler_sim.scoring.result import ChangeScore, HeldScore, ModelScore, Score, WakeScore

__all__ = [
    "LOSS_LEVELS",
    "ChangeScore",
    "HeldScore",
    "ModelScore",
    "Score",
    "WakeScore",
    "figures",
    "frontier",
    "gpu_hours_at",
    "percentile",
    "wake_figures",
]
