"""`icscaler endpoint`: what only a person changes of an endpoint."""

from icscaler_cli.endpoint.command import app

__all__ = ["app"]
