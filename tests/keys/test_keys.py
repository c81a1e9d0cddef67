"""The master key's file, what is derived from it, sealed records and tokens."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.errors import ToolgateError
from toolgate.keyfiles import KEY_FILE_VARIABLE, KeyFiles
from toolgate.keys import (
    TOKEN_PATTERN,
    MasterKey,
    SealBroken,
    Sealer,
    api_token_checks,
    mint_api_token,
    mint_token,
    sealed_under,
    token_checks,
    token_digest,
)


@pytest.fixture(autouse=True)
def _no_named_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_FILE_VARIABLE, raising=False)


def key_file(path: Path, secret: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(secret)
    path.chmod(mode)
    return path


def test_the_first_start_makes_a_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    key = MasterKey.load(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
    assert len((tmp_path / "master.key").read_bytes()) == 32
    assert MasterKey.load(tmp_path).id == key.id


def test_a_loose_umask_does_not_open_the_key(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        MasterKey.load(tmp_path)
    finally:
        os.umask(before)
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    program = "import pathlib, sys, toolgate.keys as k; print(k.MasterKey.load(pathlib.Path(sys.argv[1])).id)"
    command = [sys.executable, "-c", program, str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    ids = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert ids == {MasterKey.load(tmp_path).id}
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]


def test_a_named_key_file_is_used_and_none_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(key_file(tmp_path / "other", b"k" * 32)))
    assert MasterKey.load(tmp_path).id == MasterKey(b"k" * 32).id
    assert not (tmp_path / "master.key").exists()


def test_a_named_key_file_that_is_missing_is_refused_and_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(tmp_path / "absent"))
    with pytest.raises(ToolgateError, match="cannot be read: No such file"):
        MasterKey.load(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_key_of_the_wrong_length_is_refused(tmp_path: Path, length: int) -> None:
    key_file(tmp_path / "master.key", b"k" * length)
    with pytest.raises(ToolgateError, match="does not hold a key of 32 bytes"):
        MasterKey.load(tmp_path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644])
def test_a_key_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    key_file(tmp_path / "master.key", b"k" * 32, mode)
    with pytest.raises(ToolgateError, match="chmod 600"):
        MasterKey.load(tmp_path)


def test_a_data_directory_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolgateError, match="cannot be made: No such file"):
        MasterKey.load(tmp_path / "absent")


def test_a_directory_in_place_of_the_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "master.key").mkdir()
    with pytest.raises(ToolgateError, match="cannot be read"):
        MasterKey.load(tmp_path)


def test_subkeys_differ_by_purpose_and_by_master_key() -> None:
    one, other = MasterKey(b"1" * 32), MasterKey(b"2" * 32)
    keys = {key.subkey(purpose) for key in (one, other) for purpose in ("a", "b", "seal a", "digest a")}
    assert len(keys) == 8
    assert MasterKey(b"1" * 32).subkey("a") == one.subkey("a")


def test_derivation_is_fixed_for_ever() -> None:
    """What an installation sealed must stay readable: these values may never change."""
    key = MasterKey(bytes(range(32)))
    assert key.id == "d69f85f3065fc292"
    assert key.subkey("journal").hex() == "7f879859bdc9da92ef85f3d75abb5f144c37dd31253de063fa77909efba033dc"


def test_the_signer_is_the_same_at_each_start() -> None:
    first, second = MasterKey(b"k" * 32).signer(), MasterKey(b"k" * 32).signer()
    first.public_key().verify(second.sign(b"entry"), b"entry")


def test_digests_differ_by_purpose_key_and_data() -> None:
    one, other = MasterKey(b"1" * 32), MasterKey(b"2" * 32)
    digests = {key.digest(purpose, data) for key in (one, other) for purpose in ("a", "b") for data in (b"", b"x")}
    assert len(digests) == 8


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_what_was_sealed_opens_under_the_same_binding(plain: bytes, binding: bytes) -> None:
    sealer = MasterKey(b"k" * 32).sealer("credentials")
    sealed = sealer.seal(plain, binding)
    assert sealer.open(sealed, binding) == plain
    assert sealer.seal(plain, binding) != sealed


def test_every_changed_or_missing_byte_breaks_the_seal() -> None:
    sealer = MasterKey(b"k" * 32).sealer("credentials")
    sealed = sealer.seal(b"secret", b"row 1")
    damaged = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    damaged += [sealed[:at] for at in range(len(sealed))] + [sealed + b"\0"]
    for record in damaged:
        with pytest.raises(SealBroken):
            sealer.open(record, b"row 1")


def test_a_seal_holds_for_its_binding_purpose_and_key_only() -> None:
    key = MasterKey(b"k" * 32)
    sealed = key.sealer("credentials").seal(b"secret", b"row 1")
    with pytest.raises(SealBroken, match="changed or belongs elsewhere"):
        key.sealer("credentials").open(sealed, b"row 2")
    with pytest.raises(SealBroken, match="changed or belongs elsewhere"):
        key.sealer("sessions").open(sealed, b"row 1")
    with pytest.raises(SealBroken, match=f"another key \\(`{key.id}`\\)"):
        MasterKey(b"o" * 32).sealer("credentials").open(sealed, b"row 1")


def test_records_of_an_earlier_key_stay_readable_after_a_rotation() -> None:
    old = Sealer(b"old-----", b"1" * 32)
    new = Sealer(b"new-----", b"2" * 32, earlier={b"old-----": b"1" * 32})
    assert new.open(old.seal(b"secret", b"row"), b"row") == b"secret"
    assert new.seal(b"secret", b"row").startswith(b"new-----")


def rotated(data: Path) -> MasterKey:
    """A key that was in use before a second one, from the files."""
    files, old = KeyFiles.of(data), MasterKey.load(data)
    files.introduce()
    files.promote(old.id)
    files.finish()
    return old


def test_a_coming_key_opens_and_is_not_sealed_with(tmp_path: Path) -> None:
    key = MasterKey.load(tmp_path)
    KeyFiles.of(tmp_path).introduce()
    prepared = MasterKey.load(tmp_path)
    assert prepared.id == key.id
    assert len(prepared.ring) == 2
    coming = MasterKey(prepared_secret(tmp_path / "master.key.next"))
    assert prepared.sealer("a").open(coming.sealer("a").seal(b"secret", b"row"), b"row") == b"secret"
    assert prepared.matches("a", b"x", coming.digest("a", b"x"))


def prepared_secret(path: Path) -> bytes:
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_bytes()


def test_a_loaded_key_follows_its_files_and_so_do_its_sealers(tmp_path: Path) -> None:
    key = MasterKey.load(tmp_path)
    seen: list[str] = []
    key.follow(lambda: seen.append(key.id))
    sealer = key.sealer("a")
    sealed, digest, mark = sealer.seal(b"secret", b"row"), key.digest("a", b"x"), key.mark
    old = rotated(tmp_path)
    key.reload()
    assert seen == [old.id, key.id]
    assert key.id != old.id
    assert key.mark != mark
    assert key.mark == MasterKey.load(tmp_path).mark
    assert sealer.open(sealed, b"row") == b"secret"
    assert sealed_under(sealer.seal(b"secret", b"row")) == key.id
    assert key.matches("a", b"x", digest)
    assert not key.matches("a", b"y", digest)


def test_a_promotion_that_was_cut_short_leaves_the_key_in_use_first(tmp_path: Path) -> None:
    key = MasterKey.load(tmp_path)
    files = KeyFiles.of(tmp_path)
    files.introduce()
    os.link(files.path, files.kept(key.id))
    again = MasterKey.load(tmp_path)
    assert [one.id for one in again.ring] == [key.id, again.ring[1].id]


def test_a_forgotten_key_opens_nothing(tmp_path: Path) -> None:
    sealed = MasterKey.load(tmp_path).sealer("a").seal(b"secret", b"row")
    old = rotated(tmp_path)
    KeyFiles.of(tmp_path).forget(old.id)
    with pytest.raises(SealBroken, match="another key"):
        MasterKey.load(tmp_path).sealer("a").open(sealed, b"row")


def test_a_ring_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    key = MasterKey.load(tmp_path)
    mark = key.mark
    key_file(tmp_path / "master.key.next", b"k" * 32, 0o644)
    with pytest.raises(ToolgateError, match="chmod 600"):
        key.reload()
    assert key.mark == mark


def test_a_key_that_went_missing_is_not_replaced_by_another(tmp_path: Path) -> None:
    MasterKey.load(tmp_path)
    rotated(tmp_path)
    (tmp_path / "master.key").unlink()
    with pytest.raises(ToolgateError, match="is missing, but `master"):
        MasterKey.load(tmp_path)


def test_the_keys_of_a_named_file_lie_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, secrets = tmp_path / "data", tmp_path / "secrets"
    data.mkdir()
    secrets.mkdir()
    monkeypatch.setenv(KEY_FILE_VARIABLE, str(key_file(secrets / "gate", b"k" * 32)))
    old = rotated(data)
    assert sorted(path.name for path in secrets.iterdir()) == ["gate", f"gate.{old.id}"]
    assert list(data.iterdir()) == []


def test_minted_tokens_check_and_differ() -> None:
    tokens = {mint_token() for _ in range(200)}
    assert len(tokens) == 200
    assert all(token_checks(token) for token in tokens)
    assert all(re.fullmatch(TOKEN_PATTERN, token) and len(token) == 52 for token in tokens)


def test_a_token_with_one_wrong_character_does_not_check() -> None:
    token = mint_token()
    for at in range(len(token)):
        changed = token[:at] + ("a" if token[at] != "a" else "b") + token[at + 1 :]
        assert not token_checks(changed)


@pytest.mark.parametrize("text", ["", "tg_", "tg_" + "0" * 49, "tg_" + "é" * 49, "x" * 10_000])
def test_other_text_is_no_token(text: str) -> None:
    assert not token_checks(text)
    assert not token_checks(mint_token() + "\n")


def test_a_token_of_the_api_and_one_of_a_grant_never_pass_for_each_other() -> None:
    ours, grants = mint_api_token(), mint_token()
    assert api_token_checks(ours)
    assert ours.startswith("tgt_")
    assert not token_checks(ours)
    assert not api_token_checks(grants)
    assert not api_token_checks(ours[:-1] + ("a" if ours[-1] != "a" else "b"))


def test_the_digest_of_a_token_is_its_sha256() -> None:
    assert token_digest("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
