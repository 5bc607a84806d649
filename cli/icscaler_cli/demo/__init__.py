"""`icscaler demo`: a day of traffic through the deployed controller on the local cloud."""

from icscaler_cli.demo.command import app

__all__ = ["app"]
