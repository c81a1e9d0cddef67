"""The master key with those that it replaced, what is derived from them, and the tokens of grants."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import threading
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from toolgate.errors import ToolgateError
from toolgate.keyfiles import KEY_BYTES, KEY_FILE_VARIABLE, KeyFiles

TOKEN_PATTERN = r"tg_[0-9A-Za-z]{43}[0-9A-Za-z]{6}"  # noqa: S105 - the form of tokens, for secret scanners
"""`tg_`, 256 random bits as 43 base62 digits, and the CRC-32 of those 46 characters as 6 base62 digits."""
API_TOKEN_PREFIX = "tgt_"  # noqa: S105 - what tokens of the REST API begin with, in place of `tg_`

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TOKEN = re.compile(TOKEN_PATTERN)
_API_TOKEN = re.compile(TOKEN_PATTERN.replace("tg_", API_TOKEN_PREFIX))
_KEY_ID = 8
_NONCE = 12
_HKDF_INFO = b"toolgate 1 "


class SealBroken(ToolgateError):
    """Sealed bytes that this key did not seal, for this binding, or that were changed since."""


class Sealer:
    """AES-256-GCM under the subkey of one purpose. A sealed record is: key id, nonce, ciphertext with its tag.

    The key id (8 bytes) chooses the key when opening, so records sealed under an earlier key stay readable when
    that key is given as `earlier`. One sealer may seal 2**32 records (random nonces, NIST SP 800-38D). Any thread may
    use it.
    """

    def __init__(self, key_id: bytes, key: bytes, earlier: Mapping[bytes, bytes] | None = None) -> None:
        self.take(key_id, {**(earlier or {}), key_id: key})

    def take(self, key_id: bytes, keys: Mapping[bytes, bytes]) -> None:
        """Seal with the key of this id from now on, and open with all of `keys`."""
        self._with = key_id, {name: AESGCM(secret) for name, secret in keys.items()}

    def seal(self, plain: bytes, binding: bytes) -> bytes:
        """Encrypt and authenticate; `binding` names the place of the record and must be given again to open it."""
        key_id, ciphers = self._with
        nonce = os.urandom(_NONCE)
        return key_id + nonce + ciphers[key_id].encrypt(nonce, plain, key_id + binding)

    def open(self, sealed: bytes, binding: bytes) -> bytes:
        """Give the plain bytes; raises SealBroken."""
        key_id, nonce, rest = sealed[:_KEY_ID], sealed[_KEY_ID : _KEY_ID + _NONCE], sealed[_KEY_ID + _NONCE :]
        cipher = self._with[1].get(key_id)
        if cipher is None:
            raise SealBroken("sealed record", f"was sealed under another key (`{key_id.hex()}`)", "restore that key")
        try:
            return cipher.decrypt(nonce, rest, key_id + binding)
        except (InvalidTag, ValueError):
            raise SealBroken("sealed record", "was changed or belongs elsewhere") from None


class Key:
    """One secret; each purpose gets a subkey of its own (HKDF-SHA256)."""

    __slots__ = ("_secret", "_subkeys", "id")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ToolgateError("master key", f"has {len(secret)} bytes in place of {KEY_BYTES}", "restore the key")
        self._secret = secret
        self._subkeys: dict[str, bytes] = {}
        self.id = self.subkey("id")[:_KEY_ID].hex()

    def subkey(self, purpose: str) -> bytes:
        """32 bytes for one purpose; subkeys tell nothing about each other."""
        key = self._subkeys.get(purpose)
        if key is None:
            key = HKDF(SHA256(), KEY_BYTES, salt=None, info=_HKDF_INFO + purpose.encode()).derive(self._secret)
            self._subkeys[purpose] = key
        return key

    def digest(self, purpose: str, data: bytes) -> bytes:
        """HMAC-SHA256 under the subkey of `purpose`."""
        return hmac.digest(self.subkey(f"digest {purpose}"), data, "sha256")

    def signer(self) -> Ed25519PrivateKey:
        """The key that signs the journal's checkpoints."""
        return Ed25519PrivateKey.from_private_bytes(self.subkey("journal"))


class MasterKey:
    """The one secret of an installation: the key in use, with those that it replaced and the one that may be coming.

    Everything is sealed, digested and signed with the key in use, and opened and recognised with each of them. `reload`
    takes over what a rotation did to the files; sealers and followers change with it. Any thread may use it.
    """

    def __init__(self, secret: bytes, *, coming: bytes | None = None, earlier: Iterable[bytes] = ()) -> None:
        self._files: KeyFiles | None = None
        self._sealers: dict[str, Sealer] = {}
        self._followers: list[Callable[[], None]] = []
        self._changing = threading.Lock()
        self._take(secret, coming, earlier)

    @classmethod
    def load(cls, data: Path) -> MasterKey:
        """Read the file that TOOLGATE_MASTER_KEY_FILE names, else `master.key` in `data`, made on first start.

        The file holds 32 raw bytes and is open to its owner alone; anything else is refused.
        """
        files = KeyFiles.of(data)
        if not os.environ.get(KEY_FILE_VARIABLE):
            files.make()
        read = files.read()
        key = cls(read.current, coming=read.coming, earlier=read.earlier)
        key._files = files
        return key

    def reload(self) -> None:
        """Read the files again. Raises ToolgateError, and then everything stays as it was."""
        if self._files is None:
            return
        read = self._files.read()
        with self._changing:
            self._take(read.current, read.coming, read.earlier)
            for sealer in self._sealers.items():
                self._give(*sealer)
        for follower in self._followers:
            follower()

    def follow(self, follower: Callable[[], None]) -> None:
        """Call this now, and after each reload."""
        self._followers.append(follower)
        follower()

    def _take(self, secret: bytes, coming: bytes | None, earlier: Iterable[bytes]) -> None:
        keys = [Key(secret), *([Key(coming)] if coming is not None else []), *map(Key, earlier)]
        self._ring = tuple({key.id: key for key in keys}.values())

    @property
    def ring(self) -> tuple[Key, ...]:
        """Every key, the one in use first."""
        return self._ring

    @property
    def id(self) -> str:
        """Names the key in use, and tells nothing of it."""
        return self._ring[0].id

    @property
    def mark(self) -> int:
        """A number that two processes have in common when they hold the same keys, and use the same one."""
        ids = "".join(key.id for key in self._ring)
        return int.from_bytes(hashlib.sha256(ids.encode()).digest()[:6])

    def subkey(self, purpose: str) -> bytes:
        """32 bytes of the key in use for one purpose. What must outlive a rotation asks `digest` and `matches`."""
        return self._ring[0].subkey(purpose)

    def sealer(self, purpose: str) -> Sealer:
        """What seals and opens the records of one purpose, whatever is rotated meanwhile."""
        with self._changing:
            sealer = self._sealers.get(purpose)
            if sealer is None:
                sealer = self._sealers[purpose] = Sealer(bytes.fromhex(self.id), self.subkey(f"seal {purpose}"))
                self._give(purpose, sealer)
            return sealer

    def _give(self, purpose: str, sealer: Sealer) -> None:
        ring = self._ring
        keys = {bytes.fromhex(key.id): key.subkey(f"seal {purpose}") for key in ring}
        sealer.take(bytes.fromhex(ring[0].id), keys)

    def digest(self, purpose: str, data: bytes) -> bytes:
        """HMAC-SHA256 under the subkey of `purpose`: equal data can be recognised, guesses cannot be tried."""
        return self._ring[0].digest(purpose, data)

    def matches(self, purpose: str, data: bytes, digest: bytes) -> bool:
        """Whether this is the digest of `data` under any of the keys."""
        return any(hmac.compare_digest(key.digest(purpose, data), digest) for key in self._ring)

    def signer(self) -> Ed25519PrivateKey:
        """The key that signs the journal's checkpoints."""
        return self._ring[0].signer()

    def public_keys(self) -> list[Ed25519PublicKey]:
        """What the signatures of each key are verified with, that of the key in use first."""
        return [key.signer().public_key() for key in self._ring]


def sealed_under(sealed: bytes) -> str:
    """The id of the key that sealed a record."""
    return sealed[:_KEY_ID].hex()


def mint_token() -> str:
    """A new grant token, of the form TOKEN_PATTERN; shown once and kept as digest only."""
    return _mint("tg_")


def mint_api_token() -> str:
    """A new token of the REST API: like one of a grant, but neither passes for the other, because they begin apart."""
    return _mint(API_TOKEN_PREFIX)


def _mint(prefix: str) -> str:
    body = prefix + _base62(secrets.randbits(256), 43)
    return body + _checksum(body)


def token_checks(token: str) -> bool:
    """Whether `token` has the form and the checksum of a grant token; says nothing about who holds it."""
    return _TOKEN.fullmatch(token) is not None and _checksum(token[:-6]) == token[-6:]


def api_token_checks(token: str) -> bool:
    """The same for a token of the REST API."""
    return _API_TOKEN.fullmatch(token) is not None and _checksum(token[:-6]) == token[-6:]


def token_digest(token: str) -> bytes:
    """The SHA-256 under which a grant is found: of 256 random bits, so neither salt nor slowness is needed."""
    return hashlib.sha256(token.encode()).digest()


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), 6)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
