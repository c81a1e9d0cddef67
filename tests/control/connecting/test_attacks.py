"""Attacks on connections: by whoever sends the browser back, and by servers that lie about themselves."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from tests.control.connecting.scene import Scene, continue_at, words
from tests.control.connecting.stranger import CHALLENGE, OAUTH, RESOURCE, Stranger
from tests.control.running import Answer, Browser

from toolgate.control.connecting.asking import Asking
from toolgate.control.connecting.documents import ServerMetadata, check_server
from toolgate.control.connecting.failures import ConnectingError
from toolgate.store import oauth, servers
from toolgate.store.servers import Server
from toolgate.store.tables import DEFAULT_ORGANISATION
from toolgate.upstream.outbound import OutboundError

pytestmark = [pytest.mark.slow, pytest.mark.asyncio(loop_scope="package")]


def query_of(url: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}


def callback(scene: Scene, **query: str) -> str:
    return f"{scene.control.url}/oauth/callback?{urlencode(query)}"


async def refused(
    scene: Scene, url: str, why: str, browser: Browser | None = None, server: Server | None = None
) -> None:
    answer = await (browser or scene.admin).get(url)
    assert answer.status in {404, 409}
    assert why in words(answer)
    assert oauth.connections(scene.control.engine, (server or scene.server).id) == []


# --- whoever sends the browser back


async def test_the_answer_of_another_authorization_server_is_refused_mix_up(scene: Scene) -> None:
    back = query_of(await scene.agreed(await scene.begun()))
    back["iss"] = "https://attacker.example"
    await refused(scene, callback(scene, **back), "not from")


async def test_an_answer_that_does_not_say_who_sent_it_is_refused_where_it_always_does(scene: Scene) -> None:
    back = query_of(await scene.agreed(await scene.begun()))
    del back["iss"]
    await refused(scene, callback(scene, **back), "does not say who sent it")


async def test_the_error_of_another_authorization_server_is_not_shown(scene: Scene) -> None:
    state = query_of(await scene.begun())["state"]
    url = callback(scene, state=state, iss="https://attacker.example", error="call 555-1234", error_description="now")
    answer = await scene.admin.get(url)
    assert "555" not in answer.text


async def test_a_state_is_good_once(scene: Scene) -> None:
    back = await scene.agreed(await scene.begun())
    assert (await scene.admin.get(back)).status == 303
    before = scene.tokens()
    answer = await scene.admin.get(back)
    assert answer.status == 409
    assert "it was used" in words(answer)
    assert scene.tokens() == before


async def test_a_state_that_nobody_made_is_refused(scene: Scene) -> None:
    back = query_of(await scene.agreed(await scene.begun()))
    for state in ("", "A" * 43, back["state"][:-1]):
        await refused(scene, callback(scene, **{**back, "state": state}), "belongs to no connection")
    twice = callback(scene, **back) + "&state=x"
    await refused(scene, twice, "more than once")


async def test_a_state_is_good_for_the_session_that_made_it_alone(scene: Scene) -> None:
    other = await scene.control.signed_in("admin")
    back = await scene.agreed(await scene.begun())
    await refused(scene, back, "not yours", other)
    same_member = await scene.control.signed_in(scene.admin.member)
    await refused(scene, back, "another session", same_member)
    await refused(scene, back, "it was used")


async def test_a_state_is_good_for_ten_minutes(scene: Scene) -> None:
    back = await scene.agreed(await scene.begun())
    scene.execute("UPDATE oauth_attempts SET expires = 1 WHERE server_id = ?", scene.server.id)
    await refused(scene, back, "older than ten minutes")


async def test_the_code_of_another_flow_is_worth_nothing_code_injection(scene: Scene) -> None:
    stolen = query_of(await scene.agreed(await scene.begun(), "grace"))["code"]
    mine = query_of(await scene.agreed(await scene.begun()))
    await refused(scene, callback(scene, **{**mine, "code": stolen}), "invalid_grant")


async def test_a_browser_that_is_not_signed_in_connects_nothing(scene: Scene) -> None:
    back = await scene.agreed(await scene.begun())
    nobody = await scene.control.browser()
    answer = await nobody.get(back)
    assert (answer.status, urlsplit(answer.location).path) == (303, "/sign-in")
    assert oauth.connections(scene.control.engine, scene.server.id) == []


async def test_the_callback_leads_nowhere_but_to_our_own_page_open_redirect(scene: Scene) -> None:
    back = await scene.agreed(await scene.begun())
    answer = await scene.admin.get(f"{back}&to=https%3A%2F%2Fattacker.example&redirect_uri=//attacker.example")
    assert answer.location == f"{scene.path()}?done=connected"
    assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_form_of_another_page_connects_and_disconnects_nothing(scene: Scene) -> None:
    for path in (scene.path(), f"{scene.path()}/disconnect"):
        for form in ({"csrf": "0" * 64}, {"csrf": ""}):
            assert (await scene.admin.post(path, form)).status == 403
        assert (await scene.admin.post(path, {}, origin="https://attacker.example")).status == 403


@pytest.mark.parametrize("role", ["viewer", "policy_manager"])
async def test_only_an_administrator_connects(scene: Scene, role: str) -> None:
    link = await scene.begun()
    somebody = await scene.control.signed_in(role)
    for path in (scene.path(), f"{scene.path()}.json", f"{scene.path()}/disconnect", callback(scene, state="x")):
        assert (await somebody.get(path)).status == 403
    for path in (scene.path(), f"{scene.path()}/disconnect"):
        assert (await somebody.post(path, {})).status == 403
    await refused(scene, "/oauth/callback?code=x", "belongs to no connection")
    assert link


async def test_the_servers_of_another_organisation_are_not_there(scene: Scene) -> None:
    other = "00000000-0000-4000-8000-0000000000aa"
    scene.execute("INSERT OR IGNORE INTO organisations VALUES (?, 'other', 0)", other)
    assert other != DEFAULT_ORGANISATION
    theirs = await scene.control.signed_in("admin", organisation=other)
    unknown = scene.path().replace(scene.server.id, "00000000-0000-4000-8000-0000000000bb")
    for path in ("", "/disconnect"):
        for answers in (
            [await theirs.get(scene.path() + path), await theirs.get(unknown + path)],
            [await theirs.post(scene.path() + path, {}), await theirs.post(unknown + path, {})],
        ):
            assert [answer.status for answer in answers] == [404, 404]


# --- servers that lie about themselves


async def begin(scene: Scene, stranger: Stranger, **form: Any) -> tuple[Server, Answer]:
    server = scene.registered(stranger.url)
    return server, await scene.admin.post(scene.path(server), form)


async def refuses(scene: Scene, stranger: Stranger, why: str, **form: Any) -> None:
    server, answer = await begin(scene, stranger, **form)
    assert answer.status == 409, words(answer)
    assert why in words(answer)
    assert scene.execute("SELECT * FROM oauth_attempts WHERE server_id = ?", server.id) == []


async def test_an_honest_stranger_is_connected(scene: Scene, stranger: Stranger) -> None:
    server, answer = await begin(scene, stranger)
    link = continue_at(answer)
    asked = query_of(link)
    assert link.startswith(f"{stranger.origin}/authorize?")
    assert (asked["scope"], asked["client_id"], asked["resource"]) == ("a b", "registered-here", stranger.url)
    assert (await scene.admin.get(callback(scene, state=asked["state"], code="x"))).status == 303
    sent = dict(stranger.bodies)["/token"]
    assert (sent["resource"], sent["client_id"], sent["code"]) == (stranger.url, "registered-here", "x")
    assert scene.tokens(server).access == "opaque"


@pytest.mark.parametrize(
    "resource",
    [
        "https://honest.example/mcp",
        "{origin}/other",
        "{origin}/mc",
        "{origin}/mcp/below",
        "{origin}/mcp?x=1",
        "{origin}/mcp#x",
        "{origin}.attacker.example/mcp",
        "http://user@127.0.0.1/mcp",
        "",
        "javascript:alert(1)",
    ],
)
async def test_a_server_that_says_it_is_another_gets_no_token(scene: Scene, stranger: Stranger, resource: str) -> None:
    stranger.says[RESOURCE]["resource"] = resource.format(origin=stranger.origin)
    await refuses(scene, stranger, "resource")
    assert "/register" not in stranger.asked


@pytest.mark.parametrize("issuer", ["https://honest.example", "{origin}/tenant", "{origin}/?", "", "HTTP://127.0.0.1"])
async def test_metadata_of_another_issuer_are_not_used(scene: Scene, stranger: Stranger, issuer: str) -> None:
    stranger.says[OAUTH] = stranger.metadata(issuer=issuer.format(origin=stranger.origin))
    await refuses(scene, stranger, "says that it is")


@pytest.mark.parametrize("methods", [None, [], ["plain"], ["s256"]])
async def test_an_authorization_server_without_s256_is_refused_downgrade(
    scene: Scene, stranger: Stranger, methods: list[str] | None
) -> None:
    stranger.says[OAUTH] = stranger.metadata(code_challenge_methods_supported=methods)
    await refuses(scene, stranger, "does not offer PKCE with S256")


INSIDE = ("http://10.0.0.1/x", "https://169.254.169.254/latest/meta-data/", "http://192.168.1.1/", "https://[fd00::1]/")


@pytest.mark.parametrize("url", [*INSIDE, "file:///etc/passwd", "gopher://127.0.0.1:70/"])
async def test_nothing_inside_is_asked_for_because_a_server_names_it_ssrf(
    scene: Scene, stranger: Stranger, url: str
) -> None:
    stranger.headers["/mcp"] = {CHALLENGE: f'Bearer resource_metadata="{url}"'}
    await refuses(scene, stranger, "could not be begun")
    stranger.headers.clear()
    stranger.says[RESOURCE]["authorization_servers"] = [url]
    await refuses(scene, stranger, "could not be begun")
    stranger.honest()
    for name in ("authorization_endpoint", "token_endpoint", "registration_endpoint", "revocation_endpoint"):
        stranger.says[OAUTH] = stranger.metadata(**{name: url})
        await refuses(scene, stranger, f"{name} of")
    assert "/register" not in stranger.asked


@pytest.mark.parametrize("path", [RESOURCE, OAUTH, "/register"])
async def test_redirects_are_not_followed_ssrf(scene: Scene, stranger: Stranger, path: str) -> None:
    stranger.says[path] = 302
    stranger.headers[path] = {"location": f"{stranger.origin}/inside"}
    _server, answer = await begin(scene, stranger)
    assert answer.status == 409
    assert "/inside" not in stranger.asked


async def test_a_code_is_not_sent_on_to_where_the_token_endpoint_points_ssrf(scene: Scene, stranger: Stranger) -> None:
    server, page = await begin(scene, stranger)
    stranger.says["/token"] = 307
    stranger.headers["/token"] = {"location": f"{stranger.origin}/inside"}
    state = query_of(continue_at(page))["state"]
    await refused(scene, callback(scene, state=state, code="x"), "HTTP status 307", server=server)
    assert "/inside" not in stranger.asked


async def test_a_public_server_names_nothing_on_this_machine_ssrf(stranger: Stranger) -> None:
    server = Server(
        id="", name="public", url="https://mcp.example.com/mcp", command=(), pin=False, reach=servers.Reach(),
        protocol_revision=None, created=0,
    )  # fmt: skip
    asking = Asking(server)
    with pytest.raises(OutboundError, match="this machine"):
        await asking.get(f"{stranger.origin}/x")
    assert stranger.asked == []
    named = ServerMetadata(**stranger.metadata())
    with pytest.raises(ConnectingError, match="this machine"):
        check_server(named, stranger.origin, local=asking.local, private=asking.private)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "http://evil.example/", "//evil.example"])
async def test_the_link_of_the_page_is_a_web_address(scene: Scene, stranger: Stranger, url: str) -> None:
    stranger.says[OAUTH] = stranger.metadata(authorization_endpoint=url)
    await refuses(scene, stranger, "authorization_endpoint of")


async def test_an_endpoint_that_brings_parameters_of_its_own_is_refused(scene: Scene, stranger: Stranger) -> None:
    endpoint = f"{stranger.origin}/authorize?client_id=theirs"
    stranger.says[OAUTH] = stranger.metadata(authorization_endpoint=endpoint)
    await refuses(scene, stranger, "holds parameters of the request already")


async def test_hostile_text_is_shown_as_text(scene: Scene, stranger: Stranger) -> None:
    hostile = "<script>alert(1)</script>\u202etxt\x1b[31m"
    stranger.says[RESOURCE]["scopes_supported"] = ["<img/src=x>", "two words", "\u202e", "fine"]
    stranger.says["/register"] = {"client_id": hostile}
    await refuses(scene, stranger, "not printable ASCII")
    stranger.says["/register"] = {"client_id": "<script>alert(1)</script>"}
    _server, answer = await begin(scene, stranger)
    assert answer.status == 200
    for raw in ("<script>alert", "<img", "\u202e", "\x1b"):
        assert raw not in answer.text
    assert query_of(continue_at(answer))["scope"] == "<img/src=x> fine"
    stranger.says["/register"] = (400, {"error": hostile, "error_description": hostile * 100})
    _server, answer = await begin(scene, stranger)
    assert answer.status == 409
    assert len(answer.text) < 20_000
    for raw in ("<script>alert", "\u202e", "\x1b"):
        assert raw not in answer.text


async def test_metadata_that_are_too_large_or_too_deep_are_refused(scene: Scene, stranger: Stranger) -> None:
    stranger.says[OAUTH] = b'{"issuer": "' + b"x" * 300_000 + b'"}'
    await refuses(scene, stranger, "longer than")
    stranger.says[OAUTH] = b'{"issuer": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    await refuses(scene, stranger, "says nothing of itself")


@pytest.mark.parametrize(
    "answer",
    [
        {"access_token": "a b", "token_type": "Bearer"},
        {"access_token": "a\r\nx: y", "token_type": "Bearer"},
        {"access_token": "", "token_type": "Bearer"},
        {"access_token": "x" * 10_000, "token_type": "Bearer"},
        {"access_token": "proof", "token_type": "DPoP"},
        {"access_token": ["a"], "token_type": "Bearer"},
        {"token_type": "Bearer"},
        [],
    ],
)
async def test_a_token_that_no_header_can_carry_is_refused(scene: Scene, stranger: Stranger, answer: Any) -> None:
    server, page = await begin(scene, stranger)
    stranger.says["/token"] = answer
    state = query_of(continue_at(page))["state"]
    await refused(scene, callback(scene, state=state, code="x"), "no bearer token", server=server)


async def test_a_token_of_one_server_is_not_sent_to_another(scene: Scene, stranger: Stranger) -> None:
    await scene.connected()
    scene.execute("UPDATE servers SET url = ? WHERE id = ?", stranger.url, scene.server.id)
    scene.due()
    stranger.asked.clear()
    await scene.renewing().step()
    assert scene.connection().status == "expired"
    assert "another address" in scene.connection().error
    assert stranger.asked == []


async def test_a_server_that_moves_while_somebody_connects_gets_no_token(scene: Scene, stranger: Stranger) -> None:
    back = await scene.agreed(await scene.begun())
    scene.execute("UPDATE servers SET url = ? WHERE id = ?", stranger.url, scene.server.id)
    await refused(scene, back, "moved to another address")


async def test_a_server_that_changes_its_authorization_server_gets_no_old_client_or_token(
    scene: Scene, stranger: Stranger
) -> None:
    server, page = await begin(scene, stranger)
    state = query_of(continue_at(page))["state"]
    assert (await scene.admin.get(callback(scene, state=state, code="x"))).status == 303
    stranger.says[RESOURCE]["authorization_servers"] = [scene.provider.issuer]
    registered = scene.provider.count("registered")
    page = await scene.admin.post(scene.path(server), {})
    assert query_of(continue_at(page))["client_id"] != "registered-here"
    assert scene.provider.count("registered") == registered + 1
    client = oauth.client_of(scene.control.engine, server.id, scene.control.state.master.sealer("upstream-tokens"))
    assert client is not None
    assert client.issuer == stranger.origin
