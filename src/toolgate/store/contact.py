"""Messages that visitors of the catalogue left: kept until an admin of the operator deletes them."""

from __future__ import annotations

import time
import unicodedata
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from toolgate.store.database import AnyRow, reading, writing
from toolgate.store.errors import BadInput, Busy, NotStored
from toolgate.store.members import check_email
from toolgate.store.tables import contact_messages as table

NAME_AT_MOST: Final = 200
MESSAGE_AT_MOST: Final = 5000
ABOUT_AT_MOST: Final = 300
"""Characters of what is written."""
KEPT_AT_MOST: Final = 5000
"""Messages; when so many are there, no more are taken until some are deleted."""
_VISITOR: Final = "visitor"
_NO_TEXT: Final = frozenset({"Cc", "Cs"})


@dataclass(slots=True, frozen=True)
class Message:
    """One message. `about` is the address of the page it was written from; `answered` in epoch seconds."""

    id: int
    time: float
    name: str
    email: str
    message: str
    about: str
    address: str
    answered: float | None


def add(engine: Engine, *, name: str, email: str, message: str, about: str = "", address: str = "") -> int:
    """Keep a message; returns its number. Raises BadInput for what is no message, Busy when there is no room."""
    email = check(name, email, message)
    values = {"name": name, "email": email, "message": message, "about": about[:ABOUT_AT_MOST], "address": address[:64]}
    with writing(engine, _VISITOR) as change:
        kept = change.connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
        if kept >= KEPT_AT_MOST:
            raise Busy("message", "can not be kept: there are too many already", "try again some days from now")
        made = change.connection.execute(table.insert().values(**values, time=time.time()).returning(table.c.id))
        return int(made.scalar_one())


def check(name: str, email: str, message: str) -> str:
    """Whether this may be a message; returns the e-mail as it is kept. Raises BadInput."""
    _check("name", name, NAME_AT_MOST)
    _check("message", message, MESSAGE_AT_MOST)
    return check_email("email", email)


def newest(engine: Engine, *, before: int | None = None, limit: int = 50) -> list[Message]:
    """The newest first, at most `limit`; with `before` only those with a smaller number."""
    query = sa.select(table).order_by(table.c.id.desc()).limit(limit)
    with reading(engine) as connection:
        return [
            _message(row) for row in connection.execute(query if before is None else query.where(table.c.id < before))
        ]


def get(engine: Engine, number: int) -> Message:
    """The message of this number. Raises NotStored."""
    with reading(engine) as connection:
        return _found(connection, number)


def waiting(engine: Engine) -> int:
    """How many nobody has marked as answered."""
    query = sa.select(sa.func.count()).select_from(table).where(table.c.answered.is_(None))
    with reading(engine) as connection:
        return int(connection.execute(query).scalar_one())


def mark(engine: Engine, actor: str, number: int, *, answered: bool) -> None:
    """Say that a message is answered, or is not. Raises NotStored."""
    with writing(engine, actor) as change:
        before = _found(change.connection, number)
        moment = time.time() if answered else None
        change.connection.execute(table.update().where(table.c.id == number).values(answered=moment))
        told = {"answered": before.answered is not None}
        change.event("change", "message", str(number), told, {"answered": answered})


def remove(engine: Engine, actor: str, number: int) -> None:
    """Delete a message; of what was written nothing stays. Raises NotStored."""
    with writing(engine, actor) as change:
        before = _found(change.connection, number)
        change.connection.execute(table.delete().where(table.c.id == number))
        change.event("remove", "message", str(number), before={"answered": before.answered is not None})


def _found(connection: Connection, number: int) -> Message:
    row = connection.execute(sa.select(table).where(table.c.id == number)).first()
    if row is None:
        raise NotStored("message", f"there is no message `{number}`", "the list shows those that there are")
    return _message(row)


def _message(row: AnyRow) -> Message:
    return Message(row.id, row.time, row.name, row.email, row.message, row.about, row.address, row.answered)


def _check(field: str, value: str, at_most: int) -> None:
    if not value.strip():
        raise BadInput(field, "is missing", "write it here")
    if any(unicodedata.category(char) in _NO_TEXT and char not in "\r\n\t" for char in value):
        raise BadInput(field, "holds signs that are no text", "type it again")
    if len(value) > at_most:
        raise BadInput(field, f"is longer than {at_most} characters", "say it shorter")
