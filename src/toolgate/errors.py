"""The one family of errors that reaches people: each names place, cause and mend."""


class ToolgateError(Exception):
    """Something the user, the operator or a peer must mend.

    `place` is where (a file, a JSON pointer, an option), `cause` is one sentence in lower case without a final period
    with the user's words in backticks, `mend` (may be empty) is what to do about it.
    """

    def __init__(self, place: str, cause: str, mend: str = "") -> None:
        self.place = place
        self.cause = cause
        self.mend = mend
        super().__init__(f"{place}: {cause}" + (f" ({mend})" if mend else ""))
