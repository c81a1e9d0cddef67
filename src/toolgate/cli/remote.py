"""Administering an installation elsewhere, by its REST API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Final, Literal

import typer

from toolgate.cli import exits, printing
from toolgate.cli.administration import Described, GrantTerms
from toolgate.cli.exchange import Exchange, part
from toolgate.policy.categories import Category
from toolgate.store.errors import BadInput, Busy, NotStored
from toolgate.store.headers import HeaderInput
from toolgate.store.names import check_name, shown
from toolgate.store.servers import Reach, Registration

_CREDENTIALS: Final = ("headers", "variables")


class Remote:
    """An `Administration` of the installation that an API token is of."""

    def __init__(self, api: Exchange) -> None:
        self._api = api

    def confirm(self, wait: float) -> None:  # noqa: ARG002 - the protocol's signature
        """Warn and leave with 3 where the answer said that not every gateway acts on the change yet."""
        if not self._api.unconfirmed:
            return
        cause = "the change is stored, but not every gateway has confirmed it"
        printing.warn("gateway", cause, "look at the machine of the gateway: one of its processes may hang")
        raise typer.Exit(exits.UNREACHED)

    def servers(self) -> list[Described]:
        """All servers."""
        return list(self._api.items("servers"))

    def server(self, reference: str) -> Described:
        """One server."""
        return self._api.object("GET", f"servers/{part(reference)}")

    def add_server(self, name: str, registration: Registration) -> Described:
        """Register a server and fetch its tools."""
        made = self._api.object("POST", "servers", {"name": name, **_told(registration)}, new=True)
        return _without_warning(made, "the server is registered without tools")

    def change_server(self, server_id: str, registration: Registration, dropped: Sequence[str]) -> Described:
        """Change how a server is reached and fetch its tools."""
        now = self.server(server_id)
        # What stays is not sent: the operator may have set there what nobody may set from elsewhere.
        kept = Reach(**{field.name: now[field.name] for field in fields(Reach)})
        if replace(kept, allow_private=registration.reach.allow_private) == registration.reach:
            registration = replace(registration, reach=Reach(allow_private=registration.reach.allow_private))
        told = _told(registration)
        body = {name: value for name, value in told.items() if name in _CREDENTIALS or now[name] != value}
        body["without"] = list(dropped)
        changed = self._api.object("PATCH", f"servers/{part(server_id)}", body)
        return _without_warning(changed, "its tools are those seen before")

    def capture_server(self, server_id: str, days: int | None) -> Described:  # noqa: ARG002 - the protocol's signature
        """Not from elsewhere: who reads calls is decided where they are stored."""
        raise BadInput("--capture", "is set on the machine of the gateway", "run the command there")

    def remove_server(self, reference: str) -> Described:
        """Remove a server and revoke its grants."""
        return self._api.object("DELETE", f"servers/{part(reference)}")

    def stop_server(self, reference: str, reason: str) -> Described:
        """Deny every call of a server until it is resumed."""
        return self._api.object("POST", f"servers/{part(reference)}/stop", {"reason": reason})

    def resume_server(self, reference: str) -> Described:
        """Let a stopped server go on."""
        return self._api.object("POST", f"servers/{part(reference)}/resume")

    def tools(self, reference: str) -> list[Described]:
        """The tools of a server as last seen."""
        return list(self._api.items(f"servers/{part(reference)}/tools"))

    def refresh_tools(self, reference: str) -> bool:
        """Ask a server for its tools."""
        try:
            self._api.object("POST", f"servers/{part(reference)}/tools/refresh")
        except Busy as error:
            printing.warn(error.place, f"{error.cause}; these are the tools as last seen", error.mend)
            return False
        return True

    def tool_changes(self, reference: str) -> list[Described]:
        """What waits to be accepted, with how it differs from what is in force."""
        return list(self._api.object("GET", f"servers/{part(reference)}/tools/changes")["items"])

    def accept_versions(self, reference: str, fingerprints: Sequence[str]) -> None:
        """Let in exactly these withheld versions."""
        self._api.object("POST", f"servers/{part(reference)}/tools/accept", {"versions": list(fingerprints)})

    def judgements(self, reference: str) -> list[Described]:
        """How each tool of a server is judged, and what the present lexicon says of it."""
        return list(self._api.items(f"servers/{part(reference)}/tools/judgements"))

    def judge_tools(self, reference: str, categories: Mapping[str, Category]) -> list[Described]:
        """Judge tools of a server, by name."""
        chosen = [{"name": name, "category": category} for name, category in categories.items()]
        path = f"servers/{part(reference)}/tools/judgements"
        return list(self._api.object("PATCH", path, {"tools": chosen})["judged"])

    def reclassify_tools(self, reference: str, names: Sequence[str]) -> list[Described]:
        """Accept what the present lexicon says."""
        path = f"servers/{part(reference)}/tools/reclassify"
        return list(self._api.object("POST", path, {"tools": list(names) or None})["judged"])

    def policies(self) -> list[Described]:
        """All policies."""
        return list(self._api.items("policies"))

    def policy(self, reference: str, revision: int | None) -> Described:
        """A policy with one of its documents and its history."""
        path = f"policies/{part(reference)}"
        found = self._api.object("GET", path if revision is None else f"{path}/revisions/{revision}")
        return {**found, "history": list(self._api.items(f"{path}/revisions"))}

    def put_policy(self, name: str, text: str) -> Described:
        """Store a document as the new revision, whichever one is current."""
        check_name("policy name", name)
        known = any(policy["name"] == name for policy in self._api.items("policies"))
        headers = {"if-match": "*"} if known else {}
        stored = self._api.object("PUT", f"policies/{part(name)}", text=text, headers=headers)
        return {key: value for key, value in stored.items() if key != "findings"}

    def remove_policy(self, reference: str) -> Described:
        """Remove a policy that no living grant is under."""
        return self._api.object("DELETE", f"policies/{part(reference)}")

    def grants(self, server: str | None) -> list[Described]:
        """All grants, or those of one server."""
        return list(self._api.items("grants", {} if server is None else {"server": server}))

    def add_grant(self, terms: GrantTerms) -> Described:
        """Make a grant and its token."""
        expires = None if terms.expires is None else datetime.fromtimestamp(terms.expires, UTC).isoformat()
        body = {
            "server": terms.server,
            "label": terms.label,
            "policy": terms.policy,
            "principal": terms.principal,
            "labels": dict(terms.labels),
            "expires": expires,
            "claims": dict(terms.claims),
        }
        return self._api.object("POST", "grants", body, new=True)

    def claim_grant(self, reference: str, claims: Mapping[str, object]) -> Described:
        """Say which access tokens lead to a grant."""
        return self._api.object("PATCH", f"grants/{self._grant(reference)}", {"claims": dict(claims)})

    def rotate_grant(self, reference: str) -> Described:
        """Give a grant a new token."""
        return self._api.object("POST", f"grants/{self._grant(reference)}/rotate", new=True)

    def revoke_grant(self, reference: str) -> Described:
        """Refuse a grant for good."""
        return self._api.object("POST", f"grants/{self._grant(reference)}/revoke")

    def stop_grant(self, reference: str, reason: str) -> Described:
        """Deny every call of a grant until it is resumed."""
        return self._api.object("POST", f"grants/{self._grant(reference)}/stop", {"reason": reason})

    def resume_grant(self, reference: str) -> Described:
        """Let a stopped grant go on."""
        return self._api.object("POST", f"grants/{self._grant(reference)}/resume")

    def attach_grant(self, reference: str, policy: str) -> Described:
        """Put a grant under another policy."""
        return self._api.object("POST", f"grants/{self._grant(reference)}/attach", {"policy": policy})

    def _grant(self, reference: str) -> str:
        """How a path names the grant: a label may hold what no path can, then by its id."""
        if "/" not in reference and reference not in {".", ".."}:
            return part(reference)
        named = [grant for grant in self.grants(None) if grant["label"] == reference]
        found = [grant["id"] for grant in named if grant["revoked"] is None] or [grant["id"] for grant in named]
        if len(found) != 1:
            cause = f"{len(found) or 'no'} grants are labelled `{shown(reference)}`"
            raise NotStored("grant", cause, "use the id: `toolgate grant list` shows it")
        return str(found[0])

    def approvals(self, state: str) -> list[Described]:
        """Those in one state, or all; the API begins with the newest."""
        return list(self._api.items("approvals", {"state": state}))[::-1]

    def approval(self, reference: str) -> str:
        """One approval with its call, as it was sent here."""
        return self._api.ask("GET", f"approvals/{part(reference)}").text

    def decide(self, reference: str, state: Literal["approved", "denied"], reason: str) -> Described:
        """Approve or refuse; who did is the token."""
        word = "approve" if state == "approved" else "deny"
        return self._api.object("POST", f"approvals/{part(reference)}/{word}", {"reason": reason})


def _told(registration: Registration) -> dict[str, object]:
    """A registration as the API takes it. Raises BadInput for files, which would be those of another machine."""
    if registration.reach != Reach(allow_private=registration.reach.allow_private):
        mend = "register it on the machine of the gateway"
        raise BadInput("--ca-file", "certificates and proxies are files of the gateway's machine", mend)
    given = {header.name: _value(header) for header in registration.credentials}
    kind = "variables" if registration.command else "headers"
    way: dict[str, object] = (
        {"command": list(registration.command)}
        if registration.command
        else {"url": registration.url, "allow_private": registration.reach.allow_private}
    )
    return {**way, kind: given, "pin": registration.pin}


def _value(header: HeaderInput) -> object:
    return {"env": header.variable} if header.variable else header.value


def _without_warning(answer: Described, otherwise: str) -> Described:
    """The server as a local command shows it; why it was not reached goes to standard error."""
    warning = answer.pop("warning")
    if warning is not None:
        printing.warn(warning["place"], f"{warning['cause']}; {otherwise}", warning["mend"])
    return answer
