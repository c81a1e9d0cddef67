"""Building: nothing of others is touched, nothing half is left, and the same catalogue makes the same site."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from tests.site.collected import built, collection

from toolgate.errors import ToolgateError
from toolgate.site.builder import Stock, Writer, build
from toolgate.site.folder import replacing
from toolgate.site.maps import MOST_ADDRESSES, sitemap, sitemap_index
from toolgate.site.surroundings import Surroundings

pytestmark = pytest.mark.slow

HERE = Surroundings(files=True)


def digest(folder: Path) -> dict[str, str]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_was_not_built_by_us_is_not_replaced(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    if kind == "file":
        out.write_text("mine")
    elif kind == "link":
        out.symlink_to(tmp_path)
    else:
        out.mkdir()
        (out / "mine.txt").write_text("mine")
    before = digest(tmp_path)
    with pytest.raises(ToolgateError, match="out"), replacing(out):
        pytest.fail("nothing may be written")
    assert digest(tmp_path) == before


def test_a_failed_build_leaves_the_old_site_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    given = collection(tmp_path)
    build(given, out, HERE)
    before = digest(out)

    def fails(_writer: Writer, _stock: Stock) -> int:
        raise ToolgateError("disk", "is full", "make room")

    monkeypatch.setattr(Writer, "stock", fails)
    with pytest.raises(ToolgateError, match="disk"):
        build(given, out, HERE)
    assert digest(out) == before
    assert [place.name for place in tmp_path.iterdir() if place.is_dir()] == ["out"]


@pytest.mark.slow
def test_the_same_catalogue_makes_the_same_site_however_many_processes_write(tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = built(tmp_path, out, HERE)
    before = digest(out)
    second = built(tmp_path, out, HERE, processes=2)
    assert digest(out) == before
    assert first == second
    assert (first.files, first.bytes) == (len(before), sum((out / name).stat().st_size for name in before))


def test_without_an_origin_there_is_no_map_and_nothing_says_so_wrongly(tmp_path: Path) -> None:
    built(tmp_path, tmp_path / "out", HERE)
    assert not (tmp_path / "out/sitemap.xml").exists()
    assert "sitemap" not in (tmp_path / "out/index.html").read_text()
    assert "Sitemap" not in (tmp_path / "out/robots.txt").read_text()


def test_the_map_names_every_page(site: Path) -> None:
    found = (site / "sitemap.xml").read_text()
    pages = [f"/cat/{page.relative_to(site).as_posix()}" for page in site.rglob("index.html")]
    assert found.count("<loc>") == len(pages)
    assert all(f"<loc>https://tools.example{page.removesuffix('index.html')}</loc>" in found for page in pages)


def test_a_large_map_is_cut_into_parts() -> None:
    parts = sitemap(Surroundings(origin="https://a.example"), (f"/{number}" for number in range(MOST_ADDRESSES + 1)))
    assert [part.count("<loc>") for part in parts] == [MOST_ADDRESSES, 1]
    assert sitemap_index(["https://a.example/1"]).count("<sitemap>") == 1
    long = sitemap(Surroundings(origin="https://a.example"), ("/" + "x" * 2000 for _ in range(30_000)))
    assert len(long) == 2
    assert all(len(part) <= 50 * 1024 * 1024 for part in long)
