"""`toolgate catalogue build`: the whole site, and what is refused before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Toolgate

from toolgate.cli.catalogue_build import _surroundings
from toolgate.store.errors import BadInput


@pytest.mark.parametrize(
    ("base_url", "base_path", "contact"),
    [
        ("ftp://a.example", "", ""), ("https://", "", ""), ("https://a.example/?x", "", ""),
        ("https://u@a.example", "", ""),
        ("https://a.example/x", "/y", ""), ("", "x", ""), ("", "/a b", ""), ("", "/../x", ""), ("", "//x", ""),
        ("", "", "javascript:alert(1)"), ("", "", "http://a.example"), ("", "", 'mailto:a@b.example"x'),
    ],
)  # fmt: skip
def test_odd_addresses_are_refused(base_url: str, base_path: str, contact: str) -> None:
    with pytest.raises(BadInput):
        _surroundings(base_url, base_path, contact)


def test_the_path_may_be_part_of_the_url() -> None:
    for given in (("https://a.example/x/", ""), ("https://a.example", "/x"), ("https://a.example/x", "/x/")):
        here = _surroundings(*given, "mailto:a@b.example")
        assert (here.origin, here.at("servers")) == ("https://a.example", "/x/servers/")


@pytest.mark.nightly
def test_the_command_builds_what_is_shipped_and_replaces_it(toolgate: Toolgate, tmp_path: Path) -> None:
    out = tmp_path / "site"
    done = toolgate("catalogue", "build", str(out), "--base-url", "https://tools.example")
    assert "built" in done.out
    told = json.loads((out / "toolgate-site.json").read_text())
    assert told["tools"] > 20_000
    assert (out / "tools/github--github-mcp-server/delete_file/index.html").is_file()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    refused = toolgate("catalogue", "build", str(tmp_path / "mine"), code=2)
    assert "not built by this command" in refused.err
