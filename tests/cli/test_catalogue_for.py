"""`toolgate catalogue recommend --for`: rules for the tools of a registered server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Toolgate

from toolgate.cli.installation import Installation
from toolgate.policy.definition import fingerprint
from toolgate.policy.document import parse
from toolgate.store import definitions, servers
from toolgate.store.definitions import Seen

pytestmark = pytest.mark.slow

KNOWN = "modelcontextprotocol/server-filesystem"
TOOLS: list[dict[str, Any]] = [
    {
        "name": "read_file",
        "description": "Reads a file.",
        "inputSchema": {"type": "object", "properties": {"path": {}}},
    },
    {"name": "delete_\x1b[2Jit", "description": "Deletes it for good."},
]


def test_the_tools_of_the_registered_server_get_rules_and_what_differs_is_told(
    toolgate: Toolgate, data: Path, tmp_path: Path
) -> None:
    file = tmp_path / "tools.jsonl"
    line = {"server": KNOWN, "name": "read_file", "description": "Reads.", "inputSchema": {"properties": {"path": {}}}}
    file.write_text("\n".join(map(json.dumps, (line, {**line, "name": "write_file"}))))
    toolgate("catalogue", "import", str(file))
    engine = Installation.at(str(data)).engine
    server = servers.add(engine, "test", "files", "https://mcp.example.com/mcp")
    assert "told no tools yet" in toolgate("catalogue", "recommend", KNOWN, "--for", "files", code=2).err
    seen = [Seen(tool["name"], fingerprint(tool), json.dumps(tool)) for tool in TOOLS]
    definitions.saw(engine, "test", server.id, seen, trusted=True)
    done = toolgate("catalogue", "recommend", KNOWN, "--for", "files")
    document = parse(done.out).raw
    assert (document["hide"], document["tools"]) == (["delete_\x1b[2Jit"], {"read_file": {}})
    assert "not in the catalogue, judged by their definitions: delete_\\x1b[2Jit" in done.err
    assert "the server does not have them: write_file" in done.err
    tight = toolgate("catalogue", "recommend", KNOWN, "--for", "files", "--tightened")
    assert "to fill in: /tools/read_file/require/0/conditions/0/value" in tight.err
    assert "there is no server" in toolgate("catalogue", "recommend", KNOWN, "--for", "nobody", code=2).err
