"""What is said of verdicts, of sources and of the parts of the gateway that stop an attack, in words for everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from toolgate.attacks.case import Effect, Grade, Verdict


@dataclass(slots=True, frozen=True)
class Told:
    """A verdict: its word, what it means, and the tone and sign of its badge."""

    word: str
    means: str
    tone: str
    sign: str


VERDICTS: Final[dict[Verdict, Told]] = {
    "STOP": Told(
        "Stopped",
        "The gateway refuses it, whatever the model was talked into. The same call gets the same answer each time.",
        "good",
        "check",
    ),
    "BOUND": Told(
        "Limited",
        "One call of it looks like honest work, so it begins. It ends at a stated number, and no later.",
        "info",
        "risk-medium",
    ),
    "PART": Told(
        "Stopped in part",
        "One part of it is refused. Another part is not, or needs something beside a policy: what remains is named.",
        "warn",
        "warn",
    ),
    "NO": Told(
        "Not stopped",
        "A gateway cannot stop it, because it happens where the gateway does not look. What helps instead is named.",
        "bad",
        "cross",
    ),
}
"""What a gateway does best comes first."""

LIMITS: Final = (
    "A gateway judges the messages that pass through it. It does not see what a server does on its own, what a model "
    "makes of a text, what a client shows, or a call that goes around it. Where an attack is there, its page says so."
)

GRADES: Final[dict[Grade, Told]] = {
    "V": Told("read by us", "We read this source itself.", "good", "eye"),
    "S": Told(
        "told by others", "We did not read this source itself, only another page's account of it.", "neutral", "info"
    ),
}

STOPPERS: Final[dict[str, str]] = {
    "policy": "a rule of the policy",
    "identity": "grants, of which each is known by its token",
    "session": "sessions that belong to the grant which opened them",
    "hygiene": "what the gateway asks of every request, before it reads what is in it",
    "protocol": "strict reading of messages",
    "pinning": "definitions that are pinned",
    "inspection": "inspection of what servers answer",
    "approval": "a person who is asked",
    "journal": "a journal that is written before anything is sent",
    "control": "what the control plane asks of every request",
}
"""By `Case.checked_by`."""
ALWAYS: Final = frozenset({"identity", "session", "hygiene", "protocol", "journal", "control"})
"""Those that no policy switches on or off."""


def told_effect(effect: Effect) -> str:
    """What is to be seen at a stub, as a sentence."""
    place = f"the stub `{effect.server}`" if effect.server else "the recorder of what arrives"
    if effect.contains is not None:
        return f"At {place} there is an entry of `{effect.effect}` with `{effect.contains.replace('`', '')}` in it."
    if effect.at_least is not None:
        return f"At {place} there {_entries(effect.at_least)} of `{effect.effect}`, or more."
    if effect.exactly:
        return f"At {place} there {_entries(effect.exactly)} of `{effect.effect}`, and no more."
    return f"At {place} there is no entry of `{effect.effect}`."


def _entries(number: int) -> str:
    return "is one entry" if number == 1 else f"are {number} entries"
