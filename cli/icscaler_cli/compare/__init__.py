"""`icscaler compare`: what icscaler would have saved and lost against what ran."""

from icscaler_cli.compare.command import app

__all__ = ["app"]
