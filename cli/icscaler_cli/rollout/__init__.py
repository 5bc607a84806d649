"""`icscaler rollout`: rolling updates of inference components."""

from icscaler_cli.rollout.command import app

__all__ = ["app"]
