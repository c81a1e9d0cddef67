"""Connecting a real MCP server to a real authorization server, as an administrator with a browser does."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.control.connecting.scene import Scene, continue_at, words

from toolgate.store import grants, oauth
from toolgate.store.database import writing

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="package")]


async def test_a_server_is_connected_by_a_button_and_a_consent(scene: Scene) -> None:
    answer = await scene.admin.post(scene.path(), {})
    for named in (scene.provider.issuer, "tools:read", scene.guarded.url):
        assert named in words(answer)
    assert (await scene.connected()).location == f"{scene.path()}?done=connected"
    connection = scene.connection()
    assert (connection.status, connection.scope, connection.generation) == ("connected", "tools:read", 1)
    assert scene.tokens().refresh
    assert [action for action, _ in scene.events()] == ["connect"]


async def test_the_request_has_pkce_a_state_and_the_resource_and_so_has_the_exchange(scene: Scene) -> None:
    link = await scene.begun()
    asked = parse_qs(urlsplit(link).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["resource"] == [scene.guarded.url]
    assert asked["redirect_uri"] == [f"{scene.control.url}/oauth/callback"]
    assert len(asked["state"][0]) >= 43
    await scene.admin.get(await scene.agreed(link))
    client = asked["client_id"][0]
    assert scene.provider.count("grant", type="authorization_code", client=client, resource=scene.guarded.url) == 1


async def test_the_client_is_registered_once_for_each_server(scene: Scene) -> None:
    await scene.connected()
    before = scene.provider.count("registered")
    await scene.connected()
    assert scene.provider.count("registered") == before
    assert scene.connection().generation == 2
    await scene.connected(anew="yes")
    assert scene.provider.count("registered") == before + 1


async def test_a_token_is_renewed_when_its_time_has_come_and_the_gateways_are_told(scene: Scene) -> None:
    await scene.connected()
    before, connection = scene.tokens(), scene.connection()
    assert connection.expires is not None
    assert connection.refresh_at is not None
    life = connection.expires - connection.refreshed
    assert 0.74 * life <= connection.refresh_at - connection.refreshed <= 0.81 * life
    await scene.renewing().step()
    assert scene.tokens() == before
    scene.due()
    await scene.renewing().step()
    after = scene.tokens()
    assert after.access != before.access
    assert after.refresh != before.refresh
    assert (scene.connection().generation, scene.connection().scope, scene.told) == (2, "tools:read", 1)


async def test_a_refresh_token_is_spent_once_however_many_processes_renew(scene: Scene) -> None:
    await scene.connected()
    client = scene.tokens().client_id
    scene.due()
    await asyncio.gather(*(scene.renewing().step() for _ in range(6)))
    assert scene.provider.count("grant", type="refresh_token", client=client) == 1
    assert scene.connection().generation == 2


async def test_a_connection_that_cannot_be_renewed_says_so_until_it_is_made_again(scene: Scene) -> None:
    await scene.connected()
    sealer = scene.control.state.master.sealer("upstream-tokens")
    client = oauth.client_of(scene.control.engine, scene.server.id, sealer)
    assert client is not None
    await scene.revoked(client, scene.tokens())
    scene.due()
    await scene.renewing().step()
    assert scene.connection().status == "expired"
    assert "invalid_grant" in scene.connection().error
    assert [action for action, _ in scene.events()] == ["connect", "expire"]
    listed = await scene.admin.get(f"/servers.json?q={scene.server.name}")
    assert [row["reconnect"] for row in listed.json["servers"] if row["id"] == scene.server.id] == [True]
    said = words(await scene.admin.get(scene.path()))
    assert "This connection has ended" in said
    assert "Connect again" in said
    scene.due()
    await scene.renewing().step()
    assert scene.provider.count("grant.error", type="refresh_token") == 1
    await scene.connected()
    assert (scene.connection().status, scene.connection().error) == ("connected", "")


async def test_a_grant_may_have_a_connection_of_its_own(scene: Scene) -> None:
    await scene.connected(login="ada")
    minted = grants.add(
        scene.control.engine, "test", server=scene.server.name, policy=None, label=scene.control.name("agent")
    )
    await scene.connected(login="grace", grant=minted.grant.id)
    assert scene.connection(grant_id=minted.grant.id).grant == minted.grant.label
    assert scene.tokens(grant_id=minted.grant.id).access != scene.tokens().access
    page = await scene.admin.get(f"{scene.path()}.json?grant={minted.grant.id}")
    assert page.json["connection"]["grant"]["label"] == minted.grant.label
    grants.revoke(scene.control.engine, "test", minted.grant.id)
    await scene.renewing().step()
    assert [it.grant_id for it in oauth.connections(scene.control.engine, scene.server.id)] == [""]


async def test_a_missing_scope_is_asked_for_together_with_those_that_are_there(scene: Scene) -> None:
    await scene.connected()
    with writing(scene.control.engine, "control") as change:
        assert oauth.want(change, scene.server.id, "", 1, "tools:write")
    with writing(scene.control.engine, "control") as change:
        assert not oauth.want(change, scene.server.id, "", 1, "tools:write")
    said = words(await scene.admin.get(scene.path()))
    assert "The server asked for more than this connection may" in said
    assert scene.events()[-1] == ("want_scope", {"wanted_scope": "tools:write"})
    link = await scene.begun()
    assert set(parse_qs(urlsplit(link).query)["scope"][0].split()) >= {"tools:read", "tools:write"}
    await scene.connected()
    assert scene.connection().scope == "tools:read tools:write"
    assert scene.connection().wanted_scope == ""


async def test_disconnecting_revokes_the_tokens_and_forgets_them(scene: Scene) -> None:
    await scene.connected()
    before = scene.provider.count("revoked")
    assert "Disconnect" in words(await scene.admin.get(f"{scene.path()}/disconnect"))
    answer = await scene.admin.post(f"{scene.path()}/disconnect", {})
    assert answer.location == f"{scene.path()}?done=ending"
    assert scene.provider.count("revoked") == before + 1
    assert oauth.connections(scene.control.engine, scene.server.id) == []
    assert scene.execute("SELECT * FROM oauth_clients WHERE server_id = ?", scene.server.id) == []
    assert scene.events()[-1][0] == "disconnect"


async def test_consent_that_is_refused_is_said_in_words(scene: Scene) -> None:
    link = await scene.begun()
    back = await scene.provider.decline(link, stop_at=f"{scene.control.url}/oauth/callback")
    answer = await scene.admin.get(back)
    assert answer.status == 409
    assert "was told not to give access" in words(answer)
    assert oauth.connections(scene.control.engine, scene.server.id) == []


async def test_a_client_that_an_administrator_registered_is_used_and_its_secret_shown_nowhere(scene: Scene) -> None:
    client, secret = await scene.provider.register(f"{scene.control.url}/oauth/callback")
    answer = await scene.admin.post(scene.path(), {"client_id": client, "client_secret": secret})
    assert secret not in answer.text
    back = await scene.agreed(continue_at(answer))
    assert (await scene.admin.get(back)).status == 303
    assert scene.tokens().client_id == client
    for page in (scene.path(), f"{scene.path()}.json"):
        shown = (await scene.admin.get(page)).text
        for hidden in (secret, scene.tokens().access, scene.tokens().refresh):
            assert hidden not in shown
    scene.due()
    await scene.renewing().step()
    assert scene.connection().generation == 2


async def test_secrets_stand_in_the_database_sealed_alone(scene: Scene) -> None:
    await scene.connected()
    tokens = scene.tokens()
    for path in scene.control.state.data.glob("toolgate.db*"):
        stored = path.read_bytes()
        for hidden in (tokens.access, tokens.refresh):
            assert hidden.encode() not in stored
