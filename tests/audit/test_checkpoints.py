import subprocess
from base64 import b64decode
from pathlib import Path

import msgspec
import pytest

from toolgate.audit.chain import Head
from toolgate.audit.checkpoints import FILE, CheckpointFile, is_signed, public_text, read_checkpoints

from .samples import OTHER_SIGNER, PUBLIC, SIGNER, lines, write


def test_a_checkpoint_is_read_back_and_verified(tmp_path: Path) -> None:
    CheckpointFile(tmp_path, SIGNER, "key").append("periodic", "c", Head(7, "f" * 64), 12.5)
    (read,) = read_checkpoints(tmp_path / FILE)
    assert read.checkpoint is not None
    assert (read.checkpoint.reason, read.checkpoint.chain, read.checkpoint.seq) == ("periodic", "c", 7)
    assert (read.checkpoint.hash, read.checkpoint.time, read.checkpoint.key_id) == ("f" * 64, 12.5, "key")
    assert is_signed(read, PUBLIC)
    assert not is_signed(read, OTHER_SIGNER.public_key())


def test_a_torn_checkpoint_is_cut_off_by_the_next_one(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path, SIGNER, "key")
    file.append("opened", "c", Head(0, "0" * 64), 1)
    with file.path.open("ab") as torn:
        torn.write(b'{"kind":')
    file.append("closed", "c", Head(1, "1" * 64), 2)
    reasons = [line.checkpoint.reason for line in read_checkpoints(file.path) if line.checkpoint]
    assert reasons == ["opened", "closed"]


@pytest.mark.slow
def test_sha256sum_and_openssl_are_enough_to_verify(tmp_path: Path) -> None:
    """The commands of docs/journal.md."""
    write(tmp_path, 3)
    line, following = lines(tmp_path)[1:3]
    hashed = subprocess.run(["sha256sum"], input=line, capture_output=True, check=True).stdout.split()[0].decode()
    assert msgspec.json.decode(following)["prev"] == hashed

    (tmp_path / "key.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{public_text(PUBLIC)}\n-----END PUBLIC KEY-----\n")
    checkpoint = (tmp_path / FILE).read_bytes().splitlines()[-1]
    signed, _, rest = checkpoint.rpartition(b',"signature":"')
    (tmp_path / "signed").write_bytes(signed + b"}")
    (tmp_path / "signature").write_bytes(b64decode(rest.removesuffix(b'"}')))
    verify = "openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in signed -sigfile signature"
    assert subprocess.run(verify.split(), cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "signed").write_bytes(signed + b" }")
    assert subprocess.run(verify.split(), cwd=tmp_path, capture_output=True, check=False).returncode != 0
