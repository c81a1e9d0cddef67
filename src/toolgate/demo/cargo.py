"""The Cargo MCP server: twelve tools over the crates of one folder, made with the official SDK.

`python -m toolgate.demo.cargo --root DIR` speaks stdio, with `--http PORT` streamable HTTP at /mcp on 127.0.0.1.
Every tool returns exit code, stdout and stderr; a failed build is a result, not a tool error. Cargo works offline
unless the server was started with `--online`.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from toolgate.demo.command import Command, below, crate_folder
from toolgate.demo.execution import Bounds, Ran, execute
from toolgate.demo.serving import parser, serve

Folder = Annotated[str, Field(description="Folder of the crate, relative to the served folder.")]
Package = Annotated[str | None, Field(description="Package of the workspace to act on.")]
Features = Annotated[list[str] | None, Field(description="Features to switch on.")]
AllFeatures = Annotated[bool, Field(description="Switch on every feature.")]
NoDefaultFeatures = Annotated[bool, Field(description="Leave the default features off.")]
Release = Annotated[bool, Field(description="Build with optimisations.")]
Timeout = Annotated[float, Field(gt=0, le=600, description="Seconds after which the command is stopped.")]
ProgramArguments = Annotated[list[str] | None, Field(description="Arguments of the program itself, after `--`.")]
Compact = Annotated[bool, Field(description="Leave out cargo's progress lines.")]
OutputSize = Annotated[int, Field(ge=1, le=1_048_576, description="Bytes kept of each output stream.")]

SECONDS = 120.0
SIZE = 32 * 1024
ABSENT = ("no such command", "is not installed for the toolchain", "is not installed for the custom toolchain")
INSTALL = {
    "audit": "cargo install cargo-audit",
    "clippy": "rustup component add clippy",
    "fmt": "rustup component add rustfmt",
}


COMPILING = {
    "build": "Compile a crate and its dependencies.",
    "check": "Check a crate for errors without making a program.",
    "clippy": "Run the linter over a crate.",
}


class Cargo:
    """The tools, as methods: a method's signature is the tool's input schema, its docstring the description."""

    def __init__(self, root: Path, cargo: str, online: bool = False) -> None:
        self.root = root.resolve(strict=True)
        self.cargo = cargo
        self.online = online

    async def _run(self, command: Command, path: str, timeout: float = SECONDS, size: int = SIZE) -> Ran:
        """Run one command in the crate's folder; a subcommand that this machine lacks is a tool error."""
        ran = await execute([self.cargo, *command.words], crate_folder(self.root, path), Bounds(timeout, size))
        name = command.words[0]
        if ran.exit_code != 0 and any(sign in ran.stderr for sign in ABSENT):
            mend = f"; `{INSTALL[name]}` adds it" if name in INSTALL else ""
            raise ToolError(f"cargo has no subcommand `{name}` on this machine{mend}")
        return ran

    def _start(self, subcommand: str, compact: bool = False) -> Command:
        return Command(subcommand).flag("--offline", not self.online).flag("--quiet", compact)

    async def add(
        self,
        dependency: Annotated[str, Field(description="Name of the crate, with `@version` where one is wanted.")],
        path: Folder = ".",
        dependencyPath: Annotated[str | None, Field(description="Folder of a local crate to depend on.")] = None,
        package: Package = None,
        features: Features = None,
        dev: Annotated[bool, Field(description="Needed for tests and examples only.")] = False,
        dryRun: Annotated[bool, Field(description="Show what would change and change nothing.")] = False,
    ) -> Ran:
        """Add a dependency to a crate's manifest."""
        command = self._start("add").option("--package", "package", package).features(features, False, False)
        if dependencyPath is not None:
            source = below(self.root, "dependencyPath", dependencyPath)
            command.option("--path", "dependencyPath", str(source))
        command.flag("--dev", dev).flag("--dry-run", dryRun).names("dependency", [dependency])
        return await self._run(command, path)

    async def audit(self, path: Folder = ".") -> Ran:
        """Check the locked dependencies against the advisory database that is on this machine."""
        return await self._run(Command("audit").flag("--no-fetch", not self.online), path)

    def compiling(self, subcommand: str) -> Callable[..., Awaitable[Ran]]:
        """`build`, `check` and `clippy`, which select and report alike."""

        async def tool(
            path: Folder = ".",
            package: Package = None,
            release: Release = False,
            features: Features = None,
            allFeatures: AllFeatures = False,
            noDefaultFeatures: NoDefaultFeatures = False,
            timeout: Timeout = SECONDS,
            compact: Compact = False,
        ) -> Ran:
            command = self._start(subcommand, compact).option("--package", "package", package)
            command.flag("--release", release).features(features, allFeatures, noDefaultFeatures)
            return await self._run(command, path, timeout)

        tool.__name__ = subcommand
        return tool

    async def doc(self, path: Folder = ".", package: Package = None, timeout: Timeout = SECONDS) -> Ran:
        """Build the documentation of a crate, without its dependencies."""
        command = self._start("doc").flag("--no-deps", True).option("--package", "package", package)
        return await self._run(command, path, timeout)

    async def fmt(
        self,
        path: Folder = ".",
        package: Package = None,
        check: Annotated[bool, Field(description="Only say what would change.")] = False,
    ) -> Ran:
        """Format the sources of a crate in place."""
        return await self._run(Command("fmt").option("--package", "package", package).flag("--check", check), path)

    async def remove(
        self,
        dependency: Annotated[str, Field(description="Name of the dependency to remove.")],
        path: Folder = ".",
        package: Package = None,
        dev: Annotated[bool, Field(description="It is needed for tests and examples only.")] = False,
    ) -> Ran:
        """Remove a dependency from a crate's manifest."""
        command = self._start("remove").option("--package", "package", package).flag("--dev", dev)
        return await self._run(command.names("dependency", [dependency]), path)

    async def run(
        self,
        path: Folder = ".",
        args: ProgramArguments = None,
        release: Release = False,
        package: Package = None,
        bin: Annotated[str | None, Field(description="Program to run, where there are several.")] = None,
        example: Annotated[str | None, Field(description="Example to run.")] = None,
        features: Features = None,
        allFeatures: AllFeatures = False,
        noDefaultFeatures: NoDefaultFeatures = False,
        timeout: Timeout = SECONDS,
        profile: Annotated[str | None, Field(description="Build profile, such as `dev`.")] = None,
        target: Annotated[str | None, Field(description="Target triple to build for.")] = None,
        locked: Annotated[bool, Field(description="Fail if Cargo.lock would change.")] = False,
        frozen: Annotated[bool, Field(description="Like locked and offline together.")] = False,
        offline: Annotated[bool, Field(description="Do not use the network, whatever the server allows.")] = False,
        maxOutputSize: OutputSize = SIZE,
        compact: Compact = False,
    ) -> Ran:
        """Build a program of the crate and run it."""
        command = Command("run").flag("--offline", offline or not self.online).flag("--quiet", compact)
        command.flag("--release", release).flag("--locked", locked).flag("--frozen", frozen)
        command.option("--package", "package", package).option("--bin", "bin", bin)
        command.option("--example", "example", example).option("--profile", "profile", profile).target(target)
        command.features(features, allFeatures, noDefaultFeatures).program_arguments(args)
        return await self._run(command, path, timeout, maxOutputSize)

    async def test(
        self,
        path: Folder = ".",
        args: ProgramArguments = None,
        package: Package = None,
        release: Release = False,
        features: Features = None,
        allFeatures: AllFeatures = False,
        noDefaultFeatures: NoDefaultFeatures = False,
        timeout: Timeout = SECONDS,
        compact: Compact = False,
    ) -> Ran:
        """Build and run the tests of a crate."""
        command = self._start("test", compact).option("--package", "package", package).flag("--release", release)
        command.features(features, allFeatures, noDefaultFeatures).program_arguments(args)
        return await self._run(command, path, timeout)

    async def tree(
        self,
        path: Folder = ".",
        package: Package = None,
        depth: Annotated[int | None, Field(ge=0, le=64, description="Levels of dependencies to show.")] = None,
    ) -> Ran:
        """Show the dependencies of a crate as a tree, as Cargo.lock has them."""
        # Without `--locked` cargo would write a missing lock file, and this tool says that it changes nothing.
        command = self._start("tree").flag("--locked", True).option("--package", "package", package)
        return await self._run(command.option("--depth", "depth", None if depth is None else str(depth)), path)

    async def update(
        self,
        path: Folder = ".",
        dependencies: Annotated[list[str] | None, Field(description="Only these; all where none is named.")] = None,
        dryRun: Annotated[bool, Field(description="Show what would change and change nothing.")] = False,
    ) -> Ran:
        """Bring Cargo.lock up to date with what the manifest allows."""
        command = self._start("update").flag("--dry-run", dryRun).names("dependencies", dependencies or [])
        return await self._run(command, path)


def hints(online: bool) -> dict[str, ToolAnnotations]:
    """What each tool may do; `run` and `test` execute code of the crate, which may do anything."""

    def says(read_only: bool, destructive: bool, idempotent: bool, open_world: bool) -> ToolAnnotations:
        return ToolAnnotations(
            read_only_hint=read_only,
            destructive_hint=destructive,
            idempotent_hint=idempotent,
            open_world_hint=open_world,
        )

    adds = says(read_only=False, destructive=False, idempotent=True, open_world=online)
    executes = says(read_only=False, destructive=True, idempotent=False, open_world=True)
    rewrites = says(read_only=False, destructive=True, idempotent=True, open_world=online)
    reads = says(read_only=True, destructive=False, idempotent=True, open_world=online)
    kinds = {
        "add build check clippy doc": adds,
        "fmt remove update": rewrites,
        "run test": executes,
        "audit tree": reads,
    }
    return {name: kind for names, kind in kinds.items() for name in names.split()}


def cargo_server(root: Path, online: bool = False) -> MCPServer[None]:
    """The server over the crates below `root`; raises FileNotFoundError without cargo or without the folder."""
    cargo = shutil.which("cargo")
    if cargo is None:
        raise FileNotFoundError("cargo is not on this machine's PATH")
    tools = Cargo(root, cargo, online)
    server: MCPServer[None] = MCPServer("cargo", title="Cargo", version="1.0.0", log_level="WARNING")
    for name, kind in sorted(hints(online).items()):
        described = COMPILING.get(name)
        tool = tools.compiling(name) if described else getattr(tools, name)
        server.add_tool(tool, name=name, description=described, annotations=kind)
    return server


def main() -> int:
    """Start the server from the command line; 1 where it cannot work."""
    options = parser("toolgate.demo.cargo", "An MCP server for the crates of one folder.")
    options.add_argument("--online", action="store_true", help="let cargo reach its registry")
    given = options.parse_args()
    try:
        server = cargo_server(given.root, given.online)
    except FileNotFoundError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    serve(server, given.http)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
