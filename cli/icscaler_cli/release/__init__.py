"""`icscaler release`: hand models back before the controller leaves them or is deleted."""

from icscaler_cli.release.command import app

__all__ = ["app"]
