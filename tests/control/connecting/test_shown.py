"""What the API shows of credentials, and how it ends a connection."""

from __future__ import annotations

import pytest
from tests.control.api.asking import Program
from tests.control.connecting.scene import Scene

from toolgate.store import oauth, servers
from toolgate.store.headers import HeaderInput

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="package")]


async def test_the_api_shows_which_credentials_are_in_use_and_no_value(scene: Scene) -> None:
    admin = await Program.of(scene.control, "admin")
    path = f"/servers/{scene.server.id}/credentials"
    shown = await admin.get(path)
    assert (shown.json["use"], shown.json["headers"], shown.json["connections"]) == ("none", {}, [])
    assert shown.json["connect_url"] == f"{scene.control.url}{scene.path()}"
    sealer = scene.control.state.master.sealer("upstream-headers")
    given = [HeaderInput("authorization", "Bearer hidden"), HeaderInput("x-team", variable="TEAM")]
    name = scene.control.name("server")
    url = scene.guarded.url
    static = servers.add(scene.control.engine, "test", name, url, credentials=given, sealer=sealer)
    shown = await admin.get(f"/servers/{static.id}/credentials")
    assert (shown.json["use"], shown.json["headers"]) == (
        "headers",
        {"authorization": "sealed", "x-team": "env:TEAM"},
    )
    await scene.connected()
    shown = await admin.get(path)
    assert (shown.json["use"], shown.json["client"]["issuer"]) == ("oauth", scene.provider.issuer)
    assert shown.json["connections"][0]["scopes"] == ["tools:read"]
    tokens = scene.tokens()
    for hidden in (tokens.access, tokens.refresh):
        assert hidden not in shown.text


async def test_the_api_ends_a_connection_for_an_administrator_alone(scene: Scene) -> None:
    await scene.connected()
    path = f"/servers/{scene.server.id}/credentials/connection"
    for role in ("viewer", "policy_manager"):
        assert (await (await Program.of(scene.control, role)).send("DELETE", path)).status == 403
    admin = await Program.of(scene.control, "admin")
    assert (await admin.send("DELETE", f"{path}?grant=00000000-0000-4000-8000-000000000000")).status == 404
    answer = await admin.send("DELETE", path)
    assert (answer.status, answer.json) == (200, {"ended": "ending"})
    assert oauth.connections(scene.control.engine, scene.server.id) == []
    assert (await admin.send("DELETE", path)).status == 404


@pytest.mark.parametrize("role", ["viewer", "policy_manager"])
async def test_who_is_no_administrator_sees_what_is_in_use_and_nobodys_account(scene: Scene, role: str) -> None:
    await scene.connected()
    somebody = await scene.control.signed_in(role)
    page = await somebody.get(f"/servers/{scene.server.id}")
    assert "OAuth connection" in page.text
    twin = await somebody.get(f"/servers/{scene.server.id}.json")
    assert twin.json["credentials"]["connections"] == [{"grant": None, "status": "connected"}]
    for shown in (page, twin):
        for hidden in (scene.provider.issuer, scene.admin.member.email, "/connect/", scene.tokens().access):
            assert hidden not in shown.text
