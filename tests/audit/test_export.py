import csv
import io
import json
from pathlib import Path

from toolgate.audit.checkpoints import FILE
from toolgate.audit.export import cleaned, csv_rows, described, rfc3339, verbatim
from toolgate.audit.records import LimitFacts, Refused

from .samples import NOW, decision, lines, outcome, write


def test_an_object_says_everything_with_readable_times() -> None:
    entry = decision("a", limit=LimitFacts("calls", 10, 10, 1_800_000_060))
    read = json.loads(json.dumps(described("c", entry, outcome("a"))))
    assert read["time"] == "2027-01-15T08:00:00.000000Z"
    assert (read["kind"], read["chain"], read["decision_id"], read["tool"]) == ("decision", "c", "a", "run")
    assert read["limit"]["resets_at"] == "2027-01-15T08:01:00.000000Z"
    assert read["charges"][0]["window"] == "minute"
    assert read["result"]["status"] == 200
    assert read["rule"] == ""
    assert "prev" not in read


def test_a_decision_whose_end_is_not_known_has_no_result() -> None:
    assert described("c", decision())["result"] is None


def test_other_entries_have_no_result_at_all() -> None:
    entry = Refused(time=NOW, reason="unknown token", addresses="192.0.2.0/24", count=3, since=NOW - 1)
    assert "result" not in described("c", entry)


def test_times_sort_as_text() -> None:
    assert rfc3339(NOW) < rfc3339(NOW + 0.000_001) < rfc3339(NOW + 1)


def test_csv_has_a_row_for_each_record_and_its_outcome() -> None:
    target = io.StringIO()
    csv.writer(target).writerows(csv_rows([("c", decision("a"), outcome("a")), ("c", decision("b"), None)]))
    rows = list(csv.DictReader(io.StringIO(target.getvalue())))
    results = [(row["decision_id"], row["result"], row["status"]) for row in rows]
    assert results == [("a", "result", "200"), ("b", "", "")]
    assert rows[0]["argument_names"] == "command"
    assert (rows[0]["category"], rows[0]["risk"]) == ("Execute", "High")
    assert rows[0]["time"] == rfc3339(NOW)


def test_csv_tells_what_was_found_in_an_answer() -> None:
    found = outcome("a", removed=3, redacted={"jwt": 1, "npm_token": 2}, withheld="/hidden_text")
    row = dict(zip(*csv_rows([("c", decision("a"), found)]), strict=True))
    assert (row["removed"], row["redacted"], row["withheld"]) == ("3", "jwt:1 npm_token:2", "/hidden_text")


def test_what_was_found_in_an_answer_is_told_in_words() -> None:
    assert cleaned(0, {}, "") == ""
    assert cleaned(1, {}, "") == "1 hidden character found"
    assert cleaned(2, {"jwt": 1}, "/hidden_text") == "2 hidden characters, 1 jwt found; withheld by /hidden_text"
    assert cleaned(0, {}, "/tools/a/limits/0") == "withheld by /tools/a/limits/0"


def test_no_cell_is_a_formula() -> None:
    rows = list(csv_rows([("c", decision(tool='=HYPERLINK("http://evil.test")', message="-1+1"), None)]))
    assert '\'=HYPERLINK("http://evil.test")' in rows[1]
    assert "'-1+1" in rows[1]


def test_the_journal_is_exported_byte_by_byte_with_its_checkpoints(tmp_path: Path) -> None:
    write(tmp_path, 3)
    write(tmp_path, 2)
    assert b"".join(verbatim(tmp_path)) == b"".join(lines(tmp_path)) + (tmp_path / FILE).read_bytes()
