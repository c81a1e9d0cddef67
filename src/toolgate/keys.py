"""The master key, what is derived from it, and the tokens of grants."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
import zlib
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from toolgate.errors import ToolgateError

KEY_BYTES = 32
KEY_FILE = "master.key"
KEY_FILE_VARIABLE = "TOOLGATE_MASTER_KEY_FILE"

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
    that key is given as `earlier`. One sealer may seal 2**32 records (random nonces, NIST SP 800-38D).
    """

    def __init__(self, key_id: bytes, key: bytes, earlier: dict[bytes, bytes] | None = None) -> None:
        self._key_id = key_id
        self._ciphers = {name: AESGCM(secret) for name, secret in {**(earlier or {}), key_id: key}.items()}

    def seal(self, plain: bytes, binding: bytes) -> bytes:
        """Encrypt and authenticate; `binding` names the place of the record and must be given again to open it."""
        nonce = os.urandom(_NONCE)
        return self._key_id + nonce + self._ciphers[self._key_id].encrypt(nonce, plain, self._key_id + binding)

    def open(self, sealed: bytes, binding: bytes) -> bytes:
        """Give the plain bytes; raises SealBroken."""
        key_id, nonce, rest = sealed[:_KEY_ID], sealed[_KEY_ID : _KEY_ID + _NONCE], sealed[_KEY_ID + _NONCE :]
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise SealBroken("sealed record", f"was sealed under another key (`{key_id.hex()}`)", "restore that key")
        try:
            return cipher.decrypt(nonce, rest, key_id + binding)
        except (InvalidTag, ValueError):
            raise SealBroken("sealed record", "was changed or belongs elsewhere") from None


class MasterKey:
    """The one secret of an installation; each purpose gets a subkey of its own (HKDF-SHA256)."""

    __slots__ = ("_secret", "_subkeys", "id")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ToolgateError("master key", f"has {len(secret)} bytes in place of {KEY_BYTES}", "restore the key")
        self._secret = secret
        self._subkeys: dict[str, bytes] = {}
        self.id = self.subkey("id")[:_KEY_ID].hex()

    @classmethod
    def load(cls, data: Path) -> MasterKey:
        """Read the file that TOOLGATE_MASTER_KEY_FILE names, else `master.key` in `data`, made on first start.

        The file holds 32 raw bytes and is open to its owner alone; anything else is refused.
        """
        named = os.environ.get(KEY_FILE_VARIABLE)
        if named:
            return cls(_read(Path(named)))
        path = data / KEY_FILE
        if not path.exists():
            _create(path)
        return cls(_read(path))

    def subkey(self, purpose: str) -> bytes:
        """32 bytes for one purpose; subkeys tell nothing about each other."""
        key = self._subkeys.get(purpose)
        if key is None:
            key = HKDF(SHA256(), KEY_BYTES, salt=None, info=_HKDF_INFO + purpose.encode()).derive(self._secret)
            self._subkeys[purpose] = key
        return key

    def sealer(self, purpose: str) -> Sealer:
        """What seals and opens the records of one purpose."""
        return Sealer(bytes.fromhex(self.id), self.subkey(f"seal {purpose}"))

    def digest(self, purpose: str, data: bytes) -> bytes:
        """HMAC-SHA256 under the subkey of `purpose`: equal data can be recognised, guesses cannot be tried."""
        return hmac.digest(self.subkey(f"digest {purpose}"), data, "sha256")

    def signer(self) -> Ed25519PrivateKey:
        """The key that signs the journal's checkpoints."""
        return Ed25519PrivateKey.from_private_bytes(self.subkey("journal"))


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


def _create(path: Path) -> None:
    """Make the key and bring it to the disk whole: a crash leaves either no file or all of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        _publish(draft, path)
    except OSError as error:
        raise ToolgateError(
            str(path), f"cannot be made: {error.strerror}", "make the data directory writable"
        ) from error


def _publish(draft: Path, path: Path) -> None:
    """Give the draft its name unless another process was first: then its key holds and the draft goes."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            secret = file.read(KEY_BYTES + 1)
    except OSError as error:
        raise ToolgateError(str(path), f"cannot be read: {error.strerror}", "name a master key that can") from error
    if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o077:
        raise ToolgateError(str(path), "can be read by others than its owner", f"run `chmod 600 {path}`")
    if len(secret) != KEY_BYTES:
        raise ToolgateError(str(path), f"does not hold a key of {KEY_BYTES} bytes", "restore the key from its backup")
    return secret
