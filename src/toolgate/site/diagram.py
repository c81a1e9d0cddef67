"""The steps of an attack as a sequence diagram: who takes part, and an arrow for each step.

The diagram is an ordered list that style sheets draw: it is read as it stands where nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from toolgate.attacks.case import Step, Stopped

LANES: Final = 6
"""Of more who take part no picture is drawn; the list says it all the same."""


@dataclass(slots=True, frozen=True)
class Arrow:
    """One step. `left` and `right` are the lanes it spans, from 1; `back`: it points to the left.

    `answer`: it goes back to somebody who asked. `stops`: a gateway with the recommended policy refuses here.
    """

    sender: str
    receiver: str
    text: str
    times: int
    left: int
    right: int
    back: bool
    answer: bool
    stops: bool

    @property
    def own(self) -> bool:
        """Whether it begins and ends at the same lane."""
        return self.left == self.right


@dataclass(slots=True, frozen=True)
class Diagram:
    """Who takes part, in the order in which they appear, and the arrows between them."""

    lanes: tuple[str, ...]
    arrows: tuple[Arrow, ...]

    @property
    def drawn(self) -> bool:
        """Whether there are few enough lanes for a picture."""
        return 0 < len(self.lanes) <= LANES


def diagram(steps: Sequence[Step], stopped: Stopped | None = None) -> Diagram:
    """The diagram of these steps; `stopped` says how the attack ends behind a gateway."""
    lanes = tuple(dict.fromkeys(name for step in steps for name in (step.sender, step.receiver)))
    ends = _refused(steps, stopped)
    arrows = (
        _arrow(step, lanes, answer=_answers(step, steps[:place]), stops=place == ends)
        for place, step in enumerate(steps)
    )
    return Diagram(lanes, tuple(arrows))


def _answers(step: Step, earlier: Sequence[Step]) -> bool:
    """Whether the receiver asked the sender for something before, and this is no call of its own."""
    asked = any((each.sender, each.receiver) == (step.receiver, step.sender) for each in earlier)
    return asked and not (step.call or step.list)


def _refused(steps: Sequence[Step], stopped: Stopped | None) -> int | None:
    """Which call is refused: the first of its tool that does not arrive; none where a limit does it, or no policy."""
    if stopped is None or stopped.bound is not None or not stopped.tool:
        return None
    calls = [place for place, step in enumerate(steps) if (step.call, step.server) == (stopped.tool, stopped.server)]
    refused = calls[stopped.hits : stopped.hits + 1]
    return refused[0] if refused else None


def _arrow(step: Step, lanes: tuple[str, ...], *, answer: bool, stops: bool) -> Arrow:
    start, end = lanes.index(step.sender) + 1, lanes.index(step.receiver) + 1
    left, right = min(start, end), max(start, end)
    text = " ".join(step.text.split())
    return Arrow(step.sender, step.receiver, text, step.times, left, right, end < start, answer, stops)
