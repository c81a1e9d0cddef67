"""The lexicon: each entry's example comes out as its table says, files add and override, mistakes are named."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from toolgate import classifier
from toolgate.classifier.classify import classify, classify_all
from toolgate.classifier.lexicon import KINDS, Entry, entries_of, extended, is_verb, shipped, shipped_entries
from toolgate.classifier.lexicon.words import lexicon_of
from toolgate.errors import ToolgateError
from toolgate.policy.categories import PRECEDENCE

ENTRIES = shipped_entries()
MEANT = {
    "objects.money": "Financial",
    "objects.maybe-money": "Financial",
    "objects.payment": "Financial",
    "objects.moving": "Financial",
    "objects.orders": "Financial",
    "objects.paid": "Financial",
    "objects.neutral": "Write",
    "objects.answers": "Read",
    "objects.kept": "Write",
    "objects.languages": "Execute",
    "objects.asking": "Read",
    "phrases.permanent": "Destructive",
    "phrases.overwrites": "Destructive",
    "phrases.replaces": "Destructive",
    "phrases.spends": "Financial",
    "phrases.reads": "Read",
}
"""What the example of an entry comes out as, where its table is not named after a category."""


def tool(text: str) -> dict[str, Any]:
    return {"name": "", "description": text} if " " in text else {"name": text}


def expected(entry: Entry) -> str:
    category = entry.table.split(".")[1]
    return MEANT.get(entry.table) or (category if category in PRECEDENCE else "")


@pytest.mark.parametrize("table", KINDS)
def test_each_example_comes_out_as_its_table_says(table: str) -> None:
    found = [(entry, classify(tool(entry.example))) for entry in ENTRIES if entry.table == table and expected(entry)]
    assert [(each.word, each.example, said) for each, said in found if said.category != expected(each)] == []


def test_each_example_has_its_word() -> None:
    odd = [entry for entry in ENTRIES if not entry.table.startswith("purposes") and not _has(entry)]
    assert odd == []


def _has(entry: Entry) -> bool:
    plain = entry.example.lower().replace("_", " ").replace("-", " ")
    return all(word[:-1] in plain or word in plain for word in entry.word.replace("-", " ").split())


def test_purposes_are_told_from_the_name_of_a_server() -> None:
    for entry in ENTRIES:
        if entry.table == "purposes.money":
            found = classify_all([{"name": "transfer"}], entry.example)
            assert found[0].category == "Financial", entry
        if entry.table == "purposes.acting":
            assert classify({"name": entry.example}).category == "Execute", entry
        if entry.table == "purposes.shell":
            queried = [{"name": "run_query", "description": "Runs a read-only query."}]
            assert classify_all(queried, entry.example)[0].category == "Execute", entry
            assert classify_all(queried, "notes-server")[0].category == "Read"
        if entry.table == "purposes.screen":
            assert classify_all([{"name": "close_it"}], entry.example)[0].category == "Execute", entry


def test_no_word_stands_in_two_tables_of_verbs() -> None:
    counted = Counter(entry.word for entry in ENTRIES if entry.slot in ("verbs", "light", "open"))
    assert [word for word, times in counted.items() if times > 1] == []


def test_a_file_adds_words_and_overrides_those_that_are_known() -> None:
    ours = extended('[verbs.Destructive]\nobliterate = "obliterate_page"\nget = "get_page"\n', "ours.toml")
    assert classify({"name": "obliterate_page"}, ours).category == "Destructive"
    assert classify({"name": "get_page"}, ours).category == "Destructive"
    assert classify({"name": "get_page"}).category == "Read"
    assert ours.version != shipped().version


@pytest.mark.parametrize(
    ("text", "place", "cause"),
    [
        ("[verbs.Read\n", "ours.toml", "is not TOML"),
        ("[verbs.Harmless]\na = 'b'\n", "[verbs.Harmless]", "is no table of a lexicon"),
        ("[nouns]\na = 'b'\n", "[nouns]", "is no table of a lexicon"),
        ("a = 'b'\n", "[a]", "is no table of a lexicon"),
        ("[verbs.Read]\nPeek = 'peek_page'\n", "[verbs.Read] Peek", "lower case"),
        ('[verbs.Read]\n"" = "peek_page"\n', "[verbs.Read]", "lower case"),
        (f"[verbs.Read]\n{'a' * 99} = 'b'\n", "[verbs.Read]", "at most 60"),
        ("[verbs.Read]\npeek = 5\n", "[verbs.Read] peek", "has no example"),
        ("[verbs.Read]\npeek = ''\n", "[verbs.Read] peek", "has no example"),
        ('[pairs.Read]\n"a b c" = "a_b_c"\n', "[pairs.Read] a b c", "is no pair"),
    ],
)
def test_what_is_no_lexicon_is_refused_with_place_and_cause(text: str, place: str, cause: str) -> None:
    with pytest.raises(ToolgateError) as caught:
        entries_of(text, "ours.toml")
    assert place in caught.value.place
    assert cause in caught.value.cause
    assert caught.value.mend


def test_the_version_changes_with_each_word_and_not_with_their_order() -> None:
    some = ENTRIES[:50]
    assert lexicon_of(some).version == lexicon_of(reversed(some)).version
    assert lexicon_of(some).version != lexicon_of(some[1:]).version
    assert classifier.VERSION.startswith(f"{classifier.RULES}-")


def test_forms_of_verbs_are_known_and_nouns_are_no_verbs() -> None:
    forms = shipped().forms
    assert {forms[word].word for word in ("deletes", "deleting")} == {"delete"}
    assert {forms[word].word for word in ("queries", "querying")} == {"query"}
    assert {forms[word].word for word in ("searches", "removes", "running")} == {"search", "remove", "run"}
    assert is_verb("delete")
    assert not is_verb("table")


def test_importing_the_classifier_reads_no_lexicon() -> None:
    code = (
        "import toolgate.classifier.classify, toolgate.classifier.recommend;"
        "from toolgate.classifier.lexicon.files import shipped; print(shipped.cache_info().currsize)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"


def test_the_example_of_the_manual_is_a_lexicon() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "classifier.md").read_text("utf-8")
    text = manual.split("```toml\n")[1].split("```")[0]
    ours = extended(text, "ours.toml")
    assert {entry.example: classify(tool(entry.example), ours).category for entry in entries_of(text, "ours.toml")} == {
        "obliterate_index": "Destructive",
        "run_census": "Read",
    }
    assert {table for table in KINDS if table.split(".")[0] not in manual} == set()
