"""`icscaler simulate`: any policy on any traffic, compared in the same world."""

from icscaler_cli.simulate.command import app

__all__ = ["app"]
