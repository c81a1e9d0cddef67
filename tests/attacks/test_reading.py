"""What a case may say: everything that it gets wrong is named, with its file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from toolgate.attacks.reading import CASES, CaseUnreadable, all_cases, find, load, with_slug
from toolgate.errors import ToolgateError

SAMPLE = (CASES / "path-prefix-bypass.toml").read_text("utf-8")


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(*changes: tuple[str, str], name: str = "some-attack.toml") -> Path:
        text = SAMPLE
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return path

    return write


def test_a_case_takes_its_slug_from_the_file(file: Callable[..., Path]) -> None:
    assert load(file()).slug == "some-attack"


BAD = {
    "no such kind": (('kind = "path-traversal"', 'kind = "magic"'), "`kind` is `magic`"),
    "an unknown key": (("number = 22", 'number = 22\ncolour = "red"'), "colour"),
    "a grade that nobody read": (('grade = "V"', 'grade = "M"'), "grade"),
    "a policy that is none": (('"default": "deny"', '"default": "maybe"'), "`policies.files` is no valid policy"),
    "a policy of no server": (("policies.files", "policies.other"), "`other` has a policy but is no server"),
    "no way to be stopped": (("[stopped]", "[companion]\ntext = 'x'\n[remains_x]"), "remains_x"),
    "a bound without one": (('verdict = "STOP"', 'verdict = "BOUND"'), "names its bound"),
    "no companion": (('verdict = "STOP"', 'verdict = "NO"'), "names the companion control"),
    "no TOML": (("number = 22", "number ="), "Invalid value"),
}


@pytest.mark.parametrize(("change", "cause"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_named(file: Callable[..., Path], change: tuple[str, str], cause: str) -> None:
    with pytest.raises(CaseUnreadable, match=r"some-attack\.toml") as caught:
        load(file(change))
    assert cause in str(caught.value)


def test_a_name_that_is_no_slug_is_refused(file: Callable[..., Path]) -> None:
    with pytest.raises(CaseUnreadable, match="no slug"):
        load(file(name="Some Attack.toml"))


def test_cases_are_found_by_slug_and_number_and_nothing_else() -> None:
    assert find("22") is find("path-prefix-bypass")
    with pytest.raises(ToolgateError, match="there is no such attack"):
        find("path-prefix")


def test_a_slug_is_no_number() -> None:
    assert with_slug("path-prefix-bypass") is find("22")
    assert with_slug("22") is None


def test_nothing_that_nobody_read_is_published() -> None:
    for case in all_cases():
        assert {source.grade for source in case.sources} <= {"V", "S"}
        assert not [text for text in (case.summary, case.how, case.residual) if "AML." in text or "ASI0" in text]
