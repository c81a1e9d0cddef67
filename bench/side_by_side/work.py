"""The work that every gateway is given: one tool, its calls, and the answer of about 1 KB that must come back."""

from __future__ import annotations

import json
from typing import Any

import msgspec

HANDSHAKE, STATELESS = "2025-11-25", "2026-07-28"
NAME = "create_charge"
TOOL = {
    "name": NAME,
    "description": "Charge a customer.",
    "inputSchema": {
        "type": "object",
        "properties": {"amount": {"type": "number"}, "currency": {"type": "string"}, "note": {"type": "string"}},
        "required": ["amount", "currency"],
    },
}
# What the other gateways are asked to do, as a policy: let everything pass.
OPEN = {"version": "1", "default": "allow"}
# What Toolgate judges each call by: three predicates, a schema, a limit whose cost is an argument.
POLICY = {
    "version": "1",
    "default": "deny",
    "tools": {
        NAME: {
            "require": [
                {
                    "conditions": [
                        {"path": "args.currency", "op": "in", "value": ["usd", "eur"]},
                        {"path": "args.note", "op": "regex", "value": "^[a-z0-9 ]+$"},
                    ]
                }
            ],
            "deny_if": [{"conditions": [{"path": "args.amount", "op": "gt", "value": 10000}]}],
            "limits": [
                {"counter": "spend", "window": "day", "max": 9 * 10**12, "scope": "grant", "cost": "args.amount"}
            ],
        }
    },
}
FILLER = " and so on" * 92
CLIENT = {"name": "side-by-side", "version": "1"}
SERVER = {"name": "upstream", "version": "1"}


class Arguments(msgspec.Struct):
    note: str = ""


class Params(msgspec.Struct):
    arguments: Arguments = msgspec.field(default_factory=Arguments)
    protocol: str = msgspec.field(name="protocolVersion", default=HANDSHAKE)
    meta: dict[str, Any] = msgspec.field(name="_meta", default_factory=dict)


class Message(msgspec.Struct):
    method: str = ""
    id: msgspec.Raw = msgspec.Raw()
    params: Params = msgspec.field(default_factory=Params)

    @property
    def stateless(self) -> bool:
        return "io.modelcontextprotocol/protocolVersion" in self.params.meta


read = msgspec.json.Decoder(Message).decode


def text(note: str) -> str:
    """What the tool answers: it repeats the note, so that an answer given to the wrong caller is seen."""
    return f"charged [{note}]{FILLER}"


def encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def answer(message: Message) -> bytes:
    """The JSON-RPC answer to a request of either era; empty for a notification."""
    number = bytes(message.id)
    if not number:
        return b""
    result = _called(message) if message.method == "tools/call" else _other(message)
    if not result:
        return b'{"jsonrpc":"2.0","id":%b,"error":{"code":-32601,"message":"Method not found"}}' % number
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (number, result)


def _called(message: Message) -> bytes:
    said = encode(text(message.params.arguments.note))
    more = b',"resultType":"complete"' if message.stateless else b""
    return b'{"content":[{"type":"text","text":%b}],"isError":false%b}' % (said, more)


def _other(message: Message) -> bytes:
    cached = {"resultType": "complete", "ttlMs": 60_000, "cacheScope": "private"} if message.stateless else {}
    about = {"capabilities": {"tools": {}}, "serverInfo": SERVER}
    match message.method:
        case "initialize":
            return encode({"protocolVersion": message.params.protocol, **about})
        case "tools/list":
            return encode({"tools": [TOOL], **cached})
        case "server/discover" if message.stateless:
            return encode({"supportedVersions": [STATELESS, HANDSHAKE], **about, **cached})
        case "ping":
            return b"{}"
    return b""


def call(tool: str, number: int, meta: Any = None) -> bytes:
    """One `tools/call`; `number` is its id and in its note. `meta` is what the stateless era puts in `_meta`."""
    arguments = {"amount": 5000, "currency": "usd", "note": f"call {number}"}
    params = {"name": tool, "arguments": arguments, **({"_meta": meta} if meta else {})}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
