"""The fleet file: what people write (`schema`, `load`) and what a look reads (`compile`).

Importing this package imports nothing else, so that the live path never loads pydantic.
"""
