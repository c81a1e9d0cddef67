"""A server is added in the browser: known or by address, judged before it is stored, asked at once."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.control.running import Control
from tests.gateway.running import Received, Recorder, http, plain

from toolgate.store import headers, servers
from toolgate.store.rows import ServerRow
from toolgate.store.view import View

NOWHERE = "http://127.0.0.1:9/mcp"
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"name": "a b"}, "name", "is not a name"),
    ({"name": "crm"}, "name", "there is a server named"),
    ({"url": ""}, "url", "is empty"),
    ({"url": "ftp://example.com"}, "url", "is not an http or https URL"),
    ({"url": "http://example.com/mcp"}, "url", "in the clear"),
    ({"url": "https://10.1.2.3/mcp"}, "url", "Reach private addresses"),
    ({"url": "https://[::ffff:10.0.0.1]/mcp"}, "url", "not a public address"),
    ({"url": "https://user:pass@example.com/"}, "url", "holds credentials"),
    ({"header_name": "Host", "header_value": "x"}, "header_name", "written by the gateway itself"),
    ({"header_name": "X-Key", "header_value": "a\nb"}, "header_name", "not printable"),
    ({"header_name": "X-Key", "header_value": "env:HOME"}, "header_name", "which the operator has not allowed"),
    ({"header_name": ["A", "a"], "header_value": ["1", "2"]}, "", "is given twice"),
]


async def wants_a_token(request: Received, writer: asyncio.StreamWriter) -> None:
    if request.header("authorization") == "Bearer right":
        await plain(request, writer)
    else:
        writer.write(http(401, b"{}", ("www-authenticate", "Bearer")))


def row_of(control: Control, server_id: str) -> ServerRow:
    view = View.open(control.state.data)
    view.close()
    row = view.server(server_id)
    assert row is not None
    return row


async def test_a_server_is_added_with_its_header_and_tells_its_tools(control: Control) -> None:
    stub = await Recorder(wants_a_token).start()
    try:
        browser = await control.signed_in("admin")
        form = {
            "name": "crm",
            "url": stub.url,
            "pin": "yes",
            "header_name": "Authorization",
            "header_value": "Bearer right",
        }
        added = await browser.post("/servers/new", form)
        [server] = servers.every(control.engine)
        assert added.location == f"/servers/{server.id}?done=added"
        assert (server.pin, server.tools, server.headers) == (True, 1, {"authorization": "sealed"})
        sealer = control.state.master.sealer(headers.PURPOSE)
        opened = headers.open_headers(row_of(control, server.id).headers, server.id, sealer, {})
        assert opened == [("authorization", "Bearer right")]
        page = await browser.get(added.location)
        assert "The server is registered." in page.text
        assert ">run<" in page.text
        assert "Bearer right" not in page.text
    finally:
        await stub.stop()


@pytest.mark.slow
async def test_a_server_that_wants_a_credential_points_to_connecting(control: Control) -> None:
    stub = await Recorder(wants_a_token).start()
    try:
        browser = await control.signed_in("admin")
        added = await browser.post("/servers/new", {"name": "crm", "url": stub.url})
        page = await browser.get(added.location)
        assert "wants a credential" in page.text
        [server] = servers.every(control.engine)
        assert f'href="/connect/{server.id}"' in page.text
    finally:
        await stub.stop()


@pytest.mark.slow
async def test_a_server_that_is_not_there_is_registered_and_the_page_says_why(control: Control) -> None:
    browser = await control.signed_in("admin")
    page = await browser.get((await browser.post("/servers/new", {"name": "crm", "url": NOWHERE})).location)
    assert "did not tell its tools" in page.text
    assert "refused" in page.text
    [server] = servers.every(control.engine)
    assert (server.pin, server.tools) == (False, 0)


async def test_what_is_wrong_stands_at_its_field_and_nothing_is_stored(control: Control) -> None:
    servers.add(control.engine, "test", "crm", NOWHERE)
    browser = await control.signed_in("admin")
    for fields, field, says in WRONG:
        form = {"name": "other", "url": NOWHERE, **fields}
        answer = await browser.post("/servers/new", form)
        assert (answer.status, says in answer.text) == (422, True), (fields, answer.text)
        at = answer.text.find(f'name="{field}"')
        assert not field or 'aria-invalid="true"' in answer.text[at : at + 400], fields
        assert 'value="Bearer' not in answer.text
    assert [server.name for server in servers.every(control.engine)] == ["crm"]


@pytest.mark.slow
async def test_a_value_that_was_typed_is_never_shown_again(control: Control) -> None:
    browser = await control.signed_in("admin")
    form = {"name": "a b", "url": NOWHERE, "header_name": "X-Key", "header_value": "s3cret-value"}
    answer = await browser.post("/servers/new", form)
    assert answer.status == 422
    assert 'value="X-Key"' in answer.text
    assert "s3cret-value" not in answer.text


@pytest.mark.slow
async def test_known_servers_are_found_and_fill_the_form(control: Control) -> None:
    browser = await control.signed_in("admin")
    found = (await browser.get("/servers/new.json?q=issues+comments")).json["known"]
    assert {"linear"} <= {one["id"] for one in found}
    assert "Nothing known holds" in (await browser.get("/servers/new?q=zzzz")).text
    page = await browser.get("/servers/new?known=tavily")
    assert 'value="https://mcp.tavily.com/mcp/"' in page.text
    assert 'value="Authorization"' in page.text
    assert "Connect" in (await browser.get("/servers/new?known=linear")).text


async def test_commands_come_from_a_terminal_unless_the_operator_allows_them(control: Control) -> None:
    browser = await control.signed_in("admin")
    page = await browser.get("/servers/new?known=grafana")
    line = "toolgate server add grafana --command &#39;uvx mcp-grafana&#39; --env GRAFANA_URL=env:GRAFANA_URL"
    assert line in page.text
    assert 'name="command"' not in page.text
    answer = await browser.post("/servers/new", {"name": "x", "url": "", "command": "sh -c id"})
    assert answer.status == 422
    assert servers.every(control.engine) == []


@pytest.mark.slow
async def test_a_command_is_added_where_the_operator_allows_it(tmp_path: Path) -> None:
    async with Control.running(tmp_path / "data", allow_command_servers=True) as control:
        browser = await control.signed_in("admin")
        assert 'name="command"' in (await browser.get("/servers/new?known=grafana")).text
        relative = await browser.post("/servers/new", {"name": "x", "command": "./serve it"})
        assert (relative.status, "is a relative path" in relative.text) == (422, True)
        form = {"name": "notes", "command": "false 'a b'", "variables": "KEY=secret\nHOME=env:HOME"}
        added = await browser.post("/servers/new", form)
        [server] = servers.every(control.engine)
        assert (added.status, server.command) == (303, ("false", "a b"))
        assert server.headers == {"HOME": "env:HOME", "KEY": "sealed"}
        changed = await browser.post(
            f"/servers/{server.id}/change", {"name": "notes", "command": "false", "variables": "", "drop": "KEY"}
        )
        assert changed.status == 303
        kept = servers.get(control.engine, "notes")
        assert (kept.command, kept.headers) == (("false",), {"HOME": "env:HOME"})


@pytest.mark.slow
async def test_only_admins_add_servers(control: Control) -> None:
    for role in ("viewer", "policy_manager"):
        browser = await control.signed_in(role)
        assert (await browser.get("/servers/new")).status == 403
        assert (await browser.post("/servers/new", {"name": "x", "url": NOWHERE})).status == 403
    assert json.loads((await browser.get("/servers.json")).text)["servers"] == []
