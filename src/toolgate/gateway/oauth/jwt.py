"""Access tokens that are JWTs (RFC 9068): read strictly, verified with keys that are known already, never with what the
token itself brings.

Members of the header that name or hold a key (`jku`, `x5u`, `jwk`, `x5c`) are not looked at; `crit` is refused, because
nothing critical is understood (RFC 8725, section 3).
"""

from __future__ import annotations

import base64
import binascii
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jiter import LosslessFloat
from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from toolgate.errors import ToolgateError
from toolgate.protocol import strict_json
from toolgate.protocol.malformed import Malformed

ALGORITHMS: Final = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
"""What a token may be signed with, and the type of the key for it: nothing with a shared secret, and never `none`."""
LEEWAY: Final = 60.0
"""Seconds that the clocks of two machines may differ."""
MAX_TOKEN: Final = 8192
_MAX_KID: Final = 256
_FAR: Final = 2**40
"""Seconds since 1970 that no honest token speaks of: clocks and timers need not hold more."""
_TYPES: Final = frozenset({"", "jwt", "at+jwt", "application/at+jwt"})
_CURVES: Final = {"EC": "P-256", "OKP": "Ed25519"}
_LEAST_RSA: Final = 2048


class _Registry(jws.JWSRegistry):
    """Bounded by the length of the whole token, which is checked before: certificates in a header are long."""

    max_header_length = max_payload_length = MAX_TOKEN


_REGISTRY: Final = _Registry(algorithms=list(ALGORITHMS), strict_check_header=False)
# RFC 9864 has a new name for EdDSA, which no authorization server writes yet; the old one is no less safe here.
warnings.filterwarnings("ignore", "EdDSA is deprecated", SecurityWarning)


class BadToken(ToolgateError):
    """The access token is not valid here. `cause` says why, and repeats nothing of it."""

    def __init__(self, cause: str) -> None:
        super().__init__("access token", cause, "sign in again")


@dataclass(slots=True, frozen=True)
class Key:
    """One public key of an authorization server."""

    kid: str
    kty: str
    alg: str
    public: RSAKey | ECKey | OKPKey


@dataclass(slots=True, frozen=True)
class Token:
    """What a token says; nothing of it is true before `check_signature`."""

    text: str
    alg: str
    kid: str
    claims: Mapping[str, Any]


def is_jwt(text: str) -> bool:
    """Whether this has the form of a JWT; tokens of grants never have it."""
    return text.count(".") == 2 and text.startswith("ey")


def read(text: str) -> Token:
    """Take the token apart. Raises BadToken."""
    if len(text) > MAX_TOKEN:
        raise BadToken("is too long")
    head, body, _signature = (_part(part) for part in text.split("."))
    header, claims = _object(head), _object(body)
    alg, kid, kind = header.get("alg"), header.get("kid", ""), header.get("typ", "")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise BadToken("is not signed with an algorithm that is accepted")
    if "crit" in header or "b64" in header:
        raise BadToken("has critical headers, which are not understood")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise BadToken("is not an access token")
    if not isinstance(kid, str) or len(kid) > _MAX_KID:
        raise BadToken("has no usable key id")
    return Token(text, alg, kid, claims)


def check_signature(token: Token, key: Key) -> None:
    """Raises BadToken unless this key signed it."""
    try:
        jws.deserialize_compact(token.text, key.public, algorithms=[token.alg], registry=_REGISTRY)
    except (JoseError, ValueError):
        raise BadToken("has a signature that does not verify") from None


def check_claims(claims: Mapping[str, Any], audiences: Collection[str], now: float) -> float:
    """When the token ends, in epoch seconds with the leeway. Raises BadToken: it is for others, over, or to come."""
    said = claims.get("aud")
    aimed = said if isinstance(said, list) else [said]
    if not any(isinstance(one, str) and one in audiences for one in aimed):
        raise BadToken("was issued for another resource")
    until = _moment(claims, "exp") + LEEWAY
    if until <= now:
        raise BadToken("is expired")
    for name in ("nbf", "iat"):
        if name in claims and _moment(claims, name) - LEEWAY > now:
            raise BadToken("is not valid yet")
    return until


def keys_of(document: object) -> tuple[Key, ...]:
    """The keys of a JWK Set that may verify a token; every other key in it is left out."""
    listed = document.get("keys") if isinstance(document, dict) else None
    found = (_key(one) for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()
    return tuple(key for key in found if key is not None)


def _key(said: dict[str, Any]) -> Key | None:
    kty, kid, alg = (str(said.get(name, "")) for name in ("kty", "kid", "alg"))
    if kty not in ALGORITHMS.values() or said.get("use", "sig") != "sig":
        return None
    if (alg and ALGORITHMS.get(alg) != kty) or said.get("crv", "") != _CURVES.get(kty, ""):
        return None
    public = {name: value for name, value in said.items() if name in {"kty", "n", "e", "crv", "x", "y"}}
    try:
        key = import_key(public)
    except (JoseError, ValueError, TypeError):
        return None
    if isinstance(key, RSAKey) and key.public_key.key_size < _LEAST_RSA:
        return None
    return Key(kid, kty, alg, key) if isinstance(key, RSAKey | ECKey | OKPKey) else None


def _part(text: str) -> bytes:
    """One part, in the only spelling that base64url has for it."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadToken("is not a JWT") from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii") != text:
        raise BadToken("is not a JWT")
    return raw


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = strict_json.read(raw)
    except Malformed:
        raise BadToken("is not a JWT") from None
    if not isinstance(value, dict):
        raise BadToken("is not a JWT")
    return value


def _moment(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    value = float(value) if isinstance(value, LosslessFloat) else value
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _FAR:
        raise BadToken(f"has no usable `{name}`")
    return float(value)
