"""docs/journal.md says what is so: every member, every command, an example that holds."""

import hashlib
import re
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from toolgate.audit import records
from toolgate.audit.checkpoints import FILE, Reason, public_text
from toolgate.audit.records import AnyEntry, LimitFacts, Result, read_line

from .samples import PUBLIC, lines, write

PAGE = (Path(__file__).parents[2] / "docs" / "journal.md").read_text()
KINDS: list[type[AnyEntry]] = list(get_args(AnyEntry))


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_member_of_every_kind_is_explained(kind: type[AnyEntry]) -> None:
    assert f"| `{kind.__struct_config__.tag}` |" in PAGE
    for name in kind.__struct_fields__:
        assert f"`{name}`" in PAGE


@pytest.mark.parametrize("word", [*LimitFacts.__struct_fields__, *get_args(Result), *get_args(Reason)])
def test_every_word_of_the_format_is_explained(word: str) -> None:
    assert f"`{word}`" in PAGE


def test_the_example_is_a_chain() -> None:
    example = blocks("json")[0].encode().splitlines(keepends=True)
    assert [type(read_line(line)).__name__ for line in example] == ["Start", "Decision", "Outcome"]
    for before, line in pairwise(example):
        assert read_line(line).prev == hashlib.sha256(before).hexdigest()


def test_the_limits_of_the_page_are_those_of_the_code() -> None:
    assert f"longer than {records.LINE_LIMIT // 1024} KiB" in PAGE


@pytest.mark.slow
def test_sha256sum_and_openssl_are_enough_to_verify(tmp_path: Path) -> None:
    """The shell commands of the page, run as they stand."""
    chain = write(tmp_path, 10)
    (tmp_path / f"{chain}.000000.jsonl").rename(tmp_path / "SEGMENT.jsonl")
    pem = f"-----BEGIN PUBLIC KEY-----\n{public_text(PUBLIC)}\n-----END PUBLIC KEY-----\n"
    (tmp_path / "journal.pem").write_text(pem)
    hashing, signature = (block for block in blocks("sh") if "sha256sum" in block or "pkeyutl" in block)
    hashed, named = _shell(hashing, tmp_path).stdout.splitlines()
    assert named == f'"prev":"{hashed.split()[0]}"'
    assert _shell(signature, tmp_path).returncode == 0
    content = (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text(content.replace('"seq":11', '"seq":10'))
    assert content != (tmp_path / FILE).read_text()
    assert _shell(signature, tmp_path).returncode != 0


def _shell(script: str, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", script], cwd=directory, capture_output=True, text=True, check=False)


def test_the_hash_of_a_checkpoint_is_that_of_its_line(tmp_path: Path) -> None:
    write(tmp_path, 3)
    closed = msgspec.json.decode((tmp_path / FILE).read_bytes().splitlines()[-1])
    assert closed["hash"] == hashlib.sha256(lines(tmp_path)[closed["seq"]]).hexdigest()
