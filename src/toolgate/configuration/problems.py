"""What is wrong with a configuration: everything at once, each with its file, line and place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toolgate.errors import ToolgateError

SHOWN = 50
"""Problems that are spelled out; a file with more of them is no configuration."""


@dataclass(slots=True, frozen=True)
class Problem:
    """`place` is `file:line: pointer`; `cause` and `mend` are one sentence each, in lower case."""

    place: str
    cause: str
    mend: str = ""


class ConfigurationError(ToolgateError):
    """A configuration that cannot be applied. `problems` holds all that is wrong, at least one; nothing was changed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems[:SHOWN])
        if len(problems) > SHOWN:
            self.problems.append(
                Problem(problems[0].place.partition(":")[0], f"has {len(problems) - SHOWN} more problems")
            )
        first = self.problems[0]
        more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
        super().__init__(first.place, first.cause + more, first.mend)
