"""Finding the authorization server: where is looked, in which order, and what ends the search."""

from __future__ import annotations

import pytest
from tests.control.connecting.stranger import CHALLENGE, OAUTH, RESOURCE, Stranger

from toolgate.control.connecting.asking import Asking
from toolgate.control.connecting.clients import Typed, client_for
from toolgate.control.connecting.discovery import discover
from toolgate.control.connecting.failures import ConnectingError
from toolgate.store.servers import Reach, Server
from toolgate.upstream.outbound import OutboundError

pytestmark = pytest.mark.asyncio(loop_scope="package")

ROOT = "/.well-known/oauth-protected-resource"
OPENID = "/.well-known/openid-configuration"
CONTROL = "https://control.example"


def asking(stranger: Stranger) -> Asking:
    return Asking(Server("id", "name", stranger.url, (), False, Reach(), None, 0.0))


async def test_the_address_in_the_challenge_comes_first_and_its_scope_counts(stranger: Stranger) -> None:
    elsewhere = "/metadata/of/mine"
    stranger.says[elsewhere] = stranger.says.pop(RESOURCE)
    named = f'Bearer resource_metadata="{stranger.origin}{elsewhere}", scope="only this"'
    stranger.headers["/mcp"] = {CHALLENGE: named}
    found = await discover(asking(stranger))
    assert (found.resource, found.scope) == (stranger.url, "only this")
    assert stranger.asked == ["/mcp", elsewhere, OAUTH]


async def test_an_address_in_the_challenge_that_holds_nothing_is_an_error(stranger: Stranger) -> None:
    stranger.headers["/mcp"] = {CHALLENGE: f'Bearer resource_metadata="{stranger.origin}/nothing"'}
    with pytest.raises(ConnectingError, match="holds no metadata"):
        await discover(asking(stranger))
    assert RESOURCE not in stranger.asked


@pytest.mark.parametrize("status", [200, 400, 401, 404, 500])
async def test_the_well_known_addresses_are_tried_with_the_path_and_at_the_root(
    stranger: Stranger, status: int
) -> None:
    stranger.says["/mcp"] = status
    stranger.says[ROOT] = {"resource": stranger.origin, "authorization_servers": [stranger.origin]}
    del stranger.says[RESOURCE]
    found = await discover(asking(stranger))
    assert (found.resource, found.scope) == (stranger.origin, "")
    assert stranger.asked == ["/mcp", RESOURCE, ROOT, OAUTH]


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("", [OAUTH, OPENID]),
        ("/", [OAUTH, OPENID]),
        ("/tenant", [f"{OAUTH}/tenant", f"{OPENID}/tenant", f"/tenant{OPENID}"]),
        ("/tenant/", [f"{OAUTH}/tenant", f"{OPENID}/tenant", f"/tenant{OPENID}"]),
    ],
)
async def test_the_metadata_of_an_issuer_are_looked_for_in_the_order_of_the_specification(
    stranger: Stranger, path: str, places: list[str]
) -> None:
    issuer = f"{stranger.origin}{path}"
    stranger.says[RESOURCE]["authorization_servers"] = [issuer]
    del stranger.says[OAUTH]
    with pytest.raises(ConnectingError, match="says nothing of itself"):
        await discover(asking(stranger))
    assert stranger.asked == ["/mcp", RESOURCE, *places]
    for place in places:
        stranger.says[place] = stranger.metadata(issuer=issuer)
        assert (await discover(asking(stranger))).server.issuer == issuer
        stranger.says[place] = b"<html>a page for everything</html>"


async def test_metadata_of_another_issuer_end_the_search(stranger: Stranger) -> None:
    stranger.says[OAUTH] = stranger.metadata(issuer="https://honest.example")
    stranger.says[OPENID] = stranger.metadata()
    with pytest.raises(ConnectingError, match="says that it is"):
        await discover(asking(stranger))
    assert OPENID not in stranger.asked


async def test_a_typed_issuer_must_be_one_that_the_server_names(stranger: Stranger) -> None:
    stranger.says[RESOURCE]["authorization_servers"] = ["https://first.example", stranger.origin]
    assert (await discover(asking(stranger), stranger.origin)).server.issuer == stranger.origin
    assert (await discover(asking(stranger), "", stranger.origin)).server.issuer == stranger.origin
    with pytest.raises(ConnectingError, match="does not take tokens of"):
        await discover(asking(stranger), "https://other.example")
    stranger.says[RESOURCE]["authorization_servers"] = []
    with pytest.raises(ConnectingError, match="names no authorization server"):
        await discover(asking(stranger), stranger.origin)


async def test_a_server_that_says_nothing_needs_a_typed_issuer(stranger: Stranger) -> None:
    del stranger.says[RESOURCE]
    with pytest.raises(ConnectingError, match="does not say who gives tokens"):
        await discover(asking(stranger))
    found = await discover(asking(stranger), stranger.origin)
    assert (found.resource, found.server.issuer, found.scope) == (stranger.url, stranger.origin, "")


async def test_who_we_are_is_typed_or_a_document_or_registered_in_this_order(stranger: Stranger) -> None:
    stranger.says[OAUTH] = stranger.metadata(client_id_metadata_document_supported=True)
    ask = asking(stranger)
    found = await discover(ask)
    kinds = [
        (await client_for(ask, found, CONTROL, Typed("mine", "secret"), None)).kind,
        (await client_for(ask, found, CONTROL, Typed(), None)).kind,
        (await client_for(ask, found, "http://127.0.0.1:8485", Typed(), None)).kind,
    ]
    assert kinds == ["manual", "document", "registered"]
    assert stranger.asked.count("/register") == 1
    document = await client_for(ask, found, CONTROL, Typed(), None)
    assert document.client_id == f"{CONTROL}/oauth/client.json"


async def test_an_authorization_server_that_registers_nobody_needs_a_typed_client(stranger: Stranger) -> None:
    stranger.says[OAUTH] = stranger.metadata(registration_endpoint=None)
    ask = asking(stranger)
    found = await discover(ask)
    with pytest.raises(ConnectingError, match="takes only clients that it knows") as raised:
        await client_for(ask, found, CONTROL, Typed(), None)
    assert f"{CONTROL}/oauth/callback" in raised.value.mend


async def test_a_stored_client_is_used_with_its_issuer_and_address_alone(stranger: Stranger) -> None:
    ask = asking(stranger)
    found = await discover(ask)
    stored = await client_for(ask, found, CONTROL, Typed(), None)
    assert (await client_for(ask, found, CONTROL, Typed(), stored)).client_id == stored.client_id
    assert stranger.asked.count("/register") == 1
    await client_for(ask, found, "https://moved.example", Typed(), stored)
    await client_for(ask, found, CONTROL, Typed(anew=True), stored)
    assert stranger.asked.count("/register") == 3
    manual = await client_for(ask, found, CONTROL, Typed("mine", "secret"), None)
    stranger.says[OAUTH] = stranger.metadata(issuer=f"{stranger.origin}/")
    again = await client_for(ask, await discover(ask), CONTROL, Typed(), manual)
    assert (again.client_id, again.secret) == ("mine", "secret")


@pytest.mark.parametrize("place", ["/mcp", RESOURCE, OAUTH])
async def test_who_answers_for_ever_is_left(stranger: Stranger, place: str) -> None:
    stranger.slow.add(place)
    ask = asking(stranger)
    ask.patience = 0.1
    with pytest.raises(OutboundError, match="no whole answer"):
        await discover(ask)
    assert stranger.asked[-1] == place
