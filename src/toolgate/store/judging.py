"""What the tools of a server are taken for: judged when a version is stored, and never lowered by the server itself.

The category of a version is stored with it, so that another lexicon changes no decision. Of a version that takes the
place of another the riskier category of both counts, until a person judges: a server must not talk itself down.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from toolgate.background import complain
from toolgate.policy.categories import Category, category_of, riskier
from toolgate.store.database import AnyRow
from toolgate.store.tables import definitions as table

if TYPE_CHECKING:
    from toolgate.classifier.classify import Classification

_SIBLINGS: Final = 500
"""Other tools of a server that are looked at where only some are told: they say what the server is for."""


@dataclass(slots=True, frozen=True)
class Judgement:
    """What a version of a tool is taken for, and who says so; nobody has judged where `category` is None."""

    category: Category | None
    by: str = ""


NOBODY: Final = Judgement(None)


def judgement_of(row: AnyRow) -> Judgement:
    """What is stored of a version; a word that is no category counts as none."""
    category = category_of(row.category)
    return NOBODY if category is None else Judgement(category, row.judged_by)


def columns_of(judgement: Judgement) -> dict[str, object]:
    """A judgement as it is stored."""
    return {"category": judgement.category, "judged_by": judgement.by}


def heavier(one: Judgement, other: Judgement) -> Judgement:
    """The riskier of two; of equal ones the first. What nobody has judged gives way."""
    return one if riskier(one.category, other.category) == one.category else other


def classified(texts: Mapping[str, str], server: str) -> dict[str, Classification]:
    """What the present lexicon says of definitions (JSON texts by tool name), each beside all the others."""
    # Imported here, as below: the lexicons take 30 ms to load, and most commands judge nothing.
    from toolgate.classifier import classify

    return dict(zip(texts, classify.classify_all([json.loads(text) for text in texts.values()], server), strict=True))


def lexicon() -> str:
    """Who judges where no person does: the present lexicon, with its version."""
    from toolgate import classifier

    return f"lexicon {classifier.VERSION}"


def judged(texts: Mapping[str, str], server: str, wanted: Iterable[str]) -> dict[str, Judgement]:
    """What the present lexicon says of the tools that are wanted among these; of none where it fails at one of them."""
    names = set(wanted)
    if not names:
        return {}
    try:
        found, by = classified(texts, server), lexicon()
    except Exception as error:  # noqa: BLE001 - definitions are a stranger's: what cannot be judged stays undefined
        complain(f"the tools of server {server} could not be judged: {type(error).__name__}")
        return {}
    return {name: Judgement(found[name].category, by) for name in names}


def unjudged(connection: Connection, server_id: str, versions: Mapping[str, str]) -> list[str]:
    """Of the versions on offer (fingerprints by tool name) the names of those with no stored judgement."""
    columns = (table.c.name, table.c.fingerprint)
    query = sa.select(*columns).where(table.c.server_id == server_id, table.c.category.is_not(None))
    known = {(row.name, row.fingerprint) for row in connection.execute(query)}
    return [name for name, fingerprint in versions.items() if (name, fingerprint) not in known]


def siblings(connection: Connection, server_id: str, besides: Iterable[str]) -> dict[str, str]:
    """The definitions in force of other tools of the server, by name."""
    which = (table.c.server_id == server_id, table.c.status == "current")
    query = sa.select(table.c.name, table.c.definition).where(*which).order_by(table.c.name).limit(_SIBLINGS)
    left_out = set(besides)
    return {row.name: row.definition for row in connection.execute(query) if row.name not in left_out}


def standing(row: AnyRow | None, offered: Judgement, versions: Sequence[AnyRow], *, in_force: bool) -> Judgement:
    """What a version on offer is taken for; `row` where it is stored already, `offered` what is said of it now.

    The version that was in force until now is the one that is accepted still, be it gone for a while. Where nobody
    could judge that one, the riskiest of all versions counts; where nobody can judge the one on offer, nothing does.
    """
    own = offered if row is None or row.category is None else judgement_of(row)
    if not in_force or own.category is None:
        return own
    others = [each for each in versions if each.accepted is not None and each is not row]
    before = others[-1] if others else row
    if before is None or judgement_of(before) == NOBODY:
        return reduce(heavier, map(judgement_of, versions), own)
    return heavier(own, judgement_of(before))
