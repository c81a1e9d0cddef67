"""Which records somebody asks for, as a condition of SQL and as a test of one record."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass
from typing import NamedTuple

_BEGINNING = re.compile("[0-9a-f-]{4,36}")
_SEPARATOR = "\x1f"
_SEPARATORS = 5
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def words_of(message: str, rule: str, tool: str, label: str, principal: str, method: str) -> str:
    """All that a search looks at, as one text: to look at one is half the work of looking at six."""
    words = (
        f"{message}{_SEPARATOR}{rule}{_SEPARATOR}{tool}{_SEPARATOR}{label}{_SEPARATOR}{principal}{_SEPARATOR}{method}"
    )
    if words.count(_SEPARATOR) == _SEPARATORS:
        return words
    return _SEPARATOR.join(text.replace(_SEPARATOR, " ") for text in (message, rule, tool, label, principal, method))


class Brief(NamedTuple):
    """One record as the index knows it, without its entry; the fields are columns of `records`."""

    id: int
    time: float
    organisation_id: str
    outcome: str
    tool: str
    rule: str
    server_id: str
    grant_id: str
    grant_label: str
    policy_id: str
    words: str
    decision_id: str
    seq: int
    result: str | None
    """How the call ended, where that was known when the row was read."""

    @property
    def message(self) -> str:
        """Why it was decided so."""
        return self.words.split(_SEPARATOR)[0]

    @property
    def principal(self) -> str:
        """Whose grant it is."""
        return self.words.split(_SEPARATOR)[4]

    @property
    def method(self) -> str:
        """The method of the message."""
        return self.words.split(_SEPARATOR)[5]


@dataclass(slots=True, frozen=True)
class Filter:
    """Which records to list; what is empty does not restrict.

    `grant` is a label, an id, or how an id begins; `server` and `policy` are ids; `text` stands somewhere in the
    message, rule, tool, method, grant's label or principal, without regard to the case of ASCII letters. `since`
    (inclusive) and `until` (exclusive) are in epoch seconds. `organisations`: those whose records may be seen; "" is
    for what belongs to none.
    """

    grant: str = ""
    server: str = ""
    tool: str = ""
    outcome: str = ""
    rule: str = ""
    policy: str = ""
    text: str = ""
    decision_id: str = ""
    since: float = 0.0
    until: float = 0.0
    organisations: tuple[str, ...] = ()

    @property
    def narrow(self) -> bool:
        """Whether a record of an organisation in question may be left out."""
        return any((self.grant, self.server, self.tool, self.outcome, self.rule, self.policy, self.text))

    def condition(self) -> tuple[list[str], list[object]]:
        """The terms of a WHERE clause (all must hold), and the values for their question marks."""
        terms: list[str] = []
        values: list[object] = []
        for term, given in self._terms():
            terms.append(term)
            values += given
        return terms, values

    def _terms(self) -> list[tuple[str, list[object]]]:
        terms: list[tuple[str, list[object]]] = []
        if self.organisations:
            marks = ", ".join("?" * len(self.organisations))
            terms.append((f"organisation_id IN ({marks})", list(self.organisations)))
        if self.grant:
            begins = "OR grant_id BETWEEN ? AND ? || 'g'" if _BEGINNING.fullmatch(self.grant) else ""
            terms.append((f"(grant_id = ? OR grant_label = ? {begins})", [self.grant] * (4 if begins else 2)))
        terms += [(f"{column} = ?", [wanted]) for column, wanted in self._equal()]
        if self.text:
            terms.append((r"words LIKE ? ESCAPE '\'", [f"%{_literal(self.text)}%"]))
        if self.since:
            terms.append(("time >= ?", [self.since]))
        if self.until:
            terms.append(("time < ?", [self.until]))
        return terms

    def _equal(self) -> list[tuple[str, str]]:
        wanted = {
            "server_id": self.server,
            "tool": self.tool,
            "outcome": self.outcome,
            "rule": self.rule,
            "policy_id": self.policy,
            "decision_id": self.decision_id,
        }
        return [(column, value) for column, value in wanted.items() if value]

    def matches(self, record: Brief) -> bool:
        """Whether the condition holds for this record."""
        return (
            (not self.organisations or record.organisation_id in self.organisations)
            and all(getattr(record, column) == value for column, value in self._equal())
            and self._of_grant(record)
            and self._says(record)
            and (not self.since or record.time >= self.since)
            and (not self.until or record.time < self.until)
        )

    def _of_grant(self, record: Brief) -> bool:
        if not self.grant or self.grant in {record.grant_id, record.grant_label}:
            return True
        return bool(_BEGINNING.fullmatch(self.grant)) and record.grant_id.startswith(self.grant)

    def _says(self, record: Brief) -> bool:
        return not self.text or self.text.translate(_LOWER) in record.words.translate(_LOWER)


def _literal(text: str) -> str:
    """The text for LIKE, its own signs taken as they stand."""
    return re.sub(r"([\\%_])", r"\\\1", text)
