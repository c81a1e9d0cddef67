"""Who may administer an installation elsewhere, by its REST API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from toolgate.cli.administration import Described
from toolgate.cli.exchange import Exchange, part
from toolgate.cli.people import NewToken
from toolgate.store.errors import BadInput


class PeopleElsewhere:
    """The `People` of the organisation that an API token is of."""

    def __init__(self, api: Exchange) -> None:
        self._api = api

    def members(self) -> list[Described]:
        """All members."""
        return list(self._api.items("members"))

    def invite(self, email: str, name: str, role: str, approver: Sequence[str]) -> Described:
        """Invite somebody."""
        told = {"email": email, "name": name, "role": role, "approver": _listed(approver)}
        return self._api.object("POST", "members", told, new=True)

    def invite_again(self, reference: str) -> Described:
        """Make a new link for a member."""
        return self._api.object("POST", f"members/{part(reference)}/link")

    def change_member(
        self, reference: str, name: str | None, role: str | None, approver: Sequence[str] | None
    ) -> Described:
        """Change what is not None."""
        approves = None if approver is None else _listed(approver)
        return self._changed(reference, {"name": name, "role": role, "approver": approves})

    def disable_member(self, reference: str, *, disabled: bool) -> Described:
        """Keep a member out, or let them in again."""
        return self._changed(reference, {"disabled": disabled})

    def sign_out(self, reference: str) -> tuple[Described, int]:  # noqa: ARG002 - the protocol's signature
        """Not from elsewhere: the API has no sessions."""
        mend = "`toolgate member disable` ends their sessions, too; `enable` lets them in again"
        raise BadInput("--url", "sessions are ended on the machine of the gateway or in the dashboard", mend)

    def remove_member(self, reference: str) -> Described:
        """Forget a member."""
        return self._api.object("DELETE", f"members/{part(reference)}")

    def tokens(self) -> list[Described]:
        """All API tokens, the newest first."""
        return list(self._api.items("tokens"))

    def add_token(self, wanted: NewToken) -> Described:
        """Make an API token."""
        expires = "never" if wanted.expires is None else datetime.fromtimestamp(wanted.expires, UTC).isoformat()
        approver = _listed(wanted.approver)
        told = {"name": wanted.name, "role": wanted.role, "approver": approver, "expires": expires}
        return self._api.object("POST", "tokens", told, new=True)

    def revoke_token(self, reference: str) -> Described:
        """Refuse an API token for good."""
        return self._api.object("POST", f"tokens/{part(reference)}/revoke")

    def organisations(self) -> list[Described]:
        """All for tokens of the operator's organisation, for others their own."""
        return list(self._api.object("GET", "organisations")["items"])  # all on one page

    def add_organisation(self, name: str) -> Described:  # noqa: ARG002 - the protocol's signature
        """Not from elsewhere: there, it is made together with its first admin."""
        mend = "run it on the machine of the gateway, or use the dashboard's settings"
        raise BadInput("--url", "an organisation is not made from elsewhere without its first admin", mend)

    def _changed(self, reference: str, given: Mapping[str, object]) -> Described:
        said = {name: value for name, value in given.items() if value is not None}
        return self._api.object("PATCH", f"members/{part(reference)}", said)


def _listed(approver: Sequence[str]) -> object:
    """The API takes `*` as a word and servers as a list."""
    return "*" if list(approver) == ["*"] else list(approver)
