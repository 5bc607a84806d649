"""Warm-up: floors for a while, so that models serve when they are needed."""
