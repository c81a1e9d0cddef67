"""Renewals that fail, take long, or are begun by several processes, of which one may die."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from tests.control.connecting.scene import Scene, continue_at, words
from tests.control.connecting.stranger import OAUTH, Stranger

from toolgate.gateway.unauthorized import Refusal
from toolgate.store import oauth_renewals
from toolgate.store.servers import Server

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="package")]


async def connected(scene: Scene, stranger: Stranger, **answer: Any) -> Server:
    """A server whose authorization server is the stranger; `answer` are changes of what its tokens are."""
    server = scene.registered(stranger.url)
    stranger.says["/token"] |= answer
    page = await scene.admin.post(scene.path(server), {})
    state = parse_qs(urlsplit(continue_at(page)).query)["state"][0]
    ended = await scene.admin.get(f"/oauth/callback?{urlencode({'state': state, 'code': 'x'})}")
    assert ended.status == 303, words(ended)
    stranger.bodies.clear()
    return server


def renewals(stranger: Stranger) -> list[dict[str, str]]:
    return [body for path, body in stranger.bodies if path == "/token"]


@pytest.mark.parametrize(
    "answer",
    [
        500,
        503,
        404,
        (400, {"error": "temporarily_unavailable"}),
        (429, {"error": "invalid_grant"}),
        (500, {"error": "invalid_grant"}),
        b"<html>",
        {"access_token": "new", "token_type": "DPoP"},
    ],
)
async def test_a_failure_that_may_pass_is_tried_again_later(scene: Scene, stranger: Stranger, answer: Any) -> None:
    server = await connected(scene, stranger)
    good, stranger.says["/token"] = stranger.says["/token"], answer
    renewing = scene.renewing()
    pauses = []
    for _ in range(3):
        scene.due(server)
        await renewing.step()
        connection = scene.connection(server)
        assert (connection.status, connection.generation) == ("connected", 1)
        assert connection.error
        assert connection.refresh_at is not None
        pauses.append(connection.refresh_at - time.time())
    assert 0 < pauses[0] < pauses[1] < pauses[2] < 60
    assert "tried again" in words(await scene.admin.get(scene.path(server)))
    stranger.says["/token"] = {**good, "access_token": "new"}
    scene.due(server)
    await renewing.step()
    assert (scene.tokens(server).access, scene.connection(server).error) == ("new", "")


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope"])
async def test_a_refusal_ends_the_connection_until_somebody_connects_again(
    scene: Scene, stranger: Stranger, code: str
) -> None:
    server = await connected(scene, stranger)
    stranger.says["/token"] = (400, {"error": code, "error_description": "because <b>"})
    scene.due(server)
    await scene.renewing().step()
    connection = scene.connection(server)
    assert (connection.status, connection.refresh_at) == ("expired", None)
    assert f"`{code}`: because <b>" in connection.error
    assert scene.events(server)[-1][0] == "expire"
    await scene.renewing().step()
    assert len(renewals(stranger)) == 1


async def test_a_refresh_token_that_is_not_rotated_stays(scene: Scene, stranger: Stranger) -> None:
    server = await connected(scene, stranger)
    stranger.says["/token"] = {"access_token": "new", "token_type": "bearer", "expires_in": "50"}
    scene.due(server)
    await scene.renewing().step()
    assert scene.tokens(server).refresh == "again"
    assert renewals(stranger)[0]["refresh_token"] == "again"
    assert renewals(stranger)[0]["resource"] == stranger.url


async def test_a_token_that_says_no_end_is_renewed_only_when_it_is_refused(scene: Scene, stranger: Stranger) -> None:
    server = await connected(scene, stranger, expires_in=None)
    assert scene.connection(server).expires is None
    renewing = scene.renewing()
    renewing.refused(Refusal(server.id, "", 1))
    await renewing.step()
    assert renewals(stranger) == []  # it is a minute old at least before a refusal of it is believed
    scene.execute("UPDATE oauth_tokens SET refreshed = refreshed - 100 WHERE server_id = ?", server.id)
    renewing.refused(Refusal(server.id, "", 7))
    await renewing.step()
    assert renewals(stranger) == []  # of another token than the present one
    renewing.refused(Refusal(server.id, "", 1))
    await renewing.step()
    assert scene.connection(server).generation == 2


async def test_a_token_that_nothing_renews_is_called_expired_when_it_ends(scene: Scene, stranger: Stranger) -> None:
    server = await connected(scene, stranger, refresh_token=None)
    connection = scene.connection(server)
    assert connection.refresh_at == connection.expires
    scene.due(server)
    await scene.renewing().step()
    assert scene.connection(server).status == "expired"
    assert renewals(stranger) == []


async def test_while_one_process_renews_the_others_leave_it_alone(scene: Scene, stranger: Stranger) -> None:
    server = await connected(scene, stranger)
    scene.due(server)
    stranger.gate = asyncio.Event()
    first = asyncio.create_task(scene.renewing().step())
    while not renewals(stranger):
        await asyncio.sleep(0.005)
    await scene.renewing().step()
    stranger.gate.set()
    await first
    assert len(renewals(stranger)) == 1
    assert scene.connection(server).generation == 2


async def test_a_renewal_under_way_is_stored_before_a_process_goes(scene: Scene, stranger: Stranger) -> None:
    server = await connected(scene, stranger)
    scene.due(server)
    stranger.gate = asyncio.Event()
    renewing = scene.renewing()
    step = asyncio.create_task(renewing.step())
    while not renewals(stranger):
        await asyncio.sleep(0.005)
    step.cancel()
    await asyncio.gather(step, return_exceptions=True)
    stranger.gate.set()
    await renewing.close()
    assert scene.connection(server).generation == 2


async def test_flows_that_nobody_came_back_from_are_forgotten(scene: Scene, stranger: Stranger) -> None:
    server = scene.registered(stranger.url)
    await scene.admin.post(scene.path(server), {})
    scene.execute("UPDATE oauth_attempts SET expires = 1 WHERE server_id = ?", server.id)
    await scene.renewing().step()
    assert scene.execute("SELECT * FROM oauth_attempts WHERE server_id = ?", server.id) == []


async def test_what_a_process_left_that_died_is_taken_up_after_its_lease(scene: Scene, stranger: Stranger) -> None:
    server = await connected(scene, stranger)
    scene.due(server)
    (due,) = [it for it in oauth_renewals.due(scene.control.engine, time.time()) if it.server_id == server.id]
    assert oauth_renewals.lease(scene.control.engine, due, "dead")
    await scene.renewing().step()
    assert renewals(stranger) == []
    scene.execute("UPDATE oauth_tokens SET lease_until = 1 WHERE server_id = ?", server.id)
    await scene.renewing().step()
    assert scene.connection(server).generation == 2


async def test_tokens_that_come_after_somebody_connected_again_are_not_stored(scene: Scene, stranger: Stranger) -> None:
    server = await connected(scene, stranger)
    scene.due(server)
    stranger.gate = asyncio.Event()
    late = asyncio.create_task(scene.renewing().step())
    while not renewals(stranger):
        await asyncio.sleep(0.005)
    scene.execute("UPDATE oauth_tokens SET generation = 9 WHERE server_id = ?", server.id)
    stranger.says["/token"] = {"access_token": "late", "token_type": "Bearer"}
    stranger.gate.set()
    await late
    assert scene.tokens(server).access == "opaque"


async def test_what_no_key_opens_is_said_and_made_anew(scene: Scene, stranger: Stranger) -> None:
    client = {"client_id": "secret one", "client_secret": "x", "token_endpoint_auth_method": "client_secret_post"}
    stranger.says["/register"] = client
    server = await connected(scene, stranger)
    scene.execute("UPDATE oauth_clients SET sealed_secret = zeroblob(60) WHERE server_id = ?", server.id)
    scene.execute("UPDATE oauth_tokens SET sealed = zeroblob(60) WHERE server_id = ?", server.id)
    scene.due(server)
    await scene.renewing().step()
    assert scene.connection(server).status == "expired"
    assert "Connect again" in words(await scene.admin.get(scene.path(server)))
    again = await scene.admin.post(scene.path(server), {})
    assert again.status == 200, words(again)
    ended = await scene.admin.post(f"{scene.path(server)}/disconnect", {})
    assert ended.location.endswith("done=forgotten")


async def test_a_registration_that_ends_soon_is_made_anew(scene: Scene, stranger: Stranger) -> None:
    stranger.says[OAUTH] = stranger.metadata(token_endpoint_auth_methods_supported=["client_secret_post"])
    stranger.says["/register"] = {
        "client_id": "short",
        "client_secret": "for ten minutes",
        "client_secret_expires_at": time.time() + 600,
        "token_endpoint_auth_method": "client_secret_post",
    }
    server = await connected(scene, stranger)
    scene.due(server)
    await scene.renewing().step()
    assert renewals(stranger)[0]["client_secret"] == "for ten minutes"
    before = stranger.asked.count("/register")
    await scene.admin.post(scene.path(server), {})
    assert stranger.asked.count("/register") == before + 1
