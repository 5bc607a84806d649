"""Adapters: AWS and in-memory implementations of `icscaler.ports`."""
