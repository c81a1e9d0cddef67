"""A plan: what would change, step by step, and how each step is done inside the one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from toolgate.configuration.problems import Problem
from toolgate.errors import ToolgateError
from toolgate.store.database import Writing

Sign: TypeAlias = Literal["+", "~", "-", "="]
Kind: TypeAlias = Literal["server", "policy", "grant"]
Run: TypeAlias = Callable[[Writing], object]


@dataclass(slots=True, frozen=True)
class Step:
    """One line of the plan: added, changed, removed, or the same. `details` say what changes, never a secret.

    `reached` is true where a server is new, or reached in another way, so that its tools should be asked for.
    """

    sign: Sign
    kind: Kind
    name: str
    details: tuple[str, ...] = ()
    runs: tuple[Run, ...] = field(default=(), repr=False)
    reached: bool = False


@dataclass(slots=True)
class Plan:
    """The steps in the order in which they are done, and what an operator should know besides."""

    steps: list[Step] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def changes(self) -> int:
        """How many steps change something."""
        return sum(step.sign != "=" for step in self.steps)

    def refuse(self, place: str, error: ToolgateError) -> None:
        """Something that keeps the whole plan from being carried out."""
        self.problems.append(Problem(place, error.cause, error.mend))

    def step(
        self, kind: Kind, name: str, details: Sequence[str], runs: Sequence[Run], *, reached: bool = False
    ) -> None:
        """A living row: changed where there is something to do, the same where not."""
        self.steps.append(Step("~" if runs else "=", kind, name, tuple(details), tuple(runs), reached))
