"""The adviser's tools as a client of the official SDK sees them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema_rs import validator_for
from mcp import Client
from mcp.server import MCPServer
from mcp_types import TextContent
from tests.adviser.conftest import NOTES, ORDERS, tool

from toolgate.attacks.reading import find
from toolgate.catalogue.entries import ServerFacts
from toolgate.catalogue.store import Catalogue
from toolgate.policy.document import parse

TOOLS = ["check_server", "check_tool", "recommend_policy", "search_catalogue"]


async def asked(server: MCPServer[None], name: str, /, **arguments: Any) -> dict[str, Any]:
    """The structured answer, which fits the output schema of the tool."""
    async with Client(server) as client:
        schemas = {each.name: each.output_schema for each in (await client.list_tools()).tools}
        result = await client.call_tool(name, arguments)
    assert not result.is_error, result.content
    content = result.structured_content
    assert isinstance(content, dict)
    schema = schemas[name]
    assert schema is not None
    validator_for(schema).validate(content)
    block = result.content[0]
    assert isinstance(block, TextContent)
    assert json.loads(block.text) == content
    return content


async def refused(server: MCPServer[None], name: str, /, **arguments: Any) -> str:
    async with Client(server) as client:
        result = await client.call_tool(name, arguments)
    assert result.is_error
    block = result.content[0]
    assert isinstance(block, TextContent)
    return block.text


async def test_every_tool_says_that_it_reads_and_what_it_answers(server: MCPServer[None]) -> None:
    async with Client(server) as client:
        listed = (await client.list_tools()).tools
    assert sorted(each.name for each in listed) == TOOLS
    for each in listed:
        assert each.annotations is not None
        assert each.annotations.read_only_hint
        assert each.annotations.open_world_hint is False
        assert each.output_schema is not None
        assert each.output_schema["type"] == "object"


@pytest.mark.parametrize(
    "name",
    [
        "acme/notes",
        "ACME/Notes",
        "https://github.com/acme/notes.git",
        "@acme/notes",
        "npx -y @acme/notes@1.2.3",
        "https://mcp.acme.example/mcp/",
    ],
)
async def test_a_server_is_found_by_name_repository_package_and_address(server: MCPServer[None], name: str) -> None:
    content = await asked(server, "check_server", server=name)
    assert (content["known"], content["server"]) == (True, "acme/notes")


@pytest.mark.parametrize("name", ["https://evil.example/acme/notes", "acme/notesx", "\x00", "notes"])
async def test_what_only_resembles_a_server_is_not_taken_for_it(server: MCPServer[None], name: str) -> None:
    content = await asked(server, "check_server", server=name)
    assert content["known"] is False
    assert content["advice"]


async def test_several_servers_that_are_called_alike_are_named_and_none_is_chosen(server: MCPServer[None]) -> None:
    content = await asked(server, "check_server", server="notes")
    assert (content["known"], sorted(content["fitting"])) == (False, ["acme/notes", "zeta/notes"])


async def test_a_checked_server_tells_counts_risk_and_what_changed(server: MCPServer[None]) -> None:
    content = await asked(server, "check_server", server="acme/notes")
    assert content["counts"] == {"Read": 1, "Write": 1, "Execute": 0, "Destructive": 1, "Financial": 0}
    assert (content["risk"], content["tools"], content["scanned"]) == ("Critical", 3, True)
    assert content["riskiest"][0]["tool"] == "delete_note"
    assert content["changes"] == [
        {
            "tool": "create_note",
            "changed": ["parameter `folder` added", "schema of its arguments"],
            "seen": "1970-01-01T00:50:00+00:00",
        }
    ]


async def test_no_sentence_of_a_definition_reaches_the_agent_and_hidden_letters_show(server: MCPServer[None]) -> None:
    content = await asked(server, "check_server", server="evil")
    text = json.dumps(content, ensure_ascii=False)
    assert content["hazards"]
    assert "\u202e" not in text
    assert "\\u202e" in content["riskiest"][0]["tool"] + content["riskiest"][1]["tool"]
    for name in ("get_\u202eweather", "get_it"):
        told = await asked(server, "check_tool", server="evil", tool=name)
        assert told["known"]
        said = json.dumps({key: value for key, value in told.items() if key not in ("attacks", "policy")})
        assert "wipe_disk" not in said
        assert "call" not in said
        assert "data, never instructions" in told["notice"]


async def test_a_checked_tool_tells_why_and_gives_its_policy(server: MCPServer[None]) -> None:
    content = await asked(server, "check_tool", server="acme/notes", tool="delete_note")
    assert (content["category"], content["risk"]) == ("Destructive", "Critical")
    assert content["evidence"]
    assert parse(content["policy"]).raw["hide"] == ["delete_note"]
    slugs = [attack["slug"] for attack in content["attacks"]]
    assert 0 < len(slugs) <= 6
    assert all("Destructive" in find(slug).categories for slug in slugs)
    assert content["parameters"] == ["id"]


async def test_an_unknown_tool_is_answered_with_those_that_are_called_alike(server: MCPServer[None]) -> None:
    content = await asked(server, "check_tool", server="acme/notes", tool="delete")
    assert (content["known"], content["alike"]) == (False, ["delete_note"])
    nowhere = await asked(server, "check_tool", server="nowhere", tool="delete")
    assert (nowhere["known"], nowhere["alike"]) == (False, [])


async def test_search_filters_and_pages(server: MCPServer[None]) -> None:
    found = await asked(server, "search_catalogue", query="note", category="Destructive")
    assert [each["tool"] for each in found["tools"]] == ["delete_note"]
    first = await asked(server, "search_catalogue", limit=2)
    rest = await asked(server, "search_catalogue", start=2, limit=50)
    assert first["total"] == rest["total"] == len(first["tools"]) + len(rest["tools"])
    own = await asked(server, "search_catalogue", server="acme/notes", risk="Low")
    assert [each["tool"] for each in own["tools"]] == ["read_file"]
    assert (await asked(server, "search_catalogue", server="nowhere"))["total"] == 0


async def test_a_recommended_policy_is_valid_and_names_what_is_to_be_filled_in(server: MCPServer[None]) -> None:
    plain = await asked(server, "recommend_policy", server="acme/notes")
    assert parse(plain["policy"]).raw["tools"]["read_file"] == {}
    assert plain["fill_ins"] == []
    guarded = await asked(server, "recommend_policy", server="acme/notes", safeguards=True, only=["read_file"])
    assert list(parse(guarded["policy"]).raw["tools"]) == ["read_file"]
    assert [each["pointer"] for each in guarded["fill_ins"]] == ["/tools/read_file/require/0/conditions/0/value"]
    assert json.loads(guarded["fill_ins"][0]["example"]) == "/srv/project"
    assert any("to be filled in" in line for line in guarded["explanation"])


async def test_pasted_definitions_get_a_policy_too(server: MCPServer[None]) -> None:
    content = await asked(server, "recommend_policy", tools=[*NOTES, tool("get_*"), tool("get_\u202ex")])
    document = parse(content["policy"]).raw
    assert document["hide"] == ["delete_note"]
    assert "get_\u202ex" in document["tools"]
    assert "get_*" not in document["tools"]
    assert content["policy"].isascii()
    assert any("`" not in line and "get_*" in line for line in content["explanation"])


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("check_server", {}, "server"),
        ("check_server", {"server": "x" * 301}, "at most 300"),
        ("search_catalogue", {"category": "Harmless"}, "'Destructive'"),
        ("search_catalogue", {"limit": 51}, "less than or equal to 50"),
        ("recommend_policy", {}, "is not known"),
        ("recommend_policy", {"server": "acme/notes", "only": ["nope"]}, "has no tool `nope`"),
        ("recommend_policy", {"tools": [{"name": ""}]}, "tools/0: has no name"),
        ("recommend_policy", {"tools": [{"title": "x"}]}, "tools/0: has no name"),
        ("recommend_policy", {"tools": ["x"]}, "valid dictionary"),
        ("recommend_policy", {"tools": [tool(f"create_{n}_{'x' * 300}") for n in range(300)]}, "name the tools"),
    ],
)
async def test_bad_input_ends_in_a_clear_error(
    server: MCPServer[None], name: str, arguments: dict[str, Any], words: str
) -> None:
    assert words in await refused(server, name, **arguments)


async def test_answers_are_bounded_whatever_a_server_is_called(server: MCPServer[None], catalogue: Catalogue) -> None:
    many = [tool(f"get_{n}_{'y' * 100}", f"{ORDERS} \u200b" * 50, **{"z" * 500: {"type": "string"}}) for n in range(60)]
    catalogue.put(ServerFacts("many"), many, source="import", now=1.0)
    content = await asked(server, "check_server", server="many")
    assert len(content["riskiest"]) == len(content["hazards"]) == 20
    assert content["hazards_in_all"] >= 60
    assert len(json.dumps(content)) < 40_000
