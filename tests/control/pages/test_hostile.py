"""What strangers name and describe never acts on a page, hides in it, or makes it slow to the point of failing."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from tests.control.running import Control

from toolgate.control.pages.tools import PAGE
from toolgate.store import definitions, grants, servers
from toolgate.store.definitions import seen_of
from toolgate.store.servers import Server

EVIL = (
    '"><script>alert(1)</script><img src=x onerror=alert(2)>\u202egpj.exe\u2066\x1b]0;owned\x07\x1b[31m'
    "</textarea></code></pre>{{ 7777*1111 }}{% raw %}' autofocus onfocus='alert(3)\u200b\ufeff=cmd|' /C calc'!A0"
)
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Reader(HTMLParser):
    """Keeps every element with its attributes, as a browser would see them."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def check_calm(text: str) -> None:
    """No element, attribute, address or invisible sign comes from a stranger."""
    reader = Reader()
    reader.feed(text)
    for tag, attributes in reader.seen:
        assert tag != "img"
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "autofocus", "srcdoc")]
        if tag == "script":
            assert (attributes.get("src") or "").startswith("/static/")
        for name in ("href", "action", "src"):
            assert re.match(r"[/?#]|https://", attributes.get(name) or "/"), attributes
    assert not _INVISIBLE.search(html.unescape(text))
    assert "8640247" not in text


def saw(control: Control, server: Server, tools: list[Any], *, trusted: bool) -> None:
    seen = [seen_of(json.dumps(one).encode()) for one in tools]
    definitions.saw(control.engine, "gateway", server.id, seen, trusted=trusted)


def evil_tool(number: int, description: str = EVIL) -> dict[str, Any]:
    properties = {f"{EVIL}{number}": {"type": "string", "description": EVIL}, "url": {"type": ["string"], "x": EVIL}}
    return {
        "name": f"{EVIL}{number}",
        "title": EVIL,
        "description": description,
        "inputSchema": {"type": "object", "properties": properties},
        "annotations": {"readOnlyHint": EVIL},
    }


async def test_a_hostile_server_stays_text(control: Control) -> None:
    server = servers.add(control.engine, "test", "evil", "https://evil.example/mcp?<b>'\"", pin=True)
    saw(control, server, [evil_tool(1), {"name": "odd", "inputSchema": [1], "description": 5}], trusted=True)
    saw(control, server, [evil_tool(1, EVIL * 20), evil_tool(2)], trusted=False)
    label = "".join(char for char in EVIL if char.isprintable()).strip()
    grant = grants.add(
        control.engine, "test", server="evil", policy=None, label=label, principal=label, labels={"k": label}
    ).grant
    browser = await control.signed_in("admin")
    paths = [f"/servers/{server.id}{end}" for end in ("", "/change", "/remove")]
    paths += [f"/grants/{grant.id}{end}" for end in ("", "/rotate", "/revoke")] + ["/servers", "/grants", "/grants/new"]
    for path in paths:
        page = await browser.get(path)
        assert page.status == 200
        check_calm(page.text)
    assert "&lt;script&gt;alert(1)" in (await browser.get(f"/servers/{server.id}")).text


@pytest.mark.slow
async def test_what_is_typed_into_a_search_stays_text(control: Control) -> None:
    servers.add(control.engine, "test", "crm", "https://crm.example/mcp")
    browser = await control.signed_in("admin")
    asked = ("servers?q", "servers/new?q", "servers/new?known", "grants?q", "grants?state", "grants/new?server")
    for path in asked:
        page = await browser.get(f"/{path}=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%27")
        assert page.status == 200
        check_calm(page.text)


@pytest.mark.slow
async def test_two_thousand_tools_come_a_page_at_a_time(control: Control) -> None:
    server = servers.add(control.engine, "test", "evil", "https://evil.example/mcp", pin=True)
    many = [evil_tool(number, "word " * 2000 if number % 100 == 0 else EVIL) for number in range(2000)]
    saw(control, server, many, trusted=True)
    saw(control, server, [evil_tool(number, "All changed.") for number in range(2000)], trusted=False)
    browser = await control.signed_in("admin")
    page = await browser.get(f"/servers/{server.id}")
    assert page.status == 200
    assert len(page.text) < 2_000_000
    check_calm(page.text)
    data = (await browser.get(f"/servers/{server.id}.json?from=1975")).json
    assert (data["all"], len(data["tools"]), data["next"], data["withheld"]) == (2000, PAGE, None, 2000)
    assert "1980 more follow" in page.text
