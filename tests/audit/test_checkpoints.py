from pathlib import Path

import pytest

from toolgate.audit.chain import Head
from toolgate.audit.checkpoints import FILE, CheckpointFile, is_signed, read_checkpoints

from .samples import OTHER_SIGNER, PUBLIC, SIGNER


def test_a_checkpoint_is_read_back_and_verified(tmp_path: Path) -> None:
    CheckpointFile(tmp_path, SIGNER, "key").append("periodic", "c", Head(7, "f" * 64), 12.5)
    (read,) = read_checkpoints(tmp_path / FILE)
    assert read.checkpoint is not None
    assert (read.checkpoint.reason, read.checkpoint.chain, read.checkpoint.seq) == ("periodic", "c", 7)
    assert (read.checkpoint.hash, read.checkpoint.time, read.checkpoint.key_id) == ("f" * 64, 12.5, "key")
    assert is_signed(read, PUBLIC)
    assert not is_signed(read, OTHER_SIGNER.public_key())


@pytest.mark.parametrize("tail", [b'{"kind":', b"\0" * 100_000])
def test_a_torn_checkpoint_is_cut_off_by_the_next_one(tmp_path: Path, tail: bytes) -> None:
    file = CheckpointFile(tmp_path, SIGNER, "key")
    file.append("opened", "c", Head(0, "0" * 64), 1)
    with file.path.open("ab") as torn:
        torn.write(tail)
    file.append("closed", "c", Head(1, "1" * 64), 2)
    reasons = [line.checkpoint.reason for line in read_checkpoints(file.path) if line.checkpoint]
    assert reasons == ["opened", "closed"]
