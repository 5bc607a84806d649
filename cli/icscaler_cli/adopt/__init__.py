"""`icscaler adopt`: have models scaled by icscaler, and by nobody else."""

from icscaler_cli.adopt.command import app

__all__ = ["app"]
