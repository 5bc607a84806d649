"""Retirement: a model leaves, with everything that was kept for it."""
