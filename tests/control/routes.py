"""Who may use which route of the dashboard: what its tests expect, written down apart from the application."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from tests.control.api.house import UNKNOWN

from toolgate.store.roles import Role

SIGNALS: Final = (
    "path", "url", "code", "markup", "secret", "mail", "many", "bulk", "admin", "untrusted", "sends", "undeclared",
)  # fmt: skip
"""The ids of risk signals."""

PAGES: Final[Mapping[str, Role]] = {
    "/": "viewer",
    "/account": "viewer",
    "/approvals": "viewer",
    "/approvals/state": "viewer",
    "/approvals/{id}": "viewer",
    "/approvals/{id}/rule": "policy_manager",
    "/approvals/{id}/state": "viewer",
    "/catalogue": "viewer",
    "/catalogue/apply/{server_slug}": "policy_manager",
    "/catalogue/attacks": "viewer",
    "/catalogue/attacks/category/{kind}": "viewer",
    "/catalogue/attacks/frameworks": "viewer",
    "/catalogue/attacks/verdict/{verdict}": "viewer",
    "/catalogue/attacks/{attack_slug}": "viewer",
    "/catalogue/category/destructive": "viewer",
    "/catalogue/category/execute": "viewer",
    "/catalogue/category/financial": "viewer",
    "/catalogue/category/read": "viewer",
    "/catalogue/category/write": "viewer",
    "/catalogue/contact": "viewer",
    "/catalogue/policies/{slug}": "viewer",
    "/catalogue/risk/critical": "viewer",
    "/catalogue/risk/high": "viewer",
    "/catalogue/risk/low": "viewer",
    "/catalogue/risk/medium": "viewer",
    "/catalogue/search": "viewer",
    "/catalogue/servers": "viewer",
    "/catalogue/tools/{slug}/{tool_slug}": "viewer",
    **{f"/catalogue/signals/{id_}": "viewer" for id_ in SIGNALS},
    "/connect/{server_id}": "admin",
    "/connect/{server_id}/disconnect": "admin",
    "/events": "admin",
    "/grants": "viewer",
    "/grants/new": "admin",
    "/grants/{id}": "viewer",
    "/grants/{id}/claims": "admin",
    "/grants/{id}/revoke": "admin",
    "/grants/{id}/rotate": "admin",
    "/grants/{id}/stop": "admin",
    "/grants/{id}/try": "admin",
    "/members": "admin",
    "/members/new": "admin",
    "/members/{member}": "admin",
    "/members/{member}/remove": "admin",
    "/messages": "admin",
    "/patterns": "viewer",
    "/policies": "viewer",
    "/policies/new": "policy_manager",
    "/policies/{policy}": "viewer",
    "/policies/{policy}/edit": "viewer",
    "/policies/{policy}/remove": "policy_manager",
    "/records": "viewer",
    "/records/{decision_id}": "viewer",
    "/servers": "viewer",
    "/servers/new": "admin",
    "/servers/{id}": "viewer",
    "/servers/{id}/change": "admin",
    "/servers/{id}/judge": "admin",
    "/servers/{id}/remove": "admin",
    "/servers/{id}/stop": "admin",
    "/settings": "admin",
    "/settings/tokens": "admin",
    "/settings/webhooks": "admin",
    "/settings/webhooks/{id}": "admin",
    "/settings/webhooks/{id}/remove": "admin",
}
"""Each with a twin: the same path and `.json`, `/overview.json` for the first."""

FILES: Final[Mapping[str, Role]] = {
    "/catalogue/llms.txt": "viewer",
    "/catalogue/policies/{slug}/policy.json": "viewer",
    "/catalogue/policies/{slug}/tightened.json": "viewer",
    "/catalogue/sitemap.xml": "viewer",
    "/live": "viewer",
    "/records.csv": "viewer",
    "/records.jsonl": "viewer",
}

ACTIONS: Final[Mapping[str, Role]] = {
    "/account/password": "viewer",
    "/account/provider": "viewer",
    "/account/sessions/end-others": "viewer",
    "/account/sessions/{session}/end": "viewer",
    "/approvals/{id}/approve": "viewer",
    "/approvals/{id}/deny": "viewer",
    "/approvals/{id}/rule": "policy_manager",
    "/connect/{server_id}": "admin",
    "/connect/{server_id}/disconnect": "admin",
    "/grants/new": "admin",
    "/grants/{id}/attach": "policy_manager",
    "/grants/{id}/claims": "admin",
    "/grants/{id}/resume": "admin",
    "/grants/{id}/revoke": "admin",
    "/grants/{id}/rotate": "admin",
    "/grants/{id}/stop": "admin",
    "/grants/{id}/try": "admin",
    "/members/new": "admin",
    "/members/{member}": "admin",
    "/members/{member}/link": "admin",
    "/members/{member}/remove": "admin",
    "/members/{member}/sessions/end": "admin",
    "/members/{member}/state": "admin",
    "/messages/{message}/remove": "admin",
    "/messages/{message}/state": "admin",
    "/policies/draft.json": "viewer",
    "/policies/new": "policy_manager",
    "/policies/{policy}/edit": "viewer",
    "/policies/{policy}/name": "policy_manager",
    "/policies/{policy}/remove": "policy_manager",
    "/policies/{policy}/rollback": "policy_manager",
    "/records/{decision_id}/said": "admin",
    "/servers/new": "admin",
    "/servers/{id}/accept": "admin",
    "/servers/{id}/change": "admin",
    "/servers/{id}/judge": "admin",
    "/servers/{id}/refresh": "admin",
    "/servers/{id}/remove": "admin",
    "/servers/{id}/resume": "admin",
    "/servers/{id}/stop": "admin",
    "/settings/organisations": "admin",
    "/settings/tokens": "admin",
    "/settings/tokens/{token}/revoke": "admin",
    "/settings/webhooks": "admin",
    "/settings/webhooks/{id}": "admin",
    "/settings/webhooks/{id}/remove": "admin",
    "/settings/webhooks/{id}/secret": "admin",
    "/settings/webhooks/{id}/switch": "admin",
    "/settings/webhooks/{id}/test": "admin",
    "/sign-out": "viewer",
}

OPEN: Final[Mapping[tuple[str, str], int]] = {
    ("GET", "/static/{digest}/{name:path}"): 404,
    ("GET", "/robots.txt"): 200,
    ("POST", "/catalogue/contact"): 403,
    ("GET", "/oauth/callback"): 303,
    ("GET", "/oauth/client.json"): 404,
    ("GET", "/decide/{signed}"): 404,
    ("GET", "/decide/{signed}.json"): 404,
    ("POST", "/decide/{signed}/approve"): 404,
    ("POST", "/decide/{signed}/deny"): 404,
    ("GET", "/sign-in"): 200,
    ("POST", "/sign-in"): 403,
    ("GET", "/sign-in/oidc"): 404,
    ("GET", "/sign-in/oidc/callback"): 404,
    ("GET", "/welcome/{token}"): 404,
    ("POST", "/welcome/{token}"): 403,
}
"""What needs no session, with the answer to somebody who brings nothing."""


@dataclass(slots=True, frozen=True)
class Way:
    """One method at one path of the table."""

    method: str
    path: str
    role: Role

    @property
    def twin(self) -> bool:
        return self.path.endswith(".json")

    @property
    def named(self) -> bool:
        """Whether the path names something of an organisation."""
        return "{" in self.path and not self.path.startswith("/catalogue/attacks/")

    def at(self, ids: Mapping[str, str]) -> str:
        """The path with these ids in it; `{id}` is of the kind that the path begins with."""
        kind = {"/servers": "server", "/grants": "grant", "/approvals": "approval"}.get(
            self.path[: self.path.find("/", 1)]
        )
        lists = {"kind": "path-traversal", "verdict": "stop"}
        known = {**lists, **ids, "id": ids.get(kind or "webhook", UNKNOWN), "server_id": ids.get("server", UNKNOWN)}
        return re.sub(r"{(\w+)}", lambda found: quote(known.get(found[1], UNKNOWN), safe=""), self.path)


def ways() -> Iterator[Way]:
    """All that needs somebody to be signed in."""
    for path, role in PAGES.items():
        yield Way("GET", path, role)
        yield Way("GET", "/overview.json" if path == "/" else f"{path}.json", role)
    for path, role in FILES.items():
        yield Way("GET", path, role)
    for path, role in ACTIONS.items():
        yield Way("POST", path, role)


WAYS: Final = tuple(ways())
CHANGES: Final = tuple(way for way in WAYS if way.method == "POST")
