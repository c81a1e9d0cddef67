"""What is wrong with a policy document, each problem with its place."""

from __future__ import annotations

from dataclasses import dataclass

from toolgate.errors import ToolgateError


@dataclass(slots=True, frozen=True)
class Problem:
    """`pointer` is RFC 6901 ("" is the whole document), `cause` and `mend` are one sentence each, lower case."""

    pointer: str
    cause: str
    mend: str


class PolicyError(ToolgateError):
    """A document that is not valid; `problems` holds everything that is wrong with it, at least one."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        first = problems[0]
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        super().__init__(first.pointer or "policy", first.cause + more, first.mend)
