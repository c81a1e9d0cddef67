"""Signing in at the operator's identity provider: authorization code with PKCE, bound to one browser, used once."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from authlib.oauth2.rfc7636 import create_s256_code_challenge  # type: ignore[import-untyped]
from joserfc import jws, jwt
from joserfc.errors import JoseError

from toolgate.control.identity.provider import Metadata, Provider, ProviderError
from toolgate.control.state import State
from toolgate.errors import ToolgateError
from toolgate.keys import SealBroken
from toolgate.store import members
from toolgate.store.entering import Identity, NoEntry
from toolgate.store.errors import BadInput
from toolgate.store.names import MAX_TEXT, escaped
from toolgate.store.roles import ROLES, Role, claimed

LIFE: Final = 600.0
"""Seconds that somebody has for signing in at the provider."""

_BINDING: Final = b"oidc attempt"
_SCOPE: Final = "openid email profile"
_LEEWAY: Final = 60
_AGE: Final = 600
"""Seconds since an id token was issued at most."""
# Signatures by private keys only: never `none`, never a secret that both sides know.
_ALGORITHMS: Final = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519",
]  # fmt: skip
_REGISTRY: Final = jws.JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)
_KEPT_AT_MOST: Final = 10_000


class Attempt(msgspec.Struct, frozen=True):
    """A sign-in under way, kept sealed in a cookie of the browser that began it. `member` as in `Vouched`."""

    state: str
    nonce: str
    verifier: str
    to: str
    expires: float
    member: str


@dataclass(slots=True, frozen=True)
class Vouched:
    """Whom the provider vouches for, the role that the operator's mapping gives, and where they wanted to go.

    `member` is the id of a member who wants this identity for theirs, "" for somebody who signs in.
    """

    identity: Identity
    role: Role | None
    to: str
    member: str


class Flow:
    """One for the process; remembers which attempts were used."""

    def __init__(self, state: State, provider: Provider) -> None:
        self.provider = provider
        self._sealer = state.master.sealer("sign-in attempt")
        self._mapping = [claimed("--oidc-role", text) for text in state.settings.oidc_roles]
        self._used: OrderedDict[str, float] = OrderedDict()

    async def begin(self, to: str, member: str = "") -> tuple[str, str]:
        """Where the browser goes, and the cookie it takes along. Raises ProviderError, OutboundError."""
        metadata = await self.provider.metadata()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        attempt = Attempt(state, nonce, verifier, to, time.time() + LIFE, member)
        sealed = self._sealer.seal(msgspec.json.encode(attempt), _BINDING)
        asked = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": self.provider.redirect_uri,
            "scope": _SCOPE,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": create_s256_code_challenge(attempt.verifier),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in metadata.authorization_endpoint else "?"
        url = f"{metadata.authorization_endpoint}{joint}{urlencode(asked)}"
        return url, base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    async def finish(self, cookie: str, answer: Mapping[str, str]) -> Vouched:
        """Take the answer of the provider, the query of the callback, once. Raises ToolgateError."""
        attempt = self._opened(cookie)
        if not hmac.compare_digest(answer.get("state", "").encode("utf-8", "replace"), attempt.state.encode()):
            raise _stray("was not begun in this browser")
        self._use_up(attempt)
        metadata = await self.provider.metadata()
        self._check_answer(metadata, answer)
        tokens = await self.provider.exchange(answer["code"], attempt.verifier)
        claims = await self._verified(tokens.id_token, attempt.nonce)
        if not claims.get("email") or not self._mapped(claims):
            told = await self.provider.userinfo(tokens.access_token)
            if told.get("sub") == claims["sub"]:
                claims = {**told, **claims}
        role = None if attempt.member else self._role(claims)
        return Vouched(self._identity(claims), role, attempt.to, attempt.member)

    def _opened(self, cookie: str) -> Attempt:
        try:
            sealed = base64.b64decode(cookie + "=" * (-len(cookie) % 4), altchars=b"-_", validate=True)
            attempt = msgspec.json.decode(self._sealer.open(sealed, _BINDING), type=Attempt)
        except (binascii.Error, ValueError, SealBroken, msgspec.DecodeError):
            raise _stray("was not begun in this browser") from None
        if attempt.expires < time.time():
            raise _stray("took longer than ten minutes")
        return attempt

    def _use_up(self, attempt: Attempt) -> None:
        """An attempt is good once: a second answer to it is a replay."""
        now = time.time()
        while self._used and (next(iter(self._used.values())) < now or len(self._used) > _KEPT_AT_MOST):
            self._used.popitem(last=False)
        if attempt.state in self._used:
            raise _stray("was answered before")
        self._used[attempt.state] = attempt.expires

    def _check_answer(self, metadata: Metadata, answer: Mapping[str, str]) -> None:
        """That it comes from this provider (RFC 9207), and holds a code."""
        said = answer.get("iss")
        wanted = metadata.authorization_response_iss_parameter_supported
        if (said is None and wanted) or (said is not None and said != self.provider.issuer):
            raise ProviderError("answer", "comes from another identity provider", "begin again")
        if "error" in answer:
            cause = f"did not sign you in: `{escaped(answer['error'][:80])}`"
            raise ProviderError(self.provider.name, cause, "begin again, or ask who runs it")
        if not answer.get("code"):
            raise ProviderError("answer", "holds no code", "begin again")

    async def _verified(self, id_token: str, nonce: str) -> dict[str, Any]:
        """The claims of an id token (OpenID Connect Core 1.0, section 3.1.3.7). Raises ProviderError."""
        try:
            header = jws.extract_compact(id_token.encode()).headers()
            key = await self.provider.key(str(header.get("kid", "")))
            claims = jwt.decode(id_token, key, algorithms=_ALGORITHMS, registry=_REGISTRY).claims
        except (JoseError, ValueError, TypeError) as error:
            raise ProviderError("id token", f"is not to be believed: {type(error).__name__}") from None
        wrong = self._fault(header, claims, nonce)
        if wrong:
            raise ProviderError("id token", wrong, "begin again; if that does not help, check the provider")
        return claims

    def _fault(self, header: Mapping[str, Any], claims: Mapping[str, Any], nonce: str) -> str:
        """What is wrong with an id token whose signature is right; "" for nothing."""
        us, now = self.provider.client_id, time.time()
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        issued, expires, subject = _moment(claims.get("iat")), _moment(claims.get("exp")), claims.get("sub")
        faults = {
            "is of another kind": str(header.get("typ", "JWT")).upper() != "JWT",
            "is of another issuer": claims.get("iss") != self.provider.issuer,
            "is for another client": us not in audiences,
            "was given to another client": claims.get("azp", us if len(audiences) == 1 else None) != us,
            "has expired": expires < now - _LEEWAY,
            "was issued at another time": not now - _AGE < issued < now + _LEEWAY,
            "answers another sign-in": claims.get("nonce") != nonce,
            "names nobody": not isinstance(subject, str) or not subject.isascii() or not 0 < len(subject) <= 255,
        }
        return next((fault for fault, is_so in faults.items() if is_so), "")

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        """An e-mail counts only if the provider says that it is verified: anybody may type one."""
        email, verified = claims.get("email"), claims.get("email_verified")
        kept = ""
        if isinstance(email, str) and (verified is True or verified == "true"):
            try:
                kept = members.check_email("email", email)
            except BadInput:
                kept = ""
        name = claims.get("name")
        shown = " ".join(name.split())[:MAX_TEXT].strip() if isinstance(name, str) and name.isprintable() else ""
        return Identity(self.provider.issuer, claims["sub"], kept, shown)

    def _mapped(self, claims: Mapping[str, Any]) -> bool:
        return not self._mapping or any(one.claim in claims for one in self._mapping)

    def _role(self, claims: Mapping[str, Any]) -> Role | None:
        """The highest role that the operator's mapping gives; None without a mapping. Raises NoEntry."""
        if not self._mapping:
            return None
        given = [one.role for one in self._mapping if one.holds(claims)]
        if not given:
            raise NoEntry("account", "has no role here", "whoever runs the identity provider can give you one")
        return max(given, key=ROLES.index)


def _moment(value: object) -> float:
    """Seconds since 1970; long ago for what is no number."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0


def _stray(cause: str) -> ToolgateError:
    return ProviderError("sign-in", cause, "begin again")
