"""What can be wrong with a simulation's input, in words of use."""


class SimulationError(Exception):
    """It cannot be simulated: what is the trouble, and what to do about it."""

    def __init__(self, trouble: str, remedy: str) -> None:
        super().__init__(trouble, remedy)
        self.trouble = trouble
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.trouble}: {self.remedy}"
