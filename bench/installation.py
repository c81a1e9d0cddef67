"""A data directory as it is after weeks of use: servers, policies, grants, and a journal with real entries.

    python -m bench.installation DIRECTORY [--records 100000] [--grants 1000] [--servers 200]

Always the same for the same numbers (but for ids and the journal's hashes), and spread over the seven days before now.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from toolgate.audit.journal import Journal
from toolgate.audit.records import Decision, Entry, Gap, LimitFacts, Outcome, Refused, Result, Sum
from toolgate.classifier.recommend import recommended_text
from toolgate.control.discovering import seen_of
from toolgate.keys import MasterKey
from toolgate.policy.decision import Charge, Unit
from toolgate.store import definitions, grants, policies, servers
from toolgate.store.database import open_database, writing
from toolgate.store.tables import DEFAULT_ORGANISATION

SPAN = 7 * 86_400
TOOLS = ("search_issues", "create_issue", "get_file", "run_query", "create_charge", "send_message", "list_channels")
Verdict: TypeAlias = Literal["allow", "deny", "wait"]
RARE_TOOL = "drop_database"
RULES = {
    "require_approval": [{"conditions": [{"path": "args.note", "op": "contains", "value": "ask"}]}],
    "deny_if": [
        {
            "conditions": [{"path": "args.amount", "op": "gt", "value": 10000}],
            "on_deny": "Amounts above 100.00 need a person.",
        }
    ],
    "limits": [{"counter": "calls", "window": "minute", "max": 30, "scope": "grant"}],
}
ABOUT = "Needs a token that may see the repository; long lists come in pages of 30."
PARAMETERS = {
    "owner": {"type": "string", "description": "The user or organisation that owns the repository."},
    "repo": {"type": "string", "description": "The name of the repository."},
    "number": {"type": "integer", "description": "The number of the item, where it has one.", "minimum": 1},
    "path": {"type": "string", "description": "The path to the file, from the root of the repository."},
    "state": {"type": "string", "enum": ["open", "closed", "all"]},
    "labels": {"type": "array", "items": {"type": "string"}},
    "body": {"type": "string", "description": "The text, in Markdown."},
}
POLICY = {"version": "1", "default": "deny", "tools": dict.fromkeys(TOOLS, RULES)}
ENDS: tuple[Result, ...] = ("result",) * 17 + ("tool_error", "rpc_error", "timeout")


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    records: int = 100_000
    grants: int = 1_000
    servers: int = 200
    policies: int = 50


@dataclass(frozen=True)
class Holder:
    """A grant, as its calls name it."""

    id: str
    label: str
    server_id: str
    policy_id: str


def build(data: Path, size: Size = Size()) -> list[Holder]:
    """Fill an empty directory; the index of its journal is left to whoever uses it."""
    engine = open_database(data)
    chance = random.Random(size.records)
    holders = _register(engine, size)
    engine.dispose()
    asyncio.run(_write(data, size, holders, chance))
    return holders


def add_ordinary(engine: Engine) -> tuple[str, str]:
    """A server with 30 tools as people really have them, under the recommended policy; the ids of the two.

    Nobody has called it, so looking for its last decisions is looking through all of them.
    """
    tools = [
        {
            "name": f"{verb}_{thing}",
            "description": f"{verb.capitalize()} one or more items of the kind {thing} in a repository. {ABOUT}",
            "inputSchema": {"type": "object", "properties": PARAMETERS, "required": ["owner", "repo"]},
        }
        for thing in ("issue", "pull_request", "file", "branch", "comment")
        for verb in ("get", "list", "search", "create", "update", "delete")
    ]
    server = servers.add(engine, "bench", "hub", "http://127.0.0.1:9/mcp").id
    definitions.saw(engine, "bench", server, [seen_of(json.dumps(tool).encode()) for tool in tools], trusted=True)
    policy = policies.put(engine, "bench", "hub", recommended_text(tools)).id
    grants.add(engine, "bench", server="hub", policy="hub", label="hub")
    return server, policy


def _register(engine: Engine, size: Size) -> list[Holder]:
    policy_ids = [policies.put(engine, "bench", f"rules-{n}", json.dumps(POLICY)).id for n in range(size.policies)]
    server_ids = [servers.add(engine, "bench", f"mcp-{n}", "http://127.0.0.1:9/mcp").id for n in range(size.servers)]
    seen = [seen_of(json.dumps({"name": tool, "inputSchema": {"type": "object"}}).encode()) for tool in TOOLS]
    for server_id in server_ids:
        definitions.saw(engine, "bench", server_id, seen, trusted=True)
    with writing(engine, "bench") as change:
        for number in range(size.grants):
            server, policy = server_ids[number % size.servers], policy_ids[number % size.policies]
            terms = grants.Terms(server, policy, f"person-{number % 37}", {}, None)
            grants.insert(change, _id(number), f"agent-{number}", terms, f"token-{number}")
        found = change.connection.execute(sa.text("SELECT id, label, server_id, policy_id FROM grants ORDER BY id"))
        return [Holder(*row) for row in found]


def _id(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-{number:012x}"


async def _write(data: Path, size: Size, holders: list[Holder], chance: random.Random) -> None:
    master = MasterKey.load(data)
    journal = Journal.open(data / "journal", master.signer(), "bench", "none", master.id)
    end = time.time() - 60
    for number, entry in enumerate(entries(size, holders, journal, chance, end)):
        await journal.record(entry)
        if number % 1000 == 0:
            await asyncio.sleep(0)
    await journal.close()


def entries(size: Size, holders: list[Holder], journal: Journal, chance: random.Random, end: float) -> Iterator[Entry]:
    """So many records in the order of their times, each allowed one followed by its outcome."""
    step = SPAN / size.records
    weights = [1 / (rank + 10) for rank in range(len(holders))]
    for number, holder in enumerate(chance.choices(holders, weights, k=size.records)):
        now = end - SPAN + number * step
        match number % 1000:
            case 997:
                yield Sum(time=now, grant_id=holder.id, rule=_rule("run_query"), count=40, since=now - 10)
            case 998:
                yield Refused(time=now, reason="unknown token", addresses="192.0.2.0/24", count=7, since=now - 10)
            case 999:
                yield Gap(time=now, cause="no space left on device", since=now - 5, refused=3, ended=True)
            case _:
                yield from _call(number, now, holder, journal.new_id(), chance)


def _rule(tool: str) -> str:
    return f"/tools/{tool}/deny_if/0"


def _call(number: int, now: float, holder: Holder, decision_id: str, chance: random.Random) -> Iterator[Entry]:
    tool = RARE_TOOL if number == 1234 else chance.choice(TOOLS)
    lot = chance.random()
    verdict, rule, message, limit = _verdict(tool, lot, now)
    charge = Charge(
        f"grant:{holder.id}:calls:minute", "calls", 10**9, 30 * 10**9, Unit.MINUTE, f"/tools/{tool}/limits/0"
    )
    yield Decision(
        time=now,
        decision_id=decision_id,
        outcome=verdict,
        request_id=number,
        organisation=DEFAULT_ORGANISATION,
        server_id=holder.server_id,
        grant_id=holder.id,
        grant_label=holder.label,
        principal=f"person-{int(holder.id[:8], 16) % 37}",
        session=f"{number % 5000:043d}",
        protocol="2025-11-25",
        method="tools/call",
        tool=tool,
        policy_id=holder.policy_id,
        revision=1,
        fingerprint=f"{number % 7:064x}",
        rule=rule,
        message=message,
        argument_names=("amount", "currency", "note"),
        arguments_digest=f"{chance.getrandbits(128):032x}",
        charges=(charge,) if verdict == "allow" else (),
        limit=limit,
        decided_in=45,
    )
    if verdict == "allow":
        ended = chance.choice(ENDS)
        yield Outcome(time=now + 0.05, decision_id=decision_id, result=ended, status=200, upstream_took=48_211)


def _verdict(tool: str, lot: float, now: float) -> tuple[Verdict, str, str, LimitFacts | None]:
    if tool == RARE_TOOL:
        return "deny", "(unlisted)", f"Unknown tool: {tool}", None
    if lot < 0.82:
        return "allow", "", "", None
    if lot < 0.92:
        return "deny", _rule(tool), "Amounts above 100.00 need a person.", None
    if lot < 0.98:
        facts = LimitFacts("calls", 30 * 10**9, 30 * 10**9, int(now) + 30)
        return "deny", f"/tools/{tool}/limits/0", "At most 30 calls a minute.", facts
    return "wait", f"/tools/{tool}/require_approval/0", "A person has to agree.", None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--records", type=int, default=Size.records)
    parser.add_argument("--grants", type=int, default=Size.grants)
    parser.add_argument("--servers", type=int, default=Size.servers)
    options = parser.parse_args()
    build(options.directory, Size(options.records, options.grants, options.servers))


if __name__ == "__main__":
    main()
