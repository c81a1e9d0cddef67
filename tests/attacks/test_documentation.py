"""docs/attacks.md describes every key of a case file, and its example is one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from toolgate.attacks.case import (
    Case,
    Companion,
    Effect,
    GrantTerms,
    Policies,
    Sending,
    Source,
    Step,
    Stopped,
    StubServer,
    Twin,
    Verdict,
)
from toolgate.attacks.reading import load

PAGE = (Path(__file__).parents[2] / "docs/attacks.md").read_text()
TABLES: dict[str, type[msgspec.Struct]] = {
    "a case": Case,
    "a server": StubServer,
    "a step": Step,
    "an effect": Effect,
    "`stopped`": Stopped,
    "`wrong`": Policies,
    "`benign`": Twin,
    "a source": Source,
    "`companion`": Companion,
    "a grant": GrantTerms,
    "a message": Sending,
}


def section(heading: str) -> str:
    return PAGE.split(f"\n{heading}\n")[1].split("\n#")[0]


@pytest.mark.parametrize("title", TABLES)
def test_every_key_is_described_and_whether_it_is_needed(title: str) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (needed)? *\|", section(f"### Keys of {title}"), re.MULTILINE)
    fields = msgspec.structs.fields(TABLES[title])
    assert {key: bool(needed) for key, needed in rows} == {field.encode_name: field.required for field in fields}
    assert len(rows) == len(fields)


def test_the_example_is_a_case(tmp_path: Path) -> None:
    [text] = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    file = tmp_path / "path-prefix-bypass.toml"
    file.write_text(text)
    assert load(file).verdict == "STOP"


def test_every_verdict_is_explained() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE.split("\n## ")[0], re.MULTILINE) == list(get_args(Verdict))
