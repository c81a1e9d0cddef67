"""Signed statements of what a chain held: `journal/checkpoints.jsonl`, made to be copied elsewhere."""

from __future__ import annotations

import fcntl
import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from toolgate.audit.chain import ORIGIN, Head, hash_of
from toolgate.audit.segments import last_whole_line, sync_data, sync_directory, write_whole

FILE = "checkpoints.jsonl"
_MARK = b',"signature":"'

Reason = Literal["opened", "periodic", "closed", "sealed", "pruned"]
KeyReason = Literal["introduces", "succeeds", "retires"]


class Checkpoint(msgspec.Struct, tag_field="kind", tag="checkpoint", kw_only=True, forbid_unknown_fields=True):
    """At `time` (epoch seconds) the newest entry of `chain` was number `seq`, and its line had this hash.

    `pruned` says instead that everything up to that entry was removed on purpose. `sealed` ends a chain whose process
    did not end in good order. `prev` is the hash of the checkpoint before, as in a chain.
    """

    prev: str
    reason: Reason
    chain: str
    seq: int
    hash: str
    time: float
    key_id: str


class KeyChange(msgspec.Struct, tag_field="kind", tag="key", kw_only=True, forbid_unknown_fields=True):
    """The signer (`key_id`) says of another of the journal's keys what became of it in a rotation.

    `introduces`: that key signs from now on, said by the one before it. `succeeds`: the signer follows that key, so
    whoever trusts the newest key trusts what the earlier ones signed. `retires`: that key signs nothing from here on.
    `public_key` is base64 of its DER form.
    """

    prev: str
    reason: KeyReason
    names: str
    public_key: str
    time: float
    key_id: str


Statement = Checkpoint | KeyChange


class SignedLine(NamedTuple):
    """One line of a file of checkpoints, `number` from 1; `statement` is None where it cannot be read as one."""

    number: int
    line: bytes
    statement: Statement | None
    signed: bytes
    signature: bytes

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The statement where it speaks of a chain."""
        return self.statement if isinstance(self.statement, Checkpoint) else None


_decode: Callable[[bytes], Statement] = msgspec.json.Decoder(Statement).decode


def read_checkpoints(path: Path) -> Iterator[SignedLine]:
    """Every line of the file (none where it does not exist). A last one without newline is a torn write."""
    if not path.exists():
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            yield _read(number, line)


def _read(number: int, line: bytes) -> SignedLine:
    """The signature is over the line without it: cut from its comma on, the object closed by a brace again."""
    body, _, rest = line.rpartition(_MARK)
    signed = body + b"}"
    try:
        statement = _decode(signed)
        signature = b64decode(rest.removesuffix(b'"}\n'), validate=True)
    except (msgspec.DecodeError, UnicodeDecodeError, Base64Error):
        return SignedLine(number, line, None, signed, b"")
    if line != _joined(signed, signature):  # base64 has several spellings; only ours was written
        return SignedLine(number, line, None, signed, b"")
    return SignedLine(number, line, statement, signed, signature)


def _joined(signed: bytes, signature: bytes) -> bytes:
    return signed[:-1] + _MARK + b64encode(signature) + b'"}\n'


def is_signed(line: SignedLine, key: Ed25519PublicKey) -> bool:
    """Whether the holder of the journal's key made this line."""
    try:
        key.verify(line.signature, line.signed)
    except InvalidSignature:
        return False
    return True


def public_text(key: Ed25519PublicKey) -> str:
    """The key as the body of a PEM file: base64 of its DER form."""
    return b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def public_key(text: str) -> Ed25519PublicKey | None:
    """The key that `public_text` wrote; None for every other text."""
    try:
        key = load_der_public_key(b64decode(text, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, Ed25519PublicKey) else None


class CheckpointFile:
    """Appends signed checkpoints; several processes may share the file. Each append is on disk when it returns."""

    def __init__(self, directory: Path, signer: Ed25519PrivateKey, key_id: str) -> None:
        self.path = directory / FILE
        self._signing = signer, key_id

    def sign_with(self, signer: Ed25519PrivateKey, key_id: str) -> None:
        """Sign with another key from now on."""
        self._signing = signer, key_id

    def append(self, reason: Reason, chain: str, head: Head, now: float) -> None:
        """Sign and write one checkpoint, or raise OSError and leave the file as it was."""
        self.state(Checkpoint(prev="", reason=reason, chain=chain, seq=head.seq, hash=head.hash, time=now, key_id=""))

    def state(self, statement: Statement) -> None:
        """Sign and write one line, its `prev` and `key_id` filled in, or raise OSError and leave the file as it was."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size, last = last_whole_line(descriptor)
            os.ftruncate(descriptor, size)
            prev = hash_of(last) if last else ORIGIN
            self._write(descriptor, size, self._line(msgspec.structs.replace(statement, prev=prev)))
            if not last:
                sync_directory(self.path.parent)
        finally:
            os.close(descriptor)

    def _line(self, statement: Statement) -> bytes:
        signer, key_id = self._signing
        signed = msgspec.json.encode(msgspec.structs.replace(statement, key_id=key_id))
        return _joined(signed, signer.sign(signed))

    def _write(self, descriptor: int, size: int, line: bytes) -> None:
        try:
            write_whole(descriptor, line)
            sync_data(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
