"""What stands around a held call: what its tool says of itself, and the rule that asks for a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from toolgate.policy.categories import Category, category_of
from toolgate.store.approvals import Approval
from toolgate.store.tables import definitions, policies, policy_revisions

Standing = Literal["same", "changed", "gone", "unknown"]
"""The tool's definition now, beside the one that the call was judged by; `unknown` where none was known then."""

_VERSIONS: Final = (definitions.c.fingerprint, definitions.c.definition, definitions.c.status, definitions.c.category)


@dataclass(slots=True, frozen=True)
class Tool:
    """The tool of a call by the definition it was judged by, and how that stands now; `now` is the one in force."""

    standing: Standing
    definition: dict[str, Any] | None
    now: dict[str, Any] | None
    category: Category | None
    """What the one in force is taken for."""

    @property
    def description(self) -> str:
        """What the server says the tool does."""
        text = (self.definition or {}).get("description", "")
        return text if isinstance(text, str) else ""


@dataclass(slots=True, frozen=True)
class Asking:
    """The policy and the rule that asked: `rule` is the part of the document, None where that is not stored here."""

    policy: str
    current: int | None
    rule: Any


def tool_of(connection: Connection, approval: Approval) -> Tool:
    """The definition of a call's tool, then and now."""
    named = (definitions.c.server_id == approval.server_id, definitions.c.name == approval.tool)
    rows = connection.execute(sa.select(*_VERSIONS).where(*named)).all()
    then = next((row.definition for row in rows if row.fingerprint == approval.fingerprint), None)
    now = next((row for row in rows if row.status == "current"), None)
    standing: Standing = "changed"
    if not approval.fingerprint:
        standing = "unknown"
    elif now is None:
        standing = "gone"
    elif now.fingerprint == approval.fingerprint:
        standing = "same"
    if now is None:
        return Tool(standing, _read(then), None, None)
    return Tool(standing, _read(then), _read(now.definition), category_of(now.category))


def _read(definition: str | None) -> dict[str, Any] | None:
    return None if definition is None else msgspec.json.decode(definition, type=dict[str, Any])


def asking(connection: Connection, approval: Approval) -> Asking:
    """The rule that asked, from the revision that was in force; `toolgate run` has its policy in a file of its own."""
    joined = policies.join(policy_revisions, policy_revisions.c.policy_id == policies.c.id)
    query = sa.select(policies.c.name, policies.c.revision, policy_revisions.c.document).select_from(joined)
    which = (policies.c.id == approval.policy_id, policy_revisions.c.revision == approval.revision)
    row = connection.execute(query.where(*which)).one_or_none()
    if row is None:
        return Asking(approval.policy_id, None, None)
    return Asking(row.name, row.revision, at_pointer(msgspec.json.decode(row.document), approval.rule))


def at_pointer(document: Any, pointer: str) -> Any:
    """The value that an RFC 6901 pointer leads to; None where there is none."""
    if not pointer.startswith("/"):
        return None
    found = document
    for part in pointer[1:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdigit() and int(key) < len(found):
            found = found[int(key)]
        else:
            return None
    return found
