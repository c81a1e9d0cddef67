"""An organisation that has one of everything, and requests to each operation of the OpenAPI document."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from tests.control.api.asking import OPEN_POLICY, POLICY
from tests.control.inbox.desk import waits
from tests.control.journalling import decided, record
from tests.control.running import PASSWORD, Control

from toolgate.catalogue.entries import ServerFacts
from toolgate.control.api.building import document
from toolgate.keys import token_digest
from toolgate.store import definitions, grants, headers, members, policies, servers, tokens, webhooks
from toolgate.store.database import writing
from toolgate.store.definitions import Seen
from toolgate.store.headers import HeaderInput
from toolgate.store.members import Terms

NOWHERE = "http://127.0.0.1:9/mcp"
UNKNOWN = "00000000-0000-4000-8000-00000000dead"
SECRETS = ("s3cret-of-a-header", "s3cret-of-a-webhook")


OF_ALL: Final = frozenset({"attack_slug"})
"""What everybody has: it is shown whoever asks."""


@dataclass(slots=True, frozen=True)
class Operation:
    """One operation of the document."""

    method: str
    path: str
    told: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.told["operationId"])

    @property
    def role(self) -> str:
        return str(self.told["x-role"])

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)

    @property
    def changes(self) -> bool:
        return self.method != "GET"

    @property
    def body(self) -> Any:
        """The example that the document has for the body; None where there is none."""
        if "requestBody" not in self.told:
            return None
        content = self.told["requestBody"]["content"]["application/json"]
        if "example" in content:
            return content["example"]
        name = content["schema"]["$ref"].rsplit("/", 1)[1]
        return document()["components"]["schemas"][name]["examples"][0]

    def at(self, ids: Mapping[str, str]) -> str:
        """The path with these ids in it, and what the query needs."""
        filled = re.sub(r"{(\w+)}", lambda found: quote(ids.get(found[1], UNKNOWN), safe=""), self.path)
        needed = [it for it in self.told.get("parameters", []) if it["in"] == "query" and it.get("required")]
        query = urlencode({it["name"]: ids.get(it["name"], UNKNOWN) for it in needed})
        return f"{filled}?{query}" if query else filled


def operations() -> Iterator[Operation]:
    """All of the document."""
    for path, methods in document()["paths"].items():
        for method, told in methods.items():
            yield Operation(method.upper(), path, told)


@dataclass(slots=True, frozen=True)
class House:
    """What was made, and what must never be told."""

    ids: Mapping[str, str]
    secrets: tuple[str, ...]


async def furnish(control: Control, organisation: str, mark: str) -> House:
    """One of everything for this organisation. `mark` keeps apart what is unique in the installation."""
    engine, sealer = control.engine, control.state.master.sealer(headers.PURPOSE)
    credentials = [HeaderInput("authorization", SECRETS[0])]
    server = servers.add(
        engine, "test", "crm", NOWHERE, pin=True, credentials=credentials, sealer=sealer, organisation=organisation
    )
    for letter, trusted in (("a", True), ("b", False)):
        seen = Seen("create_contact", letter * 64, json.dumps({"name": "create_contact", "description": letter}))
        definitions.saw(engine, "test", server.id, [seen], trusted=trusted, organisation=organisation)
    for text in (POLICY, OPEN_POLICY):
        policy = policies.put(engine, "test", "careful", text, organisation=organisation)
    policies.put(engine, "test", "strict", POLICY, organisation=organisation)
    minted = grants.add(engine, "test", server="crm", policy="careful", label="ci", organisation=organisation)
    with writing(engine, "test", organisation) as change:
        member = members.insert(change, f"ada-{mark}@example.com", Terms("Ada", "viewer"), {"password": f"${PASSWORD}"})
    token = tokens.add(engine, "test", "deploy", "viewer", organisation=organisation)
    hook = webhooks.add(
        engine,
        "test",
        control.state.master.sealer(webhooks.PURPOSE),
        name="on-call",
        url=f"https://hooks.example/{SECRETS[1]}",
        organisation=organisation,
    )
    _shop(control, organisation)
    fields: dict[str, Any] = {
        "server_id": server.id,
        "server_name": "crm",
        "grant_id": minted.grant.id,
        "grant_label": "ci",
    }
    listed = [{"name": f"wipe_{mark}", "description": f"Delete everything of {mark}."}]
    for tools in ([], listed):
        facts = ServerFacts(f"acme/{mark}")
        control.state.catalogue().put(facts, tools, source="scan", now=time.time(), organisation=organisation)
    approval = waits(control.state, {"id": mark}, organisation=organisation, **fields)
    await record(control.state.data, [decided(f"decision-{mark}", time.time(), organisation=organisation)])
    ids = {
        "server": server.id,
        "policy": policy.id,
        "grant": minted.grant.id,
        "member": member.id,
        "token": token.token.id,
        "webhook": hook.webhook.id,
        "approval": approval.id,
        "decision_id": f"decision-{mark}",
        "revision": "1",
        "slug": f"acme--{mark}",
        "attack_slug": "path-prefix-bypass",
        "server_slug": f"acme--{mark}",
        "tool_slug": f"wipe_{mark}",
    }
    digests = (token_digest(minted.token), token_digest(token.secret))
    hidden = (minted.token, token.secret, hook.secret, PASSWORD, *(digest.hex() for digest in digests), *SECRETS)
    return House(ids, hidden)


def _shop(control: Control, organisation: str) -> None:
    """What the calls that wait are of, unless they say otherwise."""
    servers.add(control.engine, "test", "shop", NOWHERE, organisation=organisation)
    grants.add(control.engine, "test", server="shop", policy="careful", label="till", organisation=organisation)
