"""Why a question has no answer."""


class Unanswerable(ValueError):
    """A question that nothing could answer; names what is wrong of it and echoes nothing."""

    def __init__(self, field: str, wanted: str) -> None:
        super().__init__(f"{field}: {wanted}")
        self.field = field
        self.wanted = wanted


class NotDeclared(Exception):
    """A question that no declared statistic answers, but that one more would."""

    def __init__(self, lines: str) -> None:
        super().__init__("no statistic of the policy answers this")
        self.lines = lines
        """A ``[[statistic]]`` for the policy, by which it is answered from then on."""
