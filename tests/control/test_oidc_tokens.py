"""What a dishonest or broken identity provider may say, and that nobody gets in by it."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey
from tests.control.running import Answer, Control
from tests.gateway.running import free_port

from toolgate.control.identity.cookies import SESSION
from toolgate.store import members
from toolgate.store.members import Terms

KEY = RSAKey.generate_key(2048, {"kid": "one"})
OTHER = RSAKey.generate_key(2048, {"kid": "one"})
CURVE = ECKey.generate_key("P-256", {"kid": "curve"})


class Dishonest:
    """A provider over HTTP that says whatever the test wants it to say."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.metadata: dict[str, Any] = {}
        self.id_token = ""
        self.userinfo: dict[str, Any] = {}
        self.asked_for_keys = 0
        self.asked = 0

    async def discovery(self, _request: web.Request) -> web.Response:
        self.asked += 1
        honest = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        }
        return web.json_response({**honest, **self.metadata})

    async def keys(self, _request: web.Request) -> web.Response:
        self.asked_for_keys += 1
        strange = {"kty": "oct", "kid": "shared", "k": base64.urlsafe_b64encode(b"s" * 32).decode()}
        published = [KEY.as_dict(private=False), CURVE.as_dict(private=False), strange, {"kty": "XYZ", "kid": "x"}]
        return web.json_response({"keys": published})

    async def token(self, _request: web.Request) -> web.Response:
        return web.json_response({"id_token": self.id_token, "access_token": "a", "token_type": "Bearer"})

    async def person(self, _request: web.Request) -> web.Response:
        return web.json_response(self.userinfo)


@asynccontextmanager
async def dishonest(tmp_path: Path) -> AsyncIterator[tuple[Control, Dishonest]]:
    port = free_port()
    provider = Dishonest(f"http://127.0.0.1:{port}")
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider.discovery)
    app.router.add_get("/keys", provider.keys)
    app.router.add_post("/token", provider.token)
    app.router.add_get("/userinfo", provider.person)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        settings = {"oidc_issuer": provider.issuer, "oidc_client_id": "toolgate"}
        async with Control.running(tmp_path / "data", **settings) as control:
            members.invite(control.engine, "test", "ada@example.com", Terms("Ada", "viewer"))
            yield control, provider
    finally:
        await runner.cleanup()


def signed(claims: dict[str, Any], header: dict[str, Any] | None = None, key: Any = KEY) -> str:
    chosen = {"alg": "RS256", "kid": "one", **(header or {})}
    return jws.serialize_compact(chosen, json.dumps(claims).encode(), key, algorithms=[chosen["alg"]])


def by_hand(header: dict[str, Any], claims: dict[str, Any], secret: bytes | None = None) -> str:
    """What no library signs: without a signature, or with a secret that is none."""
    parts = b".".join(base64.urlsafe_b64encode(json.dumps(it).encode()).rstrip(b"=") for it in (header, claims))
    signature = b"" if secret is None else base64.urlsafe_b64encode(hmac.digest(secret, parts, "sha256")).rstrip(b"=")
    return f"{parts.decode()}.{signature.decode()}"


async def answer_with(control: Control, provider: Dishonest, make: Any) -> tuple[Answer, str]:
    """A whole walk, in which the provider hands out the token that `make` makes of honest claims."""
    browser = await control.browser()
    begun = await browser.get("/sign-in/oidc")
    assert begun.status == 303, begun.text
    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun.location).query).items()}
    now = int(time.time())
    honest = {
        "iss": provider.issuer, "aud": "toolgate", "sub": "ada", "nonce": asked["nonce"], "iat": now, "exp": now + 300,
        "email": "ada@example.com", "email_verified": True,
    }  # fmt: skip
    provider.id_token = make(honest)
    answer = await browser.get(f"/sign-in/oidc/callback?code=c&state={asked['state']}")
    return answer, browser.cookie(SESSION)


@pytest.mark.slow
async def test_no_token_that_is_not_to_be_believed_signs_anybody_in(tmp_path: Path) -> None:
    now = int(time.time())
    public = KEY.as_pem(private=False)
    forged: dict[str, Any] = {
        "no signature": lambda it: by_hand({"alg": "none", "kid": "one"}, it),
        "a shared secret": lambda it: signed(it, {"alg": "HS256", "kid": "shared"}, OctKey.import_key(b"s" * 32)),
        "the public key as a secret": lambda it: by_hand({"alg": "HS256", "kid": "one"}, it, public),
        "another key with the same id": lambda it: signed(it, key=OTHER),
        "a key that is not published": lambda it: signed(it, {"kid": "two"}),
        "a key of another kind": lambda it: signed(it, {"kid": "curve"}),
        "no id where there are several keys": lambda it: signed(it, {"kid": ""}),
        "another issuer": lambda it: signed({**it, "iss": "https://evil.example"}),
        "another client": lambda it: signed({**it, "aud": "other"}),
        "several clients, not given to us": lambda it: signed({**it, "aud": ["toolgate", "other"]}),
        "given to another client": lambda it: signed({**it, "azp": "other"}),
        "expired": lambda it: signed({**it, "exp": now - 120}),
        "no end": lambda it: signed({name: value for name, value in it.items() if name != "exp"}),
        "an end in words": lambda it: signed({**it, "exp": "tomorrow"}),
        "issued long ago": lambda it: signed({**it, "iat": now - 3600}),
        "issued in the future": lambda it: signed({**it, "iat": now + 3600}),
        "another nonce": lambda it: signed({**it, "nonce": "other"}),
        "no nonce": lambda it: signed({**it, "nonce": None}),
        "half a character as nonce": lambda it: signed({**it, "nonce": "\ud800"}),
        "half a character as a person": lambda it: signed({**it, "sub": "\ud800"}),
        "nobody": lambda it: signed({**it, "sub": ""}),
        "an access token": lambda it: signed(it, {"typ": "at+jwt"}),
        "a critical header": with_critical,
        "no token": lambda _: "",
        "rubbish": lambda _: "a.b.c",
        "a list of claims": lambda _: signed_list(),
    }
    async with dishonest(tmp_path) as (control, provider):
        for what, make in forged.items():
            answer, session = await answer_with(control, provider, make)
            assert (answer.status, session) == (400, ""), what
        assert members.get(control.engine, "ada@example.com").enters == "invited"
        assert provider.asked_for_keys == 1  # an unknown key does not make us ask again and again
        answer, session = await answer_with(control, provider, lambda it: signed({**it, "aud": ["toolgate"]}))
        assert (answer.status, session != "") == (303, True), answer.text
        curve = {"alg": "ES256", "kid": "curve"}
        answer, session = await answer_with(control, provider, lambda it: signed(it, curve, CURVE))
        assert (answer.status, session != "") == (303, True), answer.text


def with_critical(claims: dict[str, Any]) -> str:
    head, body, signature = signed(claims).split(".")
    header = {**json.loads(base64.urlsafe_b64decode(head + "==")), "crit": ["x"], "x": 1}
    return f"{base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip('=')}.{body}.{signature}"


def signed_list() -> str:
    return jws.serialize_compact({"alg": "RS256", "kid": "one"}, b"[1]", KEY)


@pytest.mark.slow
async def test_what_the_provider_says_elsewhere_is_about_the_same_person(tmp_path: Path) -> None:
    """The e-mail of the userinfo endpoint counts only for the subject of the id token."""
    async with dishonest(tmp_path) as (control, provider):

        def bare(honest: dict[str, Any]) -> str:
            return signed({name: value for name, value in honest.items() if not name.startswith("email")})

        provider.userinfo = {"sub": "eve", "email": "ada@example.com", "email_verified": True}
        answer, session = await answer_with(control, provider, bare)
        assert (answer.status, session) == (403, "")
        for unverified in (False, "false", None, 1, "yes"):
            provider.userinfo = {"sub": "ada", "email": "ada@example.com", "email_verified": unverified}
            answer, session = await answer_with(control, provider, bare)
            assert (answer.status, session) == (403, ""), unverified
        provider.userinfo = {"sub": "ada", "email": "ADA@example.com", "email_verified": True, "iss": "x", "nonce": "x"}
        answer, session = await answer_with(control, provider, bare)
        assert (answer.status, session != "") == (303, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"issuer": "https://evil.example"}, "says that it is `https://evil.example`"),
        ({"token_endpoint": "file:///etc/passwd"}, "names no usable token_endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "names no usable authorization_endpoint"),
        ({"jwks_uri": 7}, "in no form that can be read"),
        ({"authorization_endpoint": None}, "in no form that can be read"),
    ],
)
async def test_metadata_that_are_not_of_this_issuer_lead_nowhere(tmp_path: Path, metadata: Any, said: str) -> None:
    async with dishonest(tmp_path) as (control, provider):
        provider.metadata = metadata
        answer = await (await control.browser()).get("/sign-in/oidc")
        assert answer.status == 502
        assert said in answer.text


@pytest.mark.slow
async def test_strangers_cannot_make_us_ask_the_provider_without_end(tmp_path: Path) -> None:
    """A provider that fails rests for a moment, and answers that are none are throttled by address."""
    async with dishonest(tmp_path) as (control, provider):
        provider.metadata = {"issuer": "https://evil.example"}
        for _ in range(5):
            assert (await (await control.browser()).get("/sign-in/oidc")).status == 502
        assert provider.asked == 1
    async with dishonest(tmp_path / "other") as (control, provider):
        browser = await control.browser()
        statuses = [(await browser.get("/sign-in/oidc/callback?code=c&state=s")).status for _ in range(31)]
        assert statuses == [400] * 30 + [429]
