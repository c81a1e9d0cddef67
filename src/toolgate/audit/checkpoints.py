"""Signed statements of what a chain held: `journal/checkpoints.jsonl`, made to be copied elsewhere."""

from __future__ import annotations

import fcntl
import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from toolgate.audit.chain import ORIGIN, Head, hash_of
from toolgate.audit.segments import last_whole_line, sync_data, sync_directory, write_whole

FILE = "checkpoints.jsonl"
_MARK = b',"signature":"'

Reason = Literal["opened", "periodic", "closed", "sealed", "pruned"]


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


class SignedLine(NamedTuple):
    """One line of a file of checkpoints, `number` from 1; `checkpoint` is None where it cannot be read as one."""

    number: int
    line: bytes
    checkpoint: Checkpoint | None
    signed: bytes
    signature: bytes


_decode = msgspec.json.Decoder(Checkpoint).decode


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
        checkpoint = _decode(signed)
        signature = b64decode(rest.removesuffix(b'"}\n'), validate=True)
    except (msgspec.DecodeError, UnicodeDecodeError, Base64Error):
        return SignedLine(number, line, None, signed, b"")
    if line != _joined(signed, signature):  # base64 has several spellings; only ours was written
        return SignedLine(number, line, None, signed, b"")
    return SignedLine(number, line, checkpoint, signed, signature)


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


class CheckpointFile:
    """Appends signed checkpoints; several processes may share the file. Each append is on disk when it returns."""

    def __init__(self, directory: Path, signer: Ed25519PrivateKey, key_id: str) -> None:
        self.path = directory / FILE
        self._signer = signer
        self._key_id = key_id

    def append(self, reason: Reason, chain: str, head: Head, now: float) -> None:
        """Sign and write one checkpoint, or raise OSError and leave the file as it was."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size, last = last_whole_line(descriptor)
            os.ftruncate(descriptor, size)
            prev = hash_of(last) if last else ORIGIN
            self._write(descriptor, size, self._line(prev, reason, chain, head, now))
            if not last:
                sync_directory(self.path.parent)
        finally:
            os.close(descriptor)

    def _line(self, prev: str, reason: Reason, chain: str, head: Head, now: float) -> bytes:
        checkpoint = Checkpoint(
            prev=prev, reason=reason, chain=chain, seq=head.seq, hash=head.hash, time=now, key_id=self._key_id
        )
        signed = msgspec.json.encode(checkpoint)
        return _joined(signed, self._signer.sign(signed))

    def _write(self, descriptor: int, size: int, line: bytes) -> None:
        try:
            write_whole(descriptor, line)
            sync_data(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
