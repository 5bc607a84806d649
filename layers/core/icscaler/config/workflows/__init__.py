"""Inputs of workflows as people write them: pydantic models, and what they mean."""
