"""Which clients there are, how each is started, and what each cannot do: the data behind the matrix."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
STATELESS = "2026-07-28"
HANDSHAKE = "2025-11-25"
ERAS = ("legacy", STATELESS, "auto")
BOTH = ("http", "stdio")
NODE = ROOT / ".venvs/bin/node"


@dataclass(frozen=True)
class Cannot:
    """What a client cannot do, why, and what its failure shows: a regular expression the test looks for."""

    behaviour: str
    reason: str
    shows: str
    ways: tuple[str, ...] = BOTH
    modes: tuple[str, ...] = ERAS


@dataclass(frozen=True)
class Client:
    """One client in one major version: `name` is its environment, `package` what is locked there."""

    name: str
    title: str
    package: str
    driver: str
    http: tuple[str, ...] = ("legacy",)
    stdio: tuple[str, ...] = ("legacy",)
    """The modes that it is tried in on each way."""
    gives_up: float = 1.5
    """Seconds after which it gives up on a held call: as short as its way to the gateway allows."""
    cannot: tuple[Cannot, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    """Behaviours that there is no way to try, each with the reason."""

    @property
    def environment(self) -> Path:
        return ROOT / ".venvs" / self.name

    @property
    def program(self) -> list[str]:
        """The words that start the driver, without its arguments."""
        own = self.environment / "bin/python"
        return [str(own if self.driver.endswith(".py") else NODE), str(HERE / self.driver)]

    @property
    def version(self) -> str:
        """The locked version."""
        return _locked_in_python(self) if self.driver.endswith(".py") else _locked_in_node(self)


def _locked_in_python(client: Client) -> str:
    lock = (ROOT / f"locks/clients/{client.name}.txt").read_text()
    found = re.search(rf"^{re.escape(client.package)}==(\S+)", lock, re.MULTILINE)
    assert found is not None
    return found[1]


def _locked_in_node(client: Client) -> str:
    lock = json.loads((ROOT / f"locks/node/{client.name}/package-lock.json").read_text())
    return str(lock["packages"][f"node_modules/{client.package}"]["version"])


DECLARES_NOTHING = "its command line answers no questions, and says so to the server"
SIGNS_IN = "it asks the gateway for a sign-in, and shows that there is none"
INSPECTOR = (
    Cannot("progress", "its command line shows no progress", r"\[\] =="),
    Cannot("unknown", "it looks into the list of tools first, and calls none that is not there", "tool_not_found"),
    Cannot("refused", "it shows the sentence of an error, not its code", "None is not None"),
    Cannot("elicitation", DECLARES_NOTHING, "did not declare"),
    Cannot("sampling", DECLARES_NOTHING, "did not declare"),
    Cannot("revoked", SIGNS_IN, "Registration rejected"),
)

CLIENTS = (
    Client("mcp1", "Python SDK 1", "mcp", "driver_mcp1.py"),
    Client("mcp2", "Python SDK 2", "mcp", "driver_mcp2.py", ERAS, ERAS),
    Client("fastmcp3", "FastMCP 3", "fastmcp", "driver_fastmcp.py"),
    Client("fastmcp4", "FastMCP 4", "fastmcp", "driver_fastmcp.py", ERAS, ERAS),
    Client("ts1", "TypeScript SDK 1", "@modelcontextprotocol/sdk", "node/driver_ts1.mjs"),
    Client("ts2", "TypeScript client 2", "@modelcontextprotocol/client", "node/driver_ts2.mjs", ERAS, ERAS),
    Client(
        "inspector",
        "Inspector",
        "@modelcontextprotocol/inspector",
        "node/driver_inspector.mjs",
        ("legacy", "auto"),
        gives_up=6.0,  # it starts anew for every call
        cannot=INSPECTOR,
        absent={"restart": "each run of its command line is a session of its own"},
    ),
    Client(
        "mcp-remote",
        "mcp-remote",
        "mcp-remote",
        "node/driver_mcp-remote.mjs",
        ("legacy", "auto"),
        (),
        cannot=(Cannot("revoked", SIGNS_IN, "Registration rejected"),),
    ),
)


@dataclass(frozen=True)
class Peer:
    """A client, how it finds the era, and the way on which it reaches the server."""

    client: Client
    mode: str
    way: str

    def __str__(self) -> str:
        return f"{self.client.name}-{self.mode}-{self.way}"

    @property
    def revision(self) -> str:
        """What client and server agree on."""
        return HANDSHAKE if self.mode == "legacy" else STATELESS

    def cannot(self, behaviour: str) -> Cannot | None:
        """Why this behaviour is beyond the client itself."""
        for each in self.client.cannot:
            if each.behaviour == behaviour and self.way in each.ways and self.mode in each.modes:
                return each
        return None


PEERS = tuple(
    Peer(client, mode, way)
    for client in CLIENTS
    for way, modes in (("http", client.http), ("stdio", client.stdio))
    for mode in modes
)

STDIO_HAS_NONE = "the client starts its server, and with it the gateway, as its own child"
NOT_THERE: Mapping[tuple[str, str], str] = {
    ("stdio", "resume"): "a pipe has no streams to resume",
    ("stdio", "restart"): STDIO_HAS_NONE,
    ("stdio", "revoked"): "`toolgate run` has no token that could be revoked: whoever starts it may use it",
    (STATELESS, "resume"): "revision 2026-07-28 resumes no streams",
}
"""What does not exist on a way or in a revision, for any client."""


def missing(peer: Peer, behaviour: str) -> str | None:
    """Why there is nothing to try."""
    everywhere = NOT_THERE.get((peer.way, behaviour)) or NOT_THERE.get((peer.revision, behaviour))
    return everywhere or peer.client.absent.get(behaviour)
