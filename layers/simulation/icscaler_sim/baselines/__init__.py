"""Peers: other autoscalers' decision rules, re-implemented from their documentation."""

from icscaler_sim.baselines.api import Facts, Level, Minute, Observation, Rule
from icscaler_sim.baselines.catalog import PEERS, Knob, KnobError, Peer, Settings, Value, peer
from icscaler_sim.baselines.keep_alive import Fixed

__all__ = [
    "PEERS",
    "Facts",
    "Fixed",
    "Knob",
    "KnobError",
    "Level",
    "Minute",
    "Observation",
    "Peer",
    "Rule",
    "Settings",
    "Value",
    "peer",
]
