"""Sweeps: every policy over its settings on the same traffic, kept run by run, told as bars."""
