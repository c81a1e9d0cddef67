"""Which attacks a command is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from toolgate.attacks.case import Case, Verdict
from toolgate.attacks.kinds import KINDS
from toolgate.attacks.reading import all_cases, find
from toolgate.store.errors import BadInput
from toolgate.store.names import shown

KindOption = Annotated[str | None, typer.Option("--kind", metavar="KIND", help="Only attacks of this kind.")]
VerdictOption = Annotated[Verdict | None, typer.Option("--verdict", help="Only attacks with this verdict.")]
STYLES = {"STOP": "green", "BOUND": "green", "PART": "yellow", "NO": "red"}
"""Of verdicts, in tables."""


def chosen(references: Sequence[str], kind: str | None, verdict: Verdict | None) -> list[Case]:
    """The cases that were asked for, by number. Raises BadInput, ToolgateError."""
    if kind is not None and kind not in KINDS:
        raise BadInput("--kind", f"`{shown(kind)}` is no kind", f"one of {', '.join(KINDS)}")
    cases = [find(reference) for reference in references] or list(all_cases())
    return [case for case in cases if kind in (None, case.kind) and verdict in (None, case.verdict)]
