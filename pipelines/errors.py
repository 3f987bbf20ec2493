"""Errors that a user can act on."""


class TamisError(Exception):
    """What was wrong, where, and what to do about it.

    `what` and `where` make the message; `cure` is the sentence that tells the reader what to do next.
    """

    def __init__(self, what: str, *, where: str = "", cure: str = "") -> None:
        self.what, self.where, self.cure = what, where, cure
        place = f"{where}: " if where else ""
        remedy = f". {cure}" if cure else ""
        super().__init__(f"{place}{what.rstrip('.')}{remedy}")
