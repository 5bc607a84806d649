"""`icscaler status`: what runs where, why, since when, and what comes next."""

from icscaler_cli.status.command import app

__all__ = ["app"]
