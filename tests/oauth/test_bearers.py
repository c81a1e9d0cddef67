"""Access tokens of an authorization server at a real gateway: who gets in, as which grant, and until when."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import RSAKey
from tests.gateway.running import ALLOW_ALL, Answer, Gateway, Grant, Received, Recorder

from toolgate.gateway.oauth.resource import ProtectedResource
from toolgate.store import grants

from .issuer import LocalIssuer

pytestmark = pytest.mark.slow


def granted(gateway: Gateway, recorder: Recorder, issuer: LocalIssuer, **claims: object) -> Grant:
    """A grant for whoever signs in as somebody that no other test signs in as."""
    wanted = {"iss": issuer.url, "sub": gateway.name("sub"), **claims}
    return gateway.grant(gateway.add_server(recorder.url), ALLOW_ALL, claims=wanted)


def claims_of(grant: Grant) -> dict[str, Any]:
    found = grants.get(grant.gateway.engine, grant.id, time.time())
    return dict(found.claims)


def held(grant: Grant, issuer: LocalIssuer, **more: Any) -> Grant:
    """The grant as the holder of an access token uses it."""
    return replace(grant, token=issuer.token(issuer.claims(grant.url, **{**claims_of(grant), **more})))


@pytest.fixture
def grant(gateway: Gateway, recorder: Recorder, issuer: LocalIssuer) -> Grant:
    return granted(gateway, recorder, issuer)


async def refusal(grant: Grant, token: str) -> Answer:
    """The answer to a token that is not valid; of many such tokens a network is told that they were too many."""
    answer = await replace(grant, token=token).call("run")
    assert answer.status in {401, 429}, answer
    return answer


# --- who gets in


async def test_a_token_leads_to_the_one_grant_that_is_for_it(grant: Grant, issuer: LocalIssuer) -> None:
    holder = held(grant, issuer)
    assert (await holder.call("run")).status == 200
    assert (await holder.call("run")).status == 200
    assert [decision.grant_id for decision in grant.decisions()] == [grant.id] * 2


async def test_the_own_token_of_the_grant_holds_beside_it(grant: Grant) -> None:
    assert (await grant.call("run")).status == 200


async def test_the_token_never_goes_to_the_server(grant: Grant, issuer: LocalIssuer, recorder: Recorder) -> None:
    await held(grant, issuer).call("run")
    assert recorder.calls[-1].header("authorization") is None


async def test_a_grant_may_ask_for_one_of_several_values(
    gateway: Gateway, recorder: Recorder, issuer: LocalIssuer
) -> None:
    grant = granted(gateway, recorder, issuer, groups="deployers", scope="tools:use")
    inside = held(grant, issuer, groups=["readers", "deployers"], scope="openid tools:use")
    assert (await inside.call("run")).status == 200
    for less in ({"groups": ["readers"]}, {"groups": None}, {"scope": "tools:user"}, {"groups": ["Deployers"]}):
        more = {"groups": ["deployers"], "scope": "tools:use", **less}
        assert (await held(grant, issuer, **more).call("run")).status == 403


async def test_claims_that_fit_no_grant_are_403_and_not_an_invitation_to_sign_in(
    grant: Grant, issuer: LocalIssuer, recorder: Recorder
) -> None:
    answer = await held(grant, issuer, sub="somebody else").call("run")
    assert answer.status == 403
    assert "www-authenticate" not in answer.headers
    assert recorder.calls == []


async def test_claims_that_fit_two_grants_open_neither(grant: Grant, issuer: LocalIssuer, recorder: Recorder) -> None:
    holder = held(grant, issuer)
    assert (await holder.call("run")).status == 200
    grant.gateway.grant(grant.server, ALLOW_ALL, claims=claims_of(grant))
    answer = await holder.call("run")
    assert (answer.status, "several grants" in answer.json["error"]["message"]) == (403, True)
    assert len(recorder.calls) == 1


async def test_a_token_for_one_server_opens_no_other(
    gateway: Gateway, recorder: Recorder, issuer: LocalIssuer, grant: Grant
) -> None:
    other = granted(gateway, recorder, issuer, sub=claims_of(grant)["sub"])
    await refusal(other, held(grant, issuer).token)


# --- until when


async def test_a_revoked_grant_refuses_its_access_tokens_at_once(grant: Grant, issuer: LocalIssuer) -> None:
    holder = held(grant, issuer)
    assert (await holder.call("run")).status == 200
    grants.revoke(grant.gateway.engine, "test", grant.id)
    grant.gateway.settle()
    assert (await holder.call("run")).status == 403


async def test_other_claims_put_the_holder_out_and_let_the_next_one_in(grant: Grant, issuer: LocalIssuer) -> None:
    before = held(grant, issuer)
    assert (await before.call("run")).status == 200
    grants.claim(grant.gateway.engine, "test", grant.id, {"iss": issuer.url, "sub": "the next one"})
    grant.gateway.settle()
    assert (await before.call("run")).status == 403
    assert (await held(grant, issuer).call("run")).status == 200


class Streaming:
    """A server that opens a stream and leaves it open."""

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        await asyncio.Event().wait()


async def _ends(holder: Grant, act: Any = None) -> None:
    """Return when the open stream of this holder has ended; `act` is what is done once it is open."""
    async with (
        aiohttp.ClientSession() as client,
        client.get(holder.url, headers=holder.headers()) as response,
        asyncio.timeout(20),
    ):
        assert response.status == 200
        if act is not None:
            act()
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.content.read()


async def test_a_stream_ends_with_the_token_that_opened_it(
    grant: Grant, issuer: LocalIssuer, recorder: Recorder
) -> None:
    recorder.reply = Streaming()
    await _ends(held(grant, issuer, exp=int(time.time()) - 58))


async def test_a_stream_ends_with_the_grant(grant: Grant, issuer: LocalIssuer, recorder: Recorder) -> None:
    recorder.reply = Streaming()

    def revoke() -> None:
        grants.revoke(grant.gateway.engine, "test", grant.id)
        grant.gateway.settle()

    await _ends(held(grant, issuer), revoke)


# --- what a client is told


@pytest.mark.parametrize("end", ["/", ""])
async def test_the_metadata_names_the_endpoint_as_it_was_asked_for(grant: Grant, issuer: LocalIssuer, end: str) -> None:
    base = f"http://127.0.0.1:{grant.gateway.port}"
    path = f"/mcp/{grant.server}{end}"
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{base}/.well-known/oauth-protected-resource{path}") as response,
    ):
        assert (response.status, await response.json()) == (
            200,
            {
                "resource": base + path,
                "authorization_servers": [issuer.url],
                "bearer_methods_supported": ["header"],
            },
        )


async def test_nobody_learns_from_the_metadata_which_servers_there_are(gateway: Gateway) -> None:
    base = f"http://127.0.0.1:{gateway.port}/.well-known/oauth-protected-resource"
    async with aiohttp.ClientSession() as client:
        for path, status in {
            "/mcp/00000000-0000-4000-8000-000000000000/": 200,
            "/mcp/x/": 404,
            "": 404,
            "/mcp/00000000-0000-4000-8000-000000000000/?x=1": 400,
        }.items():
            async with client.get(base + path) as response:
                assert response.status == status, path


async def test_a_refusal_says_where_the_metadata_is(grant: Grant) -> None:
    where = f"http://127.0.0.1:{grant.gateway.port}/.well-known/oauth-protected-resource/mcp/{grant.server}/"
    resource = ProtectedResource(lambda: f"http://127.0.0.1:{grant.gateway.port}", [])
    path = f"/mcp/{grant.server}/"
    assert resource.challenge(path, invalid=False)[1].decode() == f'Bearer resource_metadata="{where}"'
    assert resource.challenge('/mcp/"' + "x" * 35, invalid=True)[1] == b"Bearer"
    answer = await refusal(grant, "tg_wrong")
    if answer.status == 401:
        assert answer.headers["www-authenticate"] == f'Bearer resource_metadata="{where}", error="invalid_token"'


# --- attacks


def _mangled(token: str, **header: Any) -> str:
    """The token with other members in its header; the signature stays."""
    head, rest = token.split(".", 1)
    said = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4))) | header
    return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode() + "." + rest


async def test_alg_none_is_refused(grant: Grant, issuer: LocalIssuer, recorder: Recorder) -> None:
    unsigned = _mangled(held(grant, issuer).token, alg="none").rpartition(".")[0] + "."
    await refusal(grant, unsigned)
    await refusal(grant, _mangled(held(grant, issuer).token, alg="None"))
    assert recorder.calls == []


async def test_hs256_with_the_public_key_as_secret_is_refused(grant: Grant, issuer: LocalIssuer) -> None:
    public = issuer.keys["rsa"]
    assert isinstance(public, RSAKey)
    pem = public.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = issuer.claims(grant.url, **claims_of(grant))
    for kid, secret in {"rsa": pem, "oct": b"secret"}.items():
        signed = _mangled(issuer.token(claims), alg="HS256", kid=kid).rpartition(".")[0]
        mac = hmac.digest(secret, signed.encode(), "sha256")
        token = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        await refusal(grant, token)


async def test_a_token_for_another_resource_is_refused(grant: Grant, issuer: LocalIssuer) -> None:
    """Token passthrough: what was issued for someone else must not work here."""
    audiences: list[Any] = ["https://other.example/mcp", grant.url + "x", grant.server, None, ["a", "b"], 7, {}]
    for audience in audiences:
        await refusal(grant, held(grant, issuer, aud=audience).token)


async def test_a_token_of_another_issuer_is_refused(grant: Grant, issuer: LocalIssuer) -> None:
    for iss in ("https://evil.example", issuer.url + "/", None, [issuer.url]):
        await refusal(grant, held(grant, issuer, iss=iss).token)


async def test_a_token_that_another_key_signed_is_refused(grant: Grant, issuer: LocalIssuer) -> None:
    claims = issuer.claims(grant.url, **claims_of(grant))
    await refusal(grant, issuer.token(claims, key=RSAKey.generate_key(2048)))


async def test_an_expired_token_and_one_without_an_end_are_refused(grant: Grant, issuer: LocalIssuer) -> None:
    now = int(time.time())
    for exp in (now - 61, None, "tomorrow", True, [now + 60], 10**400, 2**60, 1e300):
        await refusal(grant, held(grant, issuer, exp=exp).token)


async def test_a_token_of_the_future_is_refused(grant: Grant, issuer: LocalIssuer) -> None:
    later = int(time.time()) + 120
    await refusal(grant, held(grant, issuer, nbf=later).token)
    await refusal(grant, held(grant, issuer, iat=later).token)
    assert (await held(grant, issuer, nbf=int(time.time()) + 30).call("run")).status == 200


async def test_a_flood_of_unknown_key_ids_asks_the_issuer_hardly_ever(grant: Grant, issuer: LocalIssuer) -> None:
    claims = issuer.claims(grant.url, **claims_of(grant))
    before = len(issuer.asked)
    tokens = [_mangled(issuer.token(claims), kid=f"unknown-{number}") for number in range(40)]
    answers = await asyncio.gather(*(replace(grant, token=token).call("run") for token in tokens))
    assert {answer.status for answer in answers} <= {401, 429}
    assert len(issuer.asked) - before <= 2, "metadata and keys, once"
    assert (await held(grant, issuer).call("run")).status == 200, "the others are served"


async def test_keys_that_the_token_brings_are_ignored(grant: Grant, issuer: LocalIssuer) -> None:
    own = RSAKey.generate_key(2048)
    claims = issuer.claims(grant.url, **claims_of(grant))
    before = len(issuer.asked)
    for header in (
        {"jku": f"{issuer.url}/evil"},
        {"x5u": f"{issuer.url}/evil"},
        {"jwk": own.as_dict(private=False)},
    ):
        await refusal(grant, issuer.token(claims, key=own, **header))
        assert (await replace(grant, token=issuer.token(claims, **header)).call("run")).status == 200
    assert "/evil" not in issuer.asked[before:]


async def test_a_huge_token_is_refused_unread(grant: Grant, issuer: LocalIssuer) -> None:
    await refusal(grant, held(grant, issuer, padding="x" * 9000).token)


async def test_critical_headers_are_refused(grant: Grant, issuer: LocalIssuer) -> None:
    token = held(grant, issuer).token
    headers: list[dict[str, Any]] = [{"crit": ["exp"], "exp": 1}, {"crit": []}, {"b64": False}]
    for header in headers:
        await refusal(grant, _mangled(token, **header))


async def test_a_token_that_two_readers_may_read_differently_is_refused(grant: Grant, issuer: LocalIssuer) -> None:
    said = json.dumps(issuer.claims(grant.url, **claims_of(grant)))[:-1]
    for twin in (f'{said}, "sub": "root"}}', f'{said}, "Sub": "root"}}', f"{said}}} ", f"[{said}}}]", "7"):
        token = issuer.token(twin.encode())
        if twin.endswith(" "):
            assert (await replace(grant, token=token).call("run")).status == 200
        else:
            await refusal(grant, token)


async def test_an_id_token_is_no_access_token(grant: Grant, issuer: LocalIssuer) -> None:
    token = issuer.token(issuer.claims(grant.url, **claims_of(grant)), typ="id_token+jwt")
    await refusal(grant, token)


async def test_another_spelling_of_a_token_is_another_token(grant: Grant, issuer: LocalIssuer) -> None:
    token = held(grant, issuer).token
    assert (await replace(grant, token=token).call("run")).status == 200
    for other in (token + "=", token + ".", token.replace(".", "..", 1), token[:-1] + "é"):
        await refusal(grant, other)


async def test_a_token_in_the_url_is_refused(grant: Grant, issuer: LocalIssuer, recorder: Recorder) -> None:
    token = held(grant, issuer).token
    async with (
        aiohttp.ClientSession() as client,
        client.post(f"{grant.url}?access_token={token}", json={}) as response,
    ):
        assert response.status == 400
    assert recorder.calls == []
