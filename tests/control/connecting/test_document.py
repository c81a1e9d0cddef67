"""An authorization server that looks up who a client is at the client's own address."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.control.oidc.guarded import READ, WRITE, Guarded
from tests.control.oidc.running import Provider
from tests.control.running import Control

from toolgate.control.connecting import flow
from toolgate.control.connecting.clients import Typed
from toolgate.control.connecting.renewing import Renewing
from toolgate.control.identity.actor import Actor
from toolgate.store import oauth, servers

PUBLIC = "https://control.example"


@pytest.mark.slow
async def test_our_metadata_document_is_who_we_are(tmp_path: Path) -> None:
    async with Control.running(tmp_path / "data", url=PUBLIC) as control:
        documents = {PUBLIC: control.url}
        async with (
            Provider.running(scopes=f"{READ} {WRITE}", documents=documents) as provider,
            Guarded.running(provider.issuer) as guarded,
        ):
            admin = Actor.member(control.member("admin"), "session")
            server = servers.add(control.engine, "test", "server", guarded.url)
            begun = await flow.begin(control.state, admin, server, "", Typed())
            assert begun.client.client_id == f"{PUBLIC}/oauth/client.json"
            assert provider.count("registered") == 0
            back = await provider.sign_in(begun.url, stop_at=f"{PUBLIC}/oauth/callback")
            await flow.finish(control.state, admin, parse_qs(urlsplit(back).query))
            renewing = Renewing(control.engine, control.state.master, lambda: None)
            with control.engine.begin() as connection:
                connection.exec_driver_sql("UPDATE oauth_tokens SET refresh_at = 1")
            await renewing.step()
            assert oauth.connections(control.engine, server.id)[0].generation == 2


async def test_anybody_may_read_the_document_and_there_is_none_without_a_public_address(tmp_path: Path) -> None:
    async with Control.running(tmp_path / "data", url=PUBLIC) as control:
        browser = await control.browser()
        answer = await browser.get("/oauth/client.json")
        assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
        assert answer.json["client_id"] == f"{PUBLIC}/oauth/client.json"
        assert "max-age" in answer.headers["cache-control"]
    async with Control.running(tmp_path / "data") as control:
        assert (await (await control.browser()).get("/oauth/client.json")).status == 404
