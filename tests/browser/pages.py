"""Every page of the dashboard, with something on it: what screenshots are made of and accessibility is checked on."""

from __future__ import annotations

from typing import Final

from toolgate.store import definitions, grants, members, policies, servers
from toolgate.store.approvals import ApprovalStore

from .office import EMAIL, Office

SERVER: Final = "github--github-mcp-server"
TOOL: Final = "delete_file"
"""Of the catalogue that comes in the box."""


def every_page(place: Office) -> dict[str, str]:
    """Name and path of each page that an admin sees; the installation is furnished."""
    engine = place.gateway.engine
    server = servers.get(engine, "shop").id
    version = definitions.of_server(engine, server)[0].fingerprint
    policy = policies.get(engine, "support").id
    parted = policies.get(engine, "parted").id
    held = {row.label: row.id for row in grants.every(engine, 0.0)}
    grant, stopped = held["support-bot"], held["mailer"]
    member = members.get(engine, EMAIL).id
    approval = ApprovalStore(place.gateway.data).every()[0].id
    decision = place.gateway.decisions(grant)[-1].decision_id
    return {
        "overview": "/",
        "servers": "/servers",
        "server-new": "/servers/new",
        "server": f"/servers/{server}",
        "server-stop": f"/servers/{server}/stop",
        "server-judge": f"/servers/{server}/judge?version={version}&category=Destructive",
        "connect": f"/connect/{server}",
        "policies": "/policies",
        "policy-new": "/policies/new",
        "policy": f"/policies/{policy}",
        "builder": f"/policies/{policy}/edit",
        "builder-flows": f"/policies/{parted}/edit?open=/tools/list_customers",
        "grants": "/grants",
        "grant-new": "/grants/new",
        "grant": f"/grants/{grant}",
        "grant-stop": f"/grants/{grant}/stop",
        "grant-stopped": f"/grants/{stopped}",
        "records": "/records",
        "record": f"/records/{decision}",
        "approvals": "/approvals",
        "approval": f"/approvals/{approval}",
        "members": "/members",
        "member-new": "/members/new",
        "member": f"/members/{member}",
        "catalogue": "/catalogue",
        "catalogue-servers": "/catalogue/servers",
        "catalogue-server": f"/catalogue/policies/{SERVER}",
        "catalogue-tool": f"/catalogue/tools/{SERVER}/{TOOL}",
        "catalogue-risk": "/catalogue/risk/critical",
        "catalogue-search": "/catalogue/search?q=delete+file",
        "catalogue-contact": "/catalogue/contact",
        "attacks": "/catalogue/attacks",
        "attack": "/catalogue/attacks/lethal-trifecta",
        "attack-replay": "/catalogue/attacks/duplicate-keys",
        "attack-kind": "/catalogue/attacks/category/path-traversal",
        "attack-frameworks": "/catalogue/attacks/frameworks",
        "messages": "/messages",
        "events": "/events",
        "settings": "/settings",
        "tokens": "/settings/tokens",
        "webhooks": "/settings/webhooks",
        "account": "/account",
        "patterns": "/patterns",
    }
