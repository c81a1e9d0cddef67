"""The Cargo server as a client sees it: over a real connection of the official SDK, on a real crate."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

import toolgate.demo
from toolgate.demo.cargo import cargo_server
from toolgate.demo.crate import write_crate

TOOLS = ["add", "audit", "build", "check", "clippy", "doc", "fmt", "remove", "run", "test", "tree", "update"]
RUN_PARAMETERS = [
    *["path", "args", "release", "package", "bin", "example", "features", "allFeatures", "noDefaultFeatures"],
    *["timeout", "profile", "target", "locked", "frozen", "offline", "maxOutputSize", "compact"],
]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("cargo") is None, reason="needs cargo"),
]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_crate(tmp_path_factory.mktemp("served") / "hello").parent


class Caller:
    """Calls tools of the server, each over a connection of its own."""

    def __init__(self, root: Path) -> None:
        self.server = cargo_server(root)

    async def call(self, tool: str, **arguments: Any) -> CallToolResult:
        async with Client(self.server) as client:
            return await client.call_tool(tool, {"path": "hello", **arguments})

    async def ran(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.call(tool, **arguments)
        assert not result.is_error, text(result)
        assert isinstance(result.structured_content, dict)
        assert sorted(result.structured_content) == ["exit_code", "stderr", "stdout", "truncated"]
        return result.structured_content

    async def refusal(self, tool: str, **arguments: Any) -> str:
        result = await self.call(tool, **arguments)
        assert result.is_error
        return text(result)


def text(result: CallToolResult) -> str:
    block = result.content[0]
    assert isinstance(block, TextContent)
    return block.text


@pytest.fixture(scope="module")
def cargo(root: Path) -> Caller:
    return Caller(root)


async def test_it_offers_twelve_tools_and_seventeen_parameters_of_run(cargo: Caller) -> None:
    async with Client(cargo.server) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(tools) == TOOLS
    assert list(tools["run"].input_schema["properties"]) == RUN_PARAMETERS
    for tool in tools.values():
        assert tool.description
        assert tool.output_schema is not None
        assert tool.annotations is not None
    read_only = [name for name, tool in tools.items() if tool.annotations and tool.annotations.read_only_hint]
    assert read_only == ["audit", "tree"]


async def test_run_returns_the_output_of_the_program(cargo: Caller) -> None:
    result = await cargo.ran("run", args=["Ada"], features=["shout"], compact=True, locked=True)
    assert (result["exit_code"], result["stdout"], result["stderr"]) == (0, "HELLO, ADA!\n", "")


async def test_run_takes_an_example_and_a_bound_on_output(cargo: Caller) -> None:
    result = await cargo.ran("run", example="count", maxOutputSize=4)
    assert (result["stdout"], result["truncated"]) == ("1\n2\n", True)


async def test_a_program_argument_may_look_like_an_option(cargo: Caller) -> None:
    assert (await cargo.ran("run", args=["--release"]))["stdout"] == "Hello, --release!\n"


@pytest.mark.parametrize("parameter", ["package", "bin", "example", "profile", "target", "path"])
async def test_run_refuses_a_value_that_smuggles_an_option(cargo: Caller, parameter: str) -> None:
    assert "could be read as an option" in await cargo.refusal("run", **{parameter: "--config=net.offline=false"})


async def test_run_is_stopped_when_its_time_is_over(cargo: Caller) -> None:
    assert "was stopped after" in await cargo.refusal("run", timeout=0.001)


@pytest.mark.parametrize("tool", ["build", "check", "doc", "test"])
async def test_building_tools_work_on_a_real_crate(cargo: Caller, tool: str) -> None:
    result = await cargo.ran(tool, package="greetings")
    assert result["exit_code"] == 0, result["stderr"]


async def test_a_failed_build_is_a_result_with_an_exit_code(cargo: Caller, root: Path) -> None:
    broken = write_crate(root / "broken")
    (broken / "src/main.rs").write_text("fn main() { missing() }\n")
    result = await cargo.ran("check", path="broken")
    assert result["exit_code"] == 101
    assert "missing" in result["stderr"]


async def test_tree_shows_the_dependencies_and_writes_nothing(cargo: Caller, root: Path) -> None:
    unlocked = write_crate(root / "unlocked")
    (unlocked / "Cargo.lock").unlink()
    assert "greetings v0.1.0" in (await cargo.ran("tree"))["stdout"]
    assert (await cargo.ran("tree", path="unlocked"))["exit_code"] == 101
    assert not (unlocked / "Cargo.lock").exists()


async def test_a_path_dependency_is_added_and_removed(cargo: Caller, root: Path) -> None:
    crate = write_crate(root / "changed")
    manifest = crate / "Cargo.toml"
    assert (await cargo.ran("remove", path="changed", dependency="greetings"))["exit_code"] == 0
    assert 'path = "greetings"' not in manifest.read_text()
    source = "changed/greetings"
    added = await cargo.ran("add", path="changed", dependency="greetings", dependencyPath=source)
    assert added["exit_code"] == 0, added["stderr"]
    assert 'path = "greetings"' in manifest.read_text()


async def test_a_dependency_from_outside_of_the_root_is_refused(cargo: Caller, tmp_path: Path) -> None:
    message = await cargo.refusal("add", dependency="other", dependencyPath=str(tmp_path))
    assert "outside of the folder" in message


async def test_update_and_fmt_work_without_a_network(cargo: Caller, root: Path) -> None:
    assert (await cargo.ran("update"))["exit_code"] == 0
    ugly = write_crate(root / "ugly")
    (ugly / "src/main.rs").write_text("fn main(){}\n")
    assert (await cargo.ran("fmt", path="ugly", check=True))["exit_code"] == 1
    assert (await cargo.ran("fmt", path="ugly"))["exit_code"] == 0
    assert (ugly / "src/main.rs").read_text() == "fn main() {}\n"


async def test_a_missing_subcommand_is_a_clear_error(
    cargo: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CARGO_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    message = await cargo.refusal("audit")
    assert message.endswith("cargo has no subcommand `audit` on this machine; `cargo install cargo-audit` adds it")


async def test_it_speaks_stdio(root: Path) -> None:
    command = ["-m", "toolgate.demo.cargo", "--root", str(root)]
    async with Client(StdioServerParameters(command=sys.executable, args=command)) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == TOOLS
        result = await client.call_tool("tree", {"path": "hello", "depth": 0})
        assert "hello v0.1.0" in text(result)


async def test_the_catalogue_holds_it_as_it_is(root: Path) -> None:
    lines = (Path(toolgate.demo.__file__).parent / "cargo.jsonl").read_text().splitlines()
    async with Client(cargo_server(root)) as client:
        listed = (await client.list_tools()).tools
    definitions = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in listed]
    for line, definition in zip(lines, definitions, strict=True):
        kept = json.loads(line)
        assert kept.pop("server") == "cargo"
        assert kept == {key: definition[key] for key in kept}
        assert {"name", "description", "inputSchema", "annotations"} <= kept.keys()
