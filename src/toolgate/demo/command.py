"""The words of one cargo call, built so that no value of a caller is read as an option or leaves the served root."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mcp.server.mcpserver.exceptions import ToolError


def checked(name: str, value: str) -> str:
    """`value` as it is, unless cargo could read it as an option or it holds a control character."""
    if value.startswith("-"):
        raise ToolError(f"`{name}` is `{value}`: a value that begins with `-` could be read as an option of cargo")
    if not value or not value.isprintable():
        raise ToolError(f"`{name}` must be printable text and not empty")
    return value


def below(root: Path, name: str, value: str) -> Path:
    """The real path of `value` (relative to `root`), which must be `root` or something inside it."""
    found = (root / checked(name, value)).resolve()
    if not found.is_relative_to(root):
        raise ToolError(f"`{name}` is `{value}`: that is outside of the folder this server serves")
    return found


def crate_folder(root: Path, value: str) -> Path:
    """The folder of a crate: a manifest must be in it, for cargo would search upward for one, beyond the root."""
    folder = below(root, "path", value)
    if not (folder / "Cargo.toml").is_file():
        raise ToolError(f"`path` is `{value}`: there is no `Cargo.toml` in that folder")
    return folder


class Command:
    """Collects the words of one call; every value passes `checked` on its way in."""

    def __init__(self, subcommand: str) -> None:
        self.words = [subcommand]

    def flag(self, option: str, given: bool) -> Command:
        """Add `option` if the caller asked for it."""
        if given:
            self.words.append(option)
        return self

    def option(self, option: str, name: str, value: str | None) -> Command:
        """Add `option=value`; `name` is the caller's word for it, for the message of a refusal."""
        if value is not None:
            self.words.append(f"{option}={checked(name, value)}")
        return self

    def features(self, names: Sequence[str] | None, every: bool, no_default: bool) -> Command:
        """The feature selection that build, check, clippy, doc, run and test share."""
        if names:
            self.words.append("--features=" + ",".join(checked("features", name) for name in names))
        return self.flag("--all-features", every).flag("--no-default-features", no_default)

    def target(self, triple: str | None) -> Command:
        """A target triple; a path to a target file would let cargo read outside of the root."""
        if triple is not None and ("/" in triple or triple.endswith(".json")):
            raise ToolError(f"`target` is `{triple}`: only the name of a target is taken, no file")
        return self.option("--target", "target", triple)

    def names(self, name: str, values: Sequence[str]) -> Command:
        """Positional values, such as the packages to update."""
        self.words.extend(checked(name, value) for value in values)
        return self

    def program_arguments(self, values: Sequence[str] | None) -> Command:
        """Everything after `--`: the program reads these, cargo does not, so they may begin with `-`."""
        if values:
            self.words.extend(["--", *values])
        return self
