"""`icscaler local`: the local cloud for other programs, on a port of this machine."""

from icscaler_cli.local.command import app

__all__ = ["app"]
