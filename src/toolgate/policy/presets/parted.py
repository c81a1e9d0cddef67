"""The preset `lethal-trifecta`: of private data, the text of strangers and a way out no session has all three."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any, Final

from toolgate.policy.durations import read_duration
from toolgate.policy.presets.preset import (
    Added,
    BadOption,
    Given,
    Known,
    Option,
    Preset,
    appended,
    asking,
    is_reached,
    quoted,
)
from toolgate.policy.trifecta import Leg

_DONE: Final[dict[Leg, str]] = {
    "private": "private data was read",
    "strangers": "text of strangers was met",
    "outward": "something was sent outward",
}
_REFUSED: Final[dict[Leg, str]] = {
    "private": "private data may not be read",
    "strangers": "text of strangers may not be met",
    "outward": "nothing may be sent outward",
}
_NONE: Final[dict[Leg, str]] = {
    "private": "reads private data",
    "strangers": "meets text of strangers",
    "outward": "sends outward",
}
_ALONE = "One call of it can read private data, meet text of strangers and send."


def _parted(document: dict[str, Any], known: Sequence[Known], given: Given) -> Added:
    """After any two legs the third is denied; a tool that has all three by itself waits for a person."""
    within = _within(given)
    legs = {leg: [tool.name for tool in known if leg in tool.legs] for leg in _DONE}
    missing = [words for leg, words in _NONE.items() if not legs[leg]]
    if missing:
        return Added(document, (f"no tool {' and none '.join(missing)}, so there is nothing to part",))
    for one, other in combinations(_DONE, 2):
        document = appended(document, "flows", _flow(legs, one, other, within))
    alone = [tool.name for tool in known if len(tool.legs) == len(_DONE) and is_reached(document, tool.name)]
    for name in alone:
        document = asking(document, name, _ALONE)
    notes = [f"{_NONE[leg]}: {quoted(legs[leg])}" for leg in _DONE]
    return Added(
        document, (*notes, *([f"all three by itself, so a person is asked: {quoted(alone)}"] if alone else []))
    )


def _flow(legs: dict[Leg, list[str]], one: Leg, other: Leg, within: str) -> dict[str, Any]:
    third = next(leg for leg in _DONE if leg not in (one, other))
    told = f"The lethal trifecta: {_DONE[one]} and {_DONE[other]}, so {_REFUSED[third]} any more."
    return {"after": legs[one], "and_after": legs[other], "deny": legs[third], "within": within, "on_deny": told}


def _within(given: Given) -> str:
    text = given["within"].strip()
    if text != "session" and read_duration(text) is None:
        mend = "write `session`, or a length of time of at most seven days such as `1h`"
        raise BadOption("within", f"`{text}` is no length of time", mend)
    return text


LETHAL_TRIFECTA = Preset(
    "lethal-trifecta",
    "Of reading private data, meeting the text of strangers and sending outward no session has all three.",
    _parted,
    (Option("within", "For how long", "session", "session"),),
    needs_tools=True,
)
