"""What the builder's form carries from one request to the next: nothing is stored until somebody saves.

A browser would change the draft on its way (line ends, NUL), so the draft itself travels as base64; the pane beside it
counts only where it differs from what the browser made of the draft.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from starlette.datastructures import FormData

from toolgate.classifier.recommend import recommended_text
from toolgate.control.builder import edits
from toolgate.control.builder.drafts import Look, faults_of, look
from toolgate.control.builder.fields import Fields, in_area
from toolgate.control.builder.flows import add_flow
from toolgate.control.builder.offers import kinds
from toolgate.control.builder.places import composed_at, field_at
from toolgate.control.builder.presets import add_preset
from toolgate.control.builder.spans import tokens
from toolgate.policy.categories import Category
from toolgate.policy.definition import Definition
from toolgate.store.errors import BadInput

LARGEST = 1 << 20
"""Characters of a draft."""
_COMPOSED = ("new:", "newlimit:", "newflow:", "newkey", "preset", "try:", "arg:")
_TRIED = ("try:arguments", "try:other", "try:live", "arg:")
_GONE = {
    "add-rule": ("new:",),
    "add-limit": ("newlimit:",),
    "add-flow": ("newflow:",),
    "preset": ("preset",),
    "entry": ("newkey",),
    "example": _TRIED,
    "open": (*_TRIED, "new"),
}
Tools = Mapping[str, Mapping[str, Any]]


@dataclass(slots=True, frozen=True)
class Draft:
    """A policy that somebody works on. `revision` is the live one that it began with, 0 for a new policy."""

    text: str
    before: str
    revision: int
    server: str = ""
    entry: str = ""
    sought: str = ""
    name: str = ""
    fields: Fields = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    """What is to be said of the edit that was just made."""

    def composed(self) -> dict[str, str]:
        """What was typed into fields that belong to no part of the document yet."""
        return {name: value for name, value in self.fields.items() if name.startswith(_COMPOSED)}

    def encoded(self) -> dict[str, str]:
        """Its texts as the form's hidden fields hold them."""
        return {"draft": _encoded(self.text), "before": _encoded(self.before)}


def read_draft(form: FormData) -> Draft:
    """The draft that a form carries. Raises BadInput for a form that the builder did not make."""
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    revision = fields.get("revision", "0")
    if not (revision.isascii() and revision.isdigit() and len(revision) < 10):
        raise BadInput("revision", "is no number of a revision", "open the builder again")
    text = _decoded(fields, "draft")
    return Draft(
        text,
        _decoded(fields, "before"),
        int(revision),
        fields.get("server", ""),
        fields.get("entry", ""),
        fields.get("q", "").strip()[:200],
        fields.get("name", "").strip(),
        fields,
    )


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decoded(fields: Fields, name: str) -> str:
    try:
        text = base64.b64decode(fields.get(name, ""), validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise BadInput(name, "was damaged on its way", "open the builder again") from error
    return text


def edited(draft: Draft, tools: Tools, taken: Mapping[str, Category | None] = MappingProxyType({})) -> Draft:
    """The draft after everything that the form says and the button that was pressed. Raises ToolgateError.

    `taken` says of tools what they are judged to be.

    An edit that would make a valid draft invalid is refused; only the JSON pane may hold what is not valid yet.
    """
    what, _, argument = draft.fields.get("do", "apply").partition("|")
    edits.check_entry(draft.entry)
    pane = draft.fields.get("pane")
    if pane is not None and in_area(pane) != in_area(draft.text):
        return _moved(draft, _as_written(pane, draft.text))
    if what == "undo":
        return replace(draft, text=draft.before, before=draft.text)
    if faults_of(draft.text):
        return draft
    own = kinds(_tool_of(draft.entry, tools))
    text = edits.apply_fields(draft.text, draft.fields, own)
    _refuse_faults(text, draft.entry)
    notes: tuple[str, ...] = ()
    if what == "preset":
        text, notes = add_preset(text, draft.fields, tools.values(), taken)
    text = _pressed(replace(draft, text=text), what, argument, tools, own)
    _refuse_faults(text, draft.entry, composed=what.startswith("add-"))
    entry = {"open": argument, "close": "", "entry": _opened(draft)}.get(what, draft.entry)
    return _moved(replace(draft, entry=entry, fields=_emptied(draft.fields, what, argument), notes=notes), text)


def _refuse_faults(text: str, entry: str, *, composed: bool = False) -> None:
    """Raise BadInput, whose place is the field where there is one."""
    for fault in faults_of(text)[:1]:
        place = field_at(fault.pointer, entry)
        raise BadInput(composed_at(place) if composed else place, fault.cause, fault.mend)


def _pressed(draft: Draft, what: str, argument: str, tools: Tools, own: Mapping[str, str]) -> str:
    """What a button does after the fields were read."""
    text = draft.text
    if what == "add-rule":
        return edits.add_rule(text, draft.entry, draft.fields, own)
    if what == "add-limit":
        return edits.add_limit(text, draft.entry, draft.fields)
    if what == "add-flow":
        return add_flow(text, draft.fields)
    if what == "take":
        return edits.take_away(text, argument)
    if what == "entry":
        return edits.add_entry(text, argument, draft.fields.get(f"newkey:{argument}", ""))
    if what == "recommend":
        if argument and argument not in tools:
            raise BadInput("tool", f"`{argument}` is no tool of the chosen server", "choose its server")
        return edits.recommend_tools(text, [tools[argument]] if argument else tools.values())
    return text


def _opened(draft: Draft) -> str:
    section = draft.fields.get("do", "").partition("|")[2]
    return edits.place_of(section, draft.fields.get(f"newkey:{section}", "").strip())


def _emptied(fields: Fields, what: str, argument: str) -> dict[str, str]:
    """What was composed goes once it is part of the document; another tool to try begins with its own arguments."""
    gone = _GONE.get(what, ())
    kept = {name: value for name, value in fields.items() if not (gone and name.startswith(gone))}
    parts = tokens(argument)
    if what == "open" and len(parts) == 2 and parts[0] == "tools":
        kept["try:tool"] = parts[1]
    return kept


def _moved(draft: Draft, text: str) -> Draft:
    if len(text) > LARGEST:
        raise BadInput("draft", f"is longer than {LARGEST} characters", "shorten the policy")
    return draft if text == draft.text else replace(draft, text=text, before=draft.text)


def _as_written(pane: str, text: str) -> str:
    """What was typed, with the line ends of the text that it replaces."""
    lines = in_area(pane)
    return lines.replace("\n", "\r\n") if text.count("\r\n") > text.count("\n") / 2 else lines


def _tool_of(pointer: str, tools: Tools) -> Mapping[str, Any] | None:
    parts = tokens(pointer)
    return tools.get(parts[1]) if len(parts) == 2 and parts[0] == "tools" else None


def looked(draft: Draft, tools: Tools) -> Look:
    """The draft looked over, against the tools of the chosen server where it has any."""
    definitions = {name: Definition(tool) for name, tool in tools.items()}
    return look(draft.text, definitions or None)


def first_text(tools: Tools, start: str) -> str:
    """What a new policy begins with: what is recommended for a server, or nothing allowed."""
    return recommended_text(tools.values()) if start == "recommended" and tools else EMPTY


EMPTY = '{\n  "version": "1",\n  "default": "deny",\n  "tools": {}\n}\n'
