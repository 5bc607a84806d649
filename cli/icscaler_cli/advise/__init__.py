"""`icscaler advise`: which models to put together, which to give an endpoint of their own."""

from icscaler_cli.advise.command import app

__all__ = ["app"]
