"""What a person or an API token may do: a ladder of three roles, and the servers whose calls they may approve."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from toolgate.store.errors import BadInput
from toolgate.store.names import shown

Role: TypeAlias = Literal["viewer", "policy_manager", "admin"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)

Approves: TypeAlias = frozenset[str] | None
"""Ids of the servers whose waiting calls somebody may decide on; None for every server, also those to come."""

NONE: Final[frozenset[str]] = frozenset()
EVERY: Final = "*"


def check_role(place: str, role: str) -> Role:
    """The role of this name. Raises BadInput."""
    for known in ROLES:
        if known == role:
            return known
    raise BadInput(place, f"`{shown(role)}` is not a role", f"choose one of {', '.join(ROLES)}")


def reaches(role: Role, needed: Role) -> bool:
    """Whether somebody with `role` may do what needs `needed`."""
    return ROLES.index(role) >= ROLES.index(needed)


def written(approves: Approves) -> str:
    """The column `approver`."""
    if approves is None:
        return EVERY
    return json.dumps(sorted(approves)) if approves else ""


def read(column: str) -> Approves:
    """What the column `approver` says."""
    if column == EVERY:
        return None
    return frozenset(json.loads(column)) if column else NONE


def described(approves: Approves) -> str | list[str]:
    """For people and programs: `*` or a sorted list of ids."""
    return EVERY if approves is None else sorted(approves)


@dataclass(slots=True, frozen=True)
class Claimed:
    """A role for those of whom an identity provider says this: the claim is the value, or a list that holds it."""

    claim: str
    value: str
    role: Role

    def holds(self, claims: Mapping[str, object]) -> bool:
        """Whether it is said in these claims."""
        said = claims.get(self.claim)
        return self.value in said if isinstance(said, list) else self.value == said


def claimed(place: str, text: str) -> Claimed:
    """What `CLAIM=VALUE:ROLE` means. Raises BadInput."""
    said, colon, role = text.rpartition(":")
    claim, equals, value = said.partition("=")
    if not (colon and equals and claim and value):
        raise BadInput(place, f"`{shown(text)}` is not of the form CLAIM=VALUE:ROLE", "such as groups=ops:admin")
    return Claimed(claim, value, check_role(place, role))
