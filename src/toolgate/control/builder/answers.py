"""What is done to the answers of an entry's calls (`response`) as fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from toolgate.control.builder.fields import Fields, amount_of, amount_text, in_line
from toolgate.policy.detectors import ALL, DETECTORS

REDACTIONS: Final = (
    (ALL, "every kind but those on request"),
    *((each.name, each.finds + (" (on request)" if each.on_request else "")) for each in DETECTORS),
)
"""What can be taken out of answers, in words."""
_FIELD = "response"


def answer_fields(response: Mapping[str, Any]) -> dict[str, Any]:
    """What the fields show."""
    return {"redact": list(response.get("redact", ())), "max_bytes": amount_text(response.get("max_bytes", ""))}


def answers_from(fields: Fields, old: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The `response` that the fields say, None for none. Detectors that stay keep their places."""
    before = dict(old or {})
    redact = _marked(fields, before.get("redact", []))
    made = {**before, "redact": redact} if redact or "redact" in before else before
    if not redact and before.get("redact"):
        del made["redact"]
    shown = in_line(amount_text(before.get("max_bytes", "")))
    typed = fields.get(f"{_FIELD}:max_bytes", shown)
    if typed != shown:
        made = {key: value for key, value in made.items() if key != "max_bytes"}
        made |= {"max_bytes": amount_of(typed.strip())} if typed.strip() else {}
    return made if made or old == {} else None


def _marked(fields: Fields, old: list[str]) -> list[str]:
    """Boxes that are not marked are not sent, so the form says with a field of its own that it had them."""
    if f"{_FIELD}:redact" not in fields:
        return old
    marked = [name for name, _ in REDACTIONS if f"{_FIELD}:redact:{name}" in fields]
    return [*(name for name in old if name in marked), *(name for name in marked if name not in old)]
