"""The stored catalogue: what is put is found, with its history, by those who may see it."""

from __future__ import annotations

import stat
from pathlib import Path
from threading import Thread

import pytest
from tests.catalogue.samples import NOW, SERVERS, catalogue, tool

from toolgate import classifier
from toolgate.catalogue.entries import ServerFacts
from toolgate.catalogue.file import note
from toolgate.catalogue.shared import SharedCatalogue
from toolgate.catalogue.store import open_catalogue
from toolgate.store.errors import Conflict, StoreError
from toolgate.store.tables import DEFAULT_ORGANISATION

FILES = ServerFacts("acme/files")
OURS = DEFAULT_ORGANISATION


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    with catalogue(tmp_path):
        assert stat.S_IMODE((tmp_path / "catalogue.db").stat().st_mode) == 0o600


def test_everything_is_counted_once(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened:
        counts = opened.counts()
        assert (counts.servers, counts.tools) == (4, 8) == (len(opened.all_servers()), len(list(opened.all_tools())))
        assert sum(counts.by_category.values()) == sum(counts.by_risk.values()) == 8
        assert counts.by_signal["path"] == opened.tools(signal="path").total == 2


def test_a_tool_is_told_with_its_judgement_and_definition(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened:
        opened.put(FILES, SERVERS["acme/files"], source="import", now=NOW)
        entry = opened.tool("acme--files", "delete_file")
        assert entry is not None
        assert (entry.server, entry.name, entry.category, entry.risk) == (
            "acme/files",
            "delete_file",
            "Destructive",
            "Critical",
        )
        assert entry.parameters == ("path",)
        assert entry.definition == SERVERS["acme/files"][1]
        assert (entry.first_seen, entry.last_seen, len(entry.fingerprint)) == (NOW, NOW, 64)
        assert opened.tool("acme--files", "nobody") is None
        assert opened.server("nobody") is None
        assert opened.every_tool("nobody") == []


def test_a_server_is_told_with_counts_and_the_risk_of_its_riskiest_tool(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened:
        opened.put(FILES, SERVERS["acme/files"], source="import", now=NOW)
        entry = opened.server("acme--files")
        assert entry is not None
        assert (entry.tools, entry.counts["Read"], entry.counts["Destructive"], entry.risk) == (2, 1, 1, "Critical")
        assert entry.tokens
        opened.put(FILES, [], source="import", now=NOW + 1)
        emptied = opened.server("acme--files")
        assert emptied is not None
        assert (emptied.tools, emptied.risk, emptied.tokens) == (0, None, None)


def test_a_second_list_tells_what_changed_and_keeps_what_was(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened:
        first = [tool("a", "Read it."), tool("b", "Read it."), tool("c", "Read it.")]
        assert opened.put(FILES, first, source="scan", now=NOW, organisation=OURS).added == ("a", "b", "c")
        second = [tool("b", "Delete everything for good.", path="string"), tool("c", "Read it."), tool("d", "Run it.")]
        drift = opened.put(FILES, second, source="scan", now=NOW + 60, organisation=OURS)
        assert (drift.added, drift.changed, drift.removed, drift.same) == (("d",), ("b",), ("a",), ("c",))
        newest, oldest = opened.history("acme--files", "b", OURS)
        assert {"description", "parameter `path` added"} <= set(newest.changed)
        assert (oldest.changed, oldest.first_seen, oldest.last_seen) == ((), NOW, NOW)
        assert newest.definition == second[0]
        (gone,) = opened.history("acme--files", "a", OURS)
        assert gone.gone == NOW + 60
        assert opened.tool("acme--files", "a", OURS) is None
        (same,) = opened.history("acme--files", "c", OURS)
        assert (same.first_seen, same.last_seen, same.gone) == (NOW, NOW + 60, None)


def test_a_tool_that_comes_back_says_so(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened:
        for moment, tools in enumerate(([tool("a")], [], [tool("a")])):
            opened.put(FILES, tools, source="import", now=NOW + moment)
        newest, oldest = opened.history("acme--files", "a")
        assert (newest.changed, newest.gone, oldest.gone) == (("listed again",), None, NOW + 1)


def test_the_oldest_versions_go_first(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened, opened.together():
        for moment in range(25):
            opened.put(FILES, [tool("a", f"Version {moment}.")], source="import", now=NOW + moment)
        kept = opened.history("acme--files", "a")
        assert [version.first_seen for version in kept] == [NOW + moment for moment in range(24, 4, -1)]


def test_versions_of_tools_that_are_gone_are_bounded(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened, opened.together():
        for moment in range(3):
            tools = [tool(f"t{moment}x{number}") for number in range(300)]
            opened.put(FILES, tools, source="import", now=NOW + moment)
        gone = sum(len(opened.history("acme--files", f"t{moment}x{it}")) for moment in range(2) for it in range(300))
        assert gone == 500


def test_what_an_organisation_scanned_no_other_sees(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened:
        opened.put(ServerFacts("our/own"), [tool("drop_secret_table")], source="scan", now=NOW, organisation=OURS)
        for sees, organisation in ((1, OURS), (0, ""), (0, "another")):
            assert opened.tools(sought="secret table", organisation=organisation).total == sees
            assert opened.servers(sought="own", organisation=organisation).total == sees
            assert (opened.server("our--own", organisation) is not None) == bool(sees)
            assert len(opened.every_tool("our--own", organisation)) == sees
            assert len(opened.history("our--own", "drop_secret_table", organisation)) == sees
            assert len(opened.all_servers(organisation)) == 4 + sees
            assert len(list(opened.all_tools(organisation))) == 8 + sees
        assert opened.counts().servers == 4


def test_an_organisation_sees_its_own_in_place_of_the_public_one(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened:
        opened.put(FILES, [tool("read_file")], source="scan", now=NOW, organisation=OURS)
        assert [entry.source for entry in opened.servers(sought="files", organisation=OURS).items] == ["scan"]
        assert opened.tools(server="acme--files", organisation=OURS).total == 1
        assert opened.tools(sought="file", organisation=OURS).total == 1
        assert len(opened.all_servers(OURS)) == 4
        assert opened.tools(server="acme--files").total == 2


def test_filters_are_met_all_at_once_with_words_and_without(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened:
        for sought in ("", "file"):
            found = opened.tools(sought=sought, category="Destructive", signal="path", risk="Critical")
            assert [entry.name for entry in found.items] == ["delete_file"]
            assert opened.tools(sought=sought, category="Destructive", risk="Low").total == 0
            assert opened.tools(sought=sought, category="no such").items == []
        assert [each.slug for each in opened.servers(category="Financial").items] == ["npm--acme--stripe"]
        assert {each.slug for each in opened.servers(signal="path").items} == {"acme--files"}


def test_pages_hold_everything_once(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened:
        for sought in ("", "a"):
            everything = opened.tools(sought=sought)
            pages = [opened.tools(sought=sought, start=start, limit=3) for start in range(0, 9, 3)]
            assert [entry for page in pages for entry in page.items] == everything.items
            assert {page.total for page in pages} == {everything.total}


def test_a_slug_of_another_server_is_refused_and_nothing_is_stored(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened:
        with opened.together(), opened._file.writing() as db:
            db.execute("UPDATE servers SET name = 'made to collide' WHERE slug = 'acme--files'")
        with pytest.raises(Conflict, match="acme/files"):
            opened.put(FILES, [tool("x")], source="import", now=NOW)
        assert opened.tools(server="acme--files").total == 2


def test_an_upgraded_lexicon_judges_anew(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened:
        opened.put(FILES, SERVERS["acme/files"], source="import", now=NOW)
        with opened._file.writing() as db:
            db.execute("UPDATE tools SET category = 'Read', risk = 'Low' WHERE name = 'delete_file'")
            note(db, "lexicon", "an older one")
    with catalogue(tmp_path) as opened:
        entry = opened.tool("acme--files", "delete_file")
        assert entry is not None
        assert entry.category == "Destructive"
        assert entry.definition == SERVERS["acme/files"][1]
        assert opened.tools(sought="delete file", category="Destructive").total == 1
        server = opened.server("acme--files")
        assert server is not None
        assert server.risk == "Critical"
        assert opened.reclassify() == 0
        assert opened._file.path.exists()
        assert classifier.VERSION


def test_threads_share_a_catalogue(tmp_path: Path) -> None:
    with catalogue(tmp_path) as opened:
        totals: list[int] = []
        threads = [Thread(target=lambda: totals.append(opened.tools(sought="file").total)) for _ in range(8)]
        for thread in threads:
            thread.start()
        opened.put(ServerFacts("late"), [tool("x")], source="import", now=NOW)
        for thread in threads:
            thread.join()
        assert totals == [2] * 8


def test_a_shared_catalogue_is_opened_by_whoever_comes_first_and_again_after_it_was_closed(tmp_path: Path) -> None:
    shared = SharedCatalogue(tmp_path, box=b"")
    assert shared() is shared()
    shared.close()
    assert shared().counts().servers == 0
    shared.close()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "catalogue.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match=r"catalogue\.db"), open_catalogue(tmp_path, box=b""):
        pass


def test_a_file_of_a_later_release_is_left_alone(tmp_path: Path) -> None:
    with open_catalogue(tmp_path, box=b"") as opened, opened._file.writing() as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="has version 99"), open_catalogue(tmp_path, box=b""):
        pass
