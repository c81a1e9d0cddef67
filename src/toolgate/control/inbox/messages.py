"""What webhooks are told, in the words of their format. Pure: a notice in, the bytes of a request out."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from toolgate.control.inbox.call import Call
from toolgate.store import described
from toolgate.store.approvals import Approval
from toolgate.store.deliveries import Event
from toolgate.store.legible import legible
from toolgate.store.webhooks import signing_key

_NAMES: Final = 30
"""Names of arguments that a message lists."""
_TITLE: Final = 150
_FIELD: Final = 2000
_TEXT: Final = 3000
"""Characters of a text: Slack refuses a message with a longer one."""
_TORN: Final = re.compile("&[a-z]*$")
"""An escape that was cut in two."""


@dataclass(slots=True, frozen=True)
class Notice:
    """What happened to an approval. `call`: what it is about, None when it cannot be opened any more.

    `page` is where approvers see it, `link` the signed link, "" where there is none. `moment`: epoch seconds.
    """

    event: Event | Literal["test"]
    moment: float
    approval: Approval
    call: Call | None
    page: str
    link: str


def generic(notice: Notice, *, values: bool) -> bytes:
    """The body for receivers of the Standard Webhooks specification; arguments by name alone unless `values`."""
    data: dict[str, Any] = {**described.approval(notice.approval), "url": notice.page}
    if notice.call is not None:
        data["arguments"] = list(notice.call.arguments)
        if values:
            data["call"] = {"method": notice.call.method, "params": notice.call.params}
    if notice.link:
        data["decide_url"] = notice.link
    kind = "webhook.test" if notice.event == "test" else f"approval.{notice.event}"
    return msgspec.json.encode({"type": kind, "timestamp": described.when(notice.moment), "data": data})


def signature(secret: str, id_: str, moment: int, body: bytes) -> Mapping[str, str]:
    """The headers by which a receiver knows a message (Standard Webhooks 1.0): HMAC-SHA256 over id, time and body."""
    signed = hmac.digest(signing_key(secret), b"%s.%d.%s" % (id_.encode(), moment, body), "sha256")
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(moment),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
    }


def slack(notice: Notice, *, values: bool) -> bytes:
    """The body for an incoming webhook of Slack, as blocks.

    What strangers wrote stands in `plain_text`, with Slack's control characters escaped: it mentions nobody, links
    nowhere and has no format. The fallback text, which Slack reads as markup, holds none of it.
    """
    approval = notice.approval
    title = "This is a test: no call waits" if notice.event == "test" else "A call waits for a person"
    fields = [_plain(f"{name}\n{legible(text)}", _FIELD) for name, text in _facts(approval)]
    texts = [legible(approval.reason) or "No reason is given."]
    if notice.call is not None:
        texts.append(_arguments(notice.call, values))
    button = {"type": "button", "text": _plain("Look and decide", 75), "url": notice.link or notice.page}
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": _plain(title, _TITLE)},
        {"type": "section", "fields": fields},
        *({"type": "section", "text": _plain(text, _TEXT)} for text in texts),
        {"type": "actions", "elements": [{**button, "style": "primary"}]},
        {"type": "context", "elements": [_plain(f"{approval.id}  {legible(approval.rule)}", _FIELD)]},
    ]
    text = f"Toolgate: {title.lower()} ({approval.id})"
    return msgspec.json.encode({"text": text, "blocks": blocks, "unfurl_links": False, "unfurl_media": False})


def _facts(approval: Approval) -> list[tuple[str, str]]:
    ends = str(described.when(approval.expires)).replace("T", " ").replace("Z", " UTC")
    return [
        ("Call", approval.tool or approval.method),
        ("Server", approval.server_name),
        ("Grant", approval.grant_label),
        ("Principal", approval.principal),
        ("Waits until", ends),
    ]


def _arguments(call: Call, values: bool) -> str:
    arguments = call.arguments
    if not arguments:
        return "Without arguments."
    if values:
        return "\n".join(f"{legible(name)}: {_line(value)}" for name, value in arguments.items())
    names = ", ".join(legible(name) for name in list(arguments)[:_NAMES])
    more = f" and {len(arguments) - _NAMES} more" if len(arguments) > _NAMES else ""
    return f"Arguments (their values are on the page): {names}{more}"


def _line(value: msgspec.Raw) -> str:
    """JSON on one line: a text with line breaks cannot pass for another argument."""
    return legible(msgspec.json.format(bytes(value), indent=-1).decode())


def _plain(text: str, at_most: int) -> dict[str, Any]:
    """A text that Slack shows as it is; the end of one that is too long is on the page."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") or "-"
    if len(escaped) > at_most:
        escaped = _TORN.sub("", escaped[: at_most - 1]) + "…"
    return {"type": "plain_text", "text": escaped, "emoji": False}
