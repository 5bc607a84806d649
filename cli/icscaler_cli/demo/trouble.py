"""What can be wrong with a demo's input or surroundings, in words of use."""


class DemoError(Exception):
    """The demo cannot be played: what is the trouble, and what to do about it."""

    def __init__(self, trouble: str, remedy: str) -> None:
        super().__init__(trouble)
        self.trouble = trouble
        self.remedy = remedy
