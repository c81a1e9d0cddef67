"""The keys of an authorization server: fetched again when it changes them, kept while it is away, never for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import ECKey, OKPKey, RSAKey

from toolgate.gateway.oauth import issuers
from toolgate.gateway.oauth.issuers import Issuer, KeysUnknown
from toolgate.gateway.oauth.jwt import BadToken, Token, check_signature, read

from .issuer import LocalIssuer

pytestmark = [
    pytest.mark.filterwarnings("ignore:Key size should be"),
    pytest.mark.filterwarnings("ignore:EdDSA is deprecated"),
]


@pytest.fixture
def local() -> Iterator[LocalIssuer]:
    running = LocalIssuer()
    yield running
    running.close()


def token(local: LocalIssuer, kid: str = "rsa", alg: str = "RS256") -> Token:
    return read(local.token(local.claims("x"), kid=kid, alg=alg))


async def test_a_new_key_is_fetched_when_a_token_names_it(local: LocalIssuer) -> None:
    issuer = Issuer(local.url, pause=0)
    check_signature(token(local), await issuer.key_of(token(local)))
    local.keys = {"new": RSAKey.generate_key(2048)}
    new = token(local, "new")
    check_signature(new, await issuer.key_of(new))


@pytest.mark.parametrize("alg", ["RS256", "PS256", "ES256", "EdDSA"])
async def test_every_algorithm_of_the_list_is_taken(local: LocalIssuer, alg: str) -> None:
    local.keys |= {"PS256": RSAKey.generate_key(2048), "ES256": ECKey.generate_key(), "EdDSA": OKPKey.generate_key()}
    issuer = Issuer(local.url, pause=0)
    kid = "rsa" if alg == "RS256" else alg
    signed, other = token(local, kid, alg), token(local, kid, alg)
    check_signature(signed, await issuer.key_of(signed))
    mixed = signed.text.rpartition(".")[0] + "." + other.text.rpartition(".")[2]
    with pytest.raises(BadToken, match="does not verify"):
        check_signature(read(mixed), await issuer.key_of(signed))


async def test_callers_that_wait_share_one_fetching(local: LocalIssuer) -> None:
    issuer = Issuer(local.url, pause=0)
    await asyncio.gather(*(issuer.key_of(token(local)) for _ in range(20)))
    assert local.asked == ["/.well-known/oauth-authorization-server", "/jwks"]


async def test_the_last_good_keys_hold_while_the_server_is_away(
    local: LocalIssuer, capsys: pytest.CaptureFixture[str]
) -> None:
    issuer = Issuer(local.url, pause=0)
    await issuer.key_of(token(local))
    local.down = True
    await issuer.refresh()
    await issuer.refresh()
    assert await issuer.key_of(token(local))
    assert capsys.readouterr().err.count("were not fetched") == 1


async def test_keys_that_nobody_confirmed_for_a_day_hold_no_more(
    local: LocalIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer = Issuer(local.url, pause=0)
    await issuer.key_of(token(local))
    local.down = True
    monkeypatch.setattr(issuers, "KEPT", 0.0)
    with pytest.raises(KeysUnknown):
        await issuer.key_of(token(local))


async def test_a_server_that_speaks_of_another_issuer_is_not_believed(local: LocalIssuer) -> None:
    issuer = Issuer(f"{local.url}/", pause=0)
    with pytest.raises(KeysUnknown):
        await issuer.key_of(token(local))


async def test_a_key_of_another_kind_never_verifies(local: LocalIssuer) -> None:
    local.keys["ec"] = ECKey.generate_key()
    issuer = Issuer(local.url, pause=0)
    mixed = Token(token(local).text, "RS256", "ec", {})
    with pytest.raises(BadToken, match="names no key"):
        await issuer.key_of(mixed)


async def test_a_token_without_a_key_id_needs_a_single_key(local: LocalIssuer) -> None:
    issuer = Issuer(local.url, pause=0)
    unnamed = read(local.token(local.claims("x"), kid="rsa", kidless=True).strip())
    nameless = Token(unnamed.text, "RS256", "", {})
    assert (await issuer.key_of(nameless)).kid == "rsa"
    local.keys["second"] = RSAKey.generate_key(2048)
    await issuer.refresh()
    with pytest.raises(BadToken, match="names no key"):
        await issuer.key_of(nameless)


async def test_short_rsa_keys_and_keys_for_encryption_are_left_out(local: LocalIssuer) -> None:
    local.keys = {
        "short": RSAKey.import_key(rsa.generate_private_key(65537, 1024)),
        "enc": RSAKey.generate_key(2048, {"use": "enc"}),
        "p384": ECKey.generate_key("P-384"),
    }
    issuer = Issuer(local.url, pause=0)
    for kid, alg in {"short": "RS256", "enc": "RS256", "p384": "ES256"}.items():
        with pytest.raises(KeysUnknown):
            await issuer.key_of(Token("", alg, kid, {}))
