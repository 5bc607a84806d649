"""Layer code with module state, so that tests can see whose state it is."""

calls: list[str] = []
