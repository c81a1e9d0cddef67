"""JUnit and the badge, read by other programs' readers."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from toolgate.attacks.reports import badge, junit, rows_of
from toolgate.attacks.results import Check, Played, last, save

GOOD = Played("one", "STOP", [Check("bare", True, "yes"), Check("stopped", True, "by /x")], "/x", 1.0, 500, "1")
BAD = Played("two", "NO", [Check("bare", False, 'nothing <happened> & "so"')], "", 2.0, 250, "1")


def test_junit_counts_and_names_what_did_not_hold() -> None:
    suite = ElementTree.fromstring(junit(rows_of([GOOD, BAD])))
    assert (suite.get("tests"), suite.get("failures"), suite.get("time")) == ("3", "1", "0.750")
    [failed] = [case for case in suite if case.find("failure") is not None]
    assert (failed.get("classname"), failed.get("name")) == ("two", "succeeds without the gateway")
    failure = failed.find("failure")
    assert failure is not None
    assert failure.get("message") == 'nothing <happened> & "so"'


def test_a_badge_is_an_image_that_says_in_words_what_it_shows() -> None:
    read = ElementTree.fromstring(badge(54, 55, "stopped"))
    assert read.get("aria-label") == "attacks: 54 of 55 stopped"
    assert badge(55, 55, "stopped") != badge(54, 55, "stopped")


def test_the_last_result_of_each_case_is_kept(tmp_path: Path) -> None:
    assert last(tmp_path) == {}
    save(tmp_path, [GOOD, BAD])
    later = Played("two", "NO", [Check("bare", True, "now")], "", 3.0, 100, "2")
    save(tmp_path, [later])
    assert last(tmp_path) == {"one": GOOD, "two": later}
    assert [file.name for file in tmp_path.iterdir()] == ["attacks.json"]
