"""The what-if box of the builder: one call tried against the draft, and what its agent would read."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from toolgate.control.builder.fields import Fields
from toolgate.control.builder.trial import Input, Tried, arguments_of, inputs, try_call
from toolgate.control.pages.drafting import Draft, Tools
from toolgate.control.pages.forms import pairs
from toolgate.control.pages.policy_choices import Chosen
from toolgate.control.pages.routing import actor, state
from toolgate.errors import ToolgateError
from toolgate.gateway.answers import denial, unknown_tool
from toolgate.policy.decision import Subject
from toolgate.policy.definition import Tool
from toolgate.policy.document import Document
from toolgate.store import grants

_DECISION = "…"
"""In place of the id that a real decision would have."""


@dataclass(slots=True, frozen=True)
class Trial:
    """What the box shows: what came out, or why the call could not be tried."""

    tool: str
    result: dict[str, Any] | None
    answer: str
    error: ToolgateError | None


def tried(request: Request, document: Document | None, draft: Draft, chosen: Chosen) -> Trial | None:
    """Try the call that the fields of the box name, again after each edit once it was tried.

    None where nobody asked, and while the draft is not valid.
    """
    fields = draft.fields
    if document is None or not (fields.get("do") == "try" or fields.get("try:live")):
        return None
    name = fields.get("try:other", "").strip() or fields.get("try:tool", "")
    try:
        tool, subject = chosen.tools.get(name), _subject(request, draft)
        arguments = arguments_of(tool, fields)
        taken, earlier = chosen.taken, _earlier(fields, chosen)
        result = try_call(document, name, arguments, subject, time.time(), tool, taken.get(name), earlier)
    except ToolgateError as error:
        return Trial(name, None, "", error)
    return Trial(name, result.described(), answer(result, name), None)


def _earlier(fields: Fields, chosen: Chosen) -> list[Tool]:
    """The tools that were used before, one a line or separated by commas."""
    names = fields.get("try:before", "").replace(",", "\n").splitlines()
    return [Tool(name, chosen.taken.get(name)) for each in names if (name := each.strip())]


def answer(result: Tried, name: str) -> str:
    """The text that the agent reads; "" for a call that passes or waits."""
    verdict = result.verdict
    if verdict.outcome != "deny":
        return ""
    body = denial(None, name, verdict, _DECISION, modern=False) if verdict.visible else None
    read: dict[str, Any] = json.loads(body or unknown_tool(None, name, modern=False))
    return str(read["result"]["content"][0]["text"])


def asked_for(draft: Draft, tools: Tools) -> str:
    """The tool that the box is about: the chosen one, else the first."""
    chosen = draft.fields.get("try:tool", "")
    return chosen if chosen in tools else next(iter(sorted(tools)), "")


def inputs_of(name: str, tools: Tools) -> list[Input]:
    """The fields for the arguments of a tool."""
    return inputs(tools[name]) if name in tools else []


def _subject(request: Request, draft: Draft) -> Subject:
    fields, organisation = draft.fields, actor(request).organisation
    wanted = fields.get("try:grant", "")
    if wanted:
        grant = grants.get(state(request).engine, wanted, time.time(), organisation=organisation)
        return Subject(grant.id, grant.label, grant.principal, grant.server_id, organisation, dict(grant.labels))
    labels = pairs("labels", fields.get("try:labels", ""))
    return Subject(
        "what-if", fields.get("try:label", ""), fields.get("try:principal", ""), draft.server, organisation, labels
    )
