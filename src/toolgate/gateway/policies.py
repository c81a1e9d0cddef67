"""Compiled policies by id, exchanged whole: a call is judged by one revision or by the next, never by a mixture."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from dataclasses import dataclass

import msgspec

from toolgate.background import complain, in_turns
from toolgate.errors import ToolgateError
from toolgate.policy.compiler import Policy
from toolgate.policy.slices import compile_in_slices
from toolgate.store.view import PolicyRow, View


@dataclass(slots=True, frozen=True)
class InForce:
    """A policy as calls are judged by it; `policy` is None where everything is denied."""

    policy: Policy | None
    id: str = ""
    revision: int = 0


NONE = InForce(None)


class Policies:
    """The policies that the grants of this process use. One that cannot be compiled denies everything, and says so."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._in_force: dict[str, InForce] = {}

    def get(self, policy_id: str | None) -> InForce:
        """The policy in force; compiled now when nobody has used it yet."""
        if policy_id is None:
            return NONE
        known = self._in_force.get(policy_id)
        if known is None:
            row = self._view.policy(policy_id)
            if row is None:
                return InForce(None, policy_id)
            known = self._in_force[policy_id] = _compiled(row)
        return known

    async def renew(self, policy_id: str) -> None:
        """Put the current revision in force; a big one is compiled in slices, and the old one judges until then."""
        if policy_id not in self._in_force:
            return
        row = self._view.policy(policy_id)
        if row is None:
            del self._in_force[policy_id]
            return
        self._in_force[policy_id] = await in_turns(_slices(row))


def _compiled(row: PolicyRow) -> InForce:
    slices = _slices(row)
    while True:
        try:
            next(slices)
        except StopIteration as done:
            return done.value  # type: ignore[no-any-return]


def _slices(row: PolicyRow) -> Generator[None, None, InForce]:
    try:
        text = _stored(row)
        yield
        policy = yield from compile_in_slices(text)
    except (ToolgateError, ValueError, KeyError, msgspec.MsgspecError) as error:
        complain(f"policy {row.name} revision {row.revision} denies everything: {error}")
        return InForce(None, row.id, row.revision)
    return InForce(policy, row.id, row.revision)


def _stored(row: PolicyRow) -> bytes:
    """The text of a revision that was validated when it was stored: whatever else stands there is not compiled."""
    text = row.document.encode()
    if hashlib.sha256(text).hexdigest() != row.digest:
        raise ToolgateError(f"policy {row.name}", "is not the text that was stored", "store it anew with `policy add`")
    return text
