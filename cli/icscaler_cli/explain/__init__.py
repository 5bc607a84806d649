"""`icscaler explain`: a decision computed again from its snapshot, and what carried it."""

from icscaler_cli.explain.command import app

__all__ = ["app"]
