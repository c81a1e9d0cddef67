"""Administering an installation elsewhere, by its REST API."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, cast
from urllib.parse import quote

import httpx2
import msgspec

from toolgate import __version__
from toolgate.cli import printing
from toolgate.cli.administration import Contradicted, Described, GrantTerms
from toolgate.errors import ToolgateError
from toolgate.store.errors import BadInput, Busy, NotStored
from toolgate.store.headers import HeaderInput
from toolgate.store.servers import Reach, Registration

_TIMEOUT: Final = 60.0
"""Seconds; a server that is registered is asked for its tools meanwhile."""
_PAGE: Final = 200
_UNREACHED: Final = frozenset({429, 502, 503, 504})


class Remote:
    """An `Administration` of the installation at `url`, with an API token of it."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        headers = {"authorization": f"Bearer {token}", "user-agent": f"toolgate/{__version__}"}
        self._http = httpx2.Client(base_url=f"{url}/api/v1/", headers=headers, timeout=_TIMEOUT)

    def close(self) -> None:
        """Free the connections."""
        self._http.close()

    def confirm(self, wait: float) -> None:
        """Nothing: the answer came when the gateways acted on the change."""

    def servers(self) -> list[Described]:
        """All servers."""
        return list(self._items("servers"))

    def server(self, reference: str) -> Described:
        """One server."""
        return self._object("GET", f"servers/{_part(reference)}")

    def add_server(self, name: str, registration: Registration) -> Described:
        """Register a server and fetch its tools."""
        made = self._object("POST", "servers", {"name": name, **_told(registration)}, new=True)
        return _without_warning(made, "the server is registered without tools")

    def change_server(self, server_id: str, registration: Registration, dropped: Sequence[str]) -> Described:
        """Change how a server is reached and fetch its tools."""
        body = {**_told(registration), "without": list(dropped)}
        changed = self._object("PATCH", f"servers/{_part(server_id)}", body)
        return _without_warning(changed, "its tools are those seen before")

    def capture_server(self, server_id: str, days: int | None) -> Described:  # noqa: ARG002 - the protocol's signature
        """Not from elsewhere: who reads calls is decided where they are stored."""
        raise BadInput("--capture", "is set on the machine of the gateway", "run the command there")

    def remove_server(self, reference: str) -> Described:
        """Remove a server and revoke its grants."""
        return self._object("DELETE", f"servers/{_part(reference)}")

    def tools(self, reference: str) -> list[Described]:
        """The tools of a server as last seen."""
        return list(self._items(f"servers/{_part(reference)}/tools"))

    def refresh_tools(self, reference: str) -> bool:
        """Ask a server for its tools."""
        try:
            self._object("POST", f"servers/{_part(reference)}/tools/refresh")
        except Busy as error:
            printing.warn(error.place, f"{error.cause}; these are the tools as last seen", error.mend)
            return False
        return True

    def accept_tools(self, reference: str, names: Sequence[str]) -> None:
        """Let in the withheld versions of these tools."""
        self._object("POST", f"servers/{_part(reference)}/tools/accept", {"tools": list(names)})

    def policies(self) -> list[Described]:
        """All policies."""
        return list(self._items("policies"))

    def policy(self, reference: str, revision: int | None) -> Described:
        """A policy with one of its documents and its history."""
        path = f"policies/{_part(reference)}"
        found = self._object("GET", path if revision is None else f"{path}/revisions/{revision}")
        return {**found, "history": list(self._items(f"{path}/revisions"))}

    def put_policy(self, name: str, text: str) -> Described:
        """Store a document as the new revision, whichever one is current."""
        known = any(policy["name"] == name for policy in self._items("policies"))
        headers = {"if-match": "*"} if known else {}
        stored = self._object("PUT", f"policies/{_part(name)}", text=text, headers=headers)
        return {key: value for key, value in stored.items() if key != "findings"}

    def remove_policy(self, reference: str) -> Described:
        """Remove a policy that no living grant is under."""
        return self._object("DELETE", f"policies/{_part(reference)}")

    def grants(self, server: str | None) -> list[Described]:
        """All grants, or those of one server."""
        return list(self._items("grants", {} if server is None else {"server": server}))

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
        return self._object("POST", "grants", body, new=True)

    def claim_grant(self, reference: str, claims: Mapping[str, object]) -> Described:
        """Say which access tokens lead to a grant."""
        return self._object("PATCH", f"grants/{_part(reference)}", {"claims": dict(claims)})

    def rotate_grant(self, reference: str) -> Described:
        """Give a grant a new token."""
        return self._object("POST", f"grants/{_part(reference)}/rotate", new=True)

    def revoke_grant(self, reference: str) -> Described:
        """Refuse a grant for good."""
        return self._object("POST", f"grants/{_part(reference)}/revoke")

    def attach_grant(self, reference: str, policy: str) -> Described:
        """Put a grant under another policy."""
        return self._object("POST", f"grants/{_part(reference)}/attach", {"policy": policy})

    def approvals(self, state: str) -> list[Described]:
        """Those in one state, or all."""
        return list(self._items("approvals", {"state": state}))

    def approval(self, reference: str) -> str:
        """One approval with its call, as it was sent here."""
        return self._ask("GET", f"approvals/{_part(reference)}").text

    def decide(self, reference: str, state: Literal["approved", "denied"], reason: str) -> Described:
        """Approve or refuse; who did is the token."""
        word = "approve" if state == "approved" else "deny"
        return self._object("POST", f"approvals/{_part(reference)}/{word}", {"reason": reason})

    def _items(self, path: str, query: Mapping[str, str] = {}) -> Iterator[Described]:
        """Every item of a list, page after page."""
        cursor: str | None = ""
        while cursor is not None:
            asked = {**query, "limit": _PAGE, **({"cursor": cursor} if cursor else {})}
            page = self._ask("GET", path, params=asked).json()
            yield from page["items"]
            cursor = page["next"]

    def _object(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        text: str = "",
        new: bool = False,
        headers: Mapping[str, str] = {},
    ) -> Described:
        """One exchange of JSON objects. What makes something `new` has a key, so that it is made once."""
        headers = {**headers, **({"idempotency-key": str(uuid.uuid4())} if new else {})}
        content = msgspec.json.encode(body) if body is not None else text.encode()
        if content:
            headers["content-type"] = "application/json"
        return cast("Described", self._ask(method, path, content=content, headers=headers).json())

    def _ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """The answer; raises ToolgateError for a problem, and Busy where nobody answered in time."""
        try:
            response = self._http.request(method, path, **request)
        except httpx2.HTTPError as error:
            raise Busy(self._url, f"cannot be reached: {error}", "check --url, and that the gateway runs") from error
        if not response.is_success:
            raise _problem(self._url, response)
        return response


def _problem(url: str, response: httpx2.Response) -> ToolgateError:
    """The error that a problem (RFC 9457) tells of."""
    try:
        told = response.json()
        place, cause, mend = str(told["place"]), str(told["detail"]), str(told.get("mend", ""))
    except (ValueError, KeyError, TypeError):
        cause = f"answered with status {response.status_code} and no problem of ours"
        return BadInput(url, cause, "is --url the address of a dashboard?")
    kinds: dict[int, type[ToolgateError]] = {404: NotStored, 409: Contradicted}
    kind = Busy if response.status_code in _UNREACHED else kinds.get(response.status_code, BadInput)
    return kind(place, cause, mend)


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


def _part(reference: str) -> str:
    """A reference as one segment of a path."""
    return quote(reference, safe="")
