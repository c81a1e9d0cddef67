"""Judgements of people: of what category a tool is, whatever a lexicon says; and what the present lexicon would say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from toolgate.policy.categories import Category
from toolgate.store import servers
from toolgate.store.database import AnyRow, Writing, reading, writing
from toolgate.store.definitions import NAMED
from toolgate.store.errors import Conflict, NotStored
from toolgate.store.judging import Judgement, classified, columns_of, judged, judgement_of, lexicon, standing
from toolgate.store.names import shown
from toolgate.store.tables import DEFAULT_ORGANISATION
from toolgate.store.tables import definitions as table
from toolgate.store.tables import servers as server_table

if TYPE_CHECKING:
    from toolgate.classifier.classify import Classification

_STANDING = ("current", "withheld")

AT_START = 20_000
"""Versions that one start of the control process judges; the others are judged when they are next seen."""


@dataclass(slots=True, frozen=True)
class Chosen:
    """What somebody says of a tool: of exactly one version of it where a `fingerprint` is given."""

    name: str
    category: Category
    fingerprint: str = ""


@dataclass(slots=True, frozen=True)
class Judged:
    """A version of a tool and how it was and is judged."""

    name: str
    fingerprint: str
    before: Judgement
    after: Judgement


@dataclass(slots=True, frozen=True)
class Proposal:
    """A tool as it is judged, and what the present lexicon says of it; `status` as that of a version."""

    name: str
    fingerprint: str
    status: str
    judgement: Judgement
    classification: Classification

    @property
    def differs(self) -> bool:
        """Whether the present lexicon would judge otherwise."""
        return self.judgement.category != self.classification.category


def judge(
    engine: Engine,
    actor: str,
    server: str,
    chosen: Iterable[Chosen],
    *,
    by: str = "",
    organisation: str = DEFAULT_ORGANISATION,
) -> list[Judged]:
    """Judge tools of a server (name or id); effective at once. Returns those whose judgement changed.

    It is said of the version in force, else of the one that is withheld. `by`: who judged, where it is not the actor
    (a lexicon whose word is accepted). Raises NotStored, and Conflict where a version is there no more.
    """
    with writing(engine, actor, organisation) as change:
        server_id = servers.find(change.connection, server, organisation=organisation).id
        present = {row.name: row for row in _present(change.connection, server_id)}
        changed = [
            Judged(each.name, row.fingerprint, judgement_of(row), Judgement(each.category, by or actor))
            for each in chosen
            if (row := _meant(present, each)).category != each.category
        ]
        for one in changed:
            _store(change.connection, present[one.name].id, one.after)
        _tell(change, server_id, changed)
        return changed


def _meant(present: dict[str, AnyRow], chosen: Chosen) -> AnyRow:
    row = present.get(chosen.name)
    if row is None:
        raise _no_tool(chosen.name)
    if chosen.fingerprint not in {"", row.fingerprint}:
        cause = f"`{shown(chosen.name)}` has another definition than the one that was shown"
        raise Conflict("tool", cause, "look at it again, and judge that")
    return row


def _store(connection: Connection, version_id: int, judgement: Judgement) -> None:
    connection.execute(table.update().where(table.c.id == version_id).values(**columns_of(judgement)))


def _tell(change: Writing, server_id: str, changed: Sequence[Judged]) -> None:
    """An event for each so many tools: none is left out, and none is of any size."""
    for start in range(0, len(changed), NAMED):
        some = changed[start : start + NAMED]
        before = {one.name: one.before.category for one in some}
        after = {one.name: one.after.category for one in some}
        by = sorted({one.after.by for one in some})
        change.note("judge", "definitions", server_id, {"categories": before}, {"categories": after, "judged_by": by})


def proposals(engine: Engine, server: str, *, organisation: str = DEFAULT_ORGANISATION) -> list[Proposal]:
    """Every tool of a server by name, with what the present lexicon says of it (0.2 ms a tool). Raises NotStored."""
    with reading(engine) as connection:
        found = servers.find(connection, server, organisation=organisation)
        present = {row.name: row for row in _present(connection, found.id)}
    said = classified({name: row.definition for name, row in present.items()}, found.name)
    return [
        Proposal(name, row.fingerprint, row.status, judgement_of(row), said[name])
        for name, row in sorted(present.items())
    ]


def reclassify(
    engine: Engine, actor: str, server: str, names: Collection[str] = (), *, organisation: str = DEFAULT_ORGANISATION
) -> list[Judged]:
    """Accept what the present lexicon says of these tools, or of all. Returns and raises what `judge` does."""
    said = {one.name: one for one in proposals(engine, server, organisation=organisation)}
    wanted = [_proposed(said, name) for name in names] if names else list(said.values())
    chosen = [Chosen(one.name, one.classification.category, one.fingerprint) for one in wanted]
    return judge(engine, actor, server, chosen, by=lexicon(), organisation=organisation)


def _proposed(said: Mapping[str, Proposal], name: str) -> Proposal:
    if name not in said:
        raise _no_tool(name)
    return said[name]


def _no_tool(name: str) -> NotStored:
    return NotStored("tool", f"the server has no tool `{shown(name)}`", "`toolgate server tools` shows those there are")


def judge_known(engine: Engine, actor: str) -> int:
    """Judge what a release without a lexicon stored; returns how many versions were judged. Takes 0.2 ms for each.

    At most `AT_START` versions; a transaction for each server.
    """
    done = 0
    for server in _unjudged_servers(engine):
        if done >= AT_START:
            break
        done += _judge_server(engine, actor, server)
    return done


def _unjudged_servers(engine: Engine) -> list[AnyRow]:
    query = (
        sa.select(server_table.c.id, server_table.c.name, server_table.c.organisation_id)
        .join(table, table.c.server_id == server_table.c.id)
        .where(server_table.c.removed.is_(None), table.c.status != "gone", table.c.category.is_(None))
        .distinct()
    )
    with reading(engine) as connection:
        return list(connection.execute(query))


def _judge_server(engine: Engine, actor: str, server: AnyRow) -> int:
    with reading(engine) as connection:
        rows = [row for row in _versions(connection, server.id) if row.category is None][:AT_START]
        present = {row.name: row.definition for row in _present(connection, server.id)}
        history = _history(connection, server.id)
    found = {
        row.id: standing(row, judgement, history[row.name], in_force=status == "current")
        for status in _STANDING
        for row, judgement in _said(rows, status, present, server.name)
    }
    with writing(engine, actor, server.organisation_id) as change:
        changed = [
            Judged(row.name, row.fingerprint, judgement_of(row), found[row.id])
            for row in rows
            if row.id in found and _store_first(change.connection, row.id, found[row.id])
        ]
        _tell(change, server.id, changed)
    return len(changed)


def _said(
    rows: Iterable[AnyRow], status: str, present: Mapping[str, str], server: str
) -> Iterator[tuple[AnyRow, Judgement]]:
    """What the lexicon says of the versions of one status, each beside what is present of the other tools."""
    mine = {row.name: row for row in rows if row.status == status}
    found = judged({**present, **{name: row.definition for name, row in mine.items()}}, server, mine)
    for name, judgement in found.items():
        yield mine[name], judgement


def _history(connection: Connection, server_id: str) -> dict[str, list[AnyRow]]:
    """Every version of every tool by name, without the definitions."""
    columns = (table.c.name, table.c.accepted, table.c.category, table.c.judged_by)
    found: dict[str, list[AnyRow]] = {}
    for row in connection.execute(sa.select(*columns).where(table.c.server_id == server_id).order_by(table.c.id)):
        found.setdefault(row.name, []).append(row)
    return found


def _store_first(connection: Connection, version_id: int, judgement: Judgement) -> bool:
    """Whether nobody judged it meanwhile."""
    open_still = (table.c.id == version_id, table.c.category.is_(None))
    return connection.execute(table.update().where(*open_still).values(**columns_of(judgement))).rowcount == 1


def _versions(connection: Connection, server_id: str) -> Iterator[AnyRow]:
    """The versions in force or withheld, by name, the one in force last."""
    which = (table.c.server_id == server_id, table.c.status != "gone")
    yield from connection.execute(sa.select(table).where(*which).order_by(table.c.name, table.c.status.desc()))


def _present(connection: Connection, server_id: str) -> list[AnyRow]:
    """Of each tool the version in force, else the one that is withheld."""
    return list({row.name: row for row in _versions(connection, server_id)}.values())
