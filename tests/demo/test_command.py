from pathlib import Path

import pytest
from mcp.server.mcpserver.exceptions import ToolError

from toolgate.demo.command import Command, below, crate_folder


@pytest.mark.parametrize("value", ["--config=build.rustc-wrapper='sh'", "-Zunstable", "-", "--"])
def test_a_value_that_begins_with_a_dash_is_refused(value: str) -> None:
    with pytest.raises(ToolError, match="begins with `-`"):
        Command("run").option("--bin", "bin", value)
    with pytest.raises(ToolError, match="begins with `-`"):
        Command("add").names("dependency", [value])
    with pytest.raises(ToolError, match="begins with `-`"):
        Command("run").features(["good", value], every=False, no_default=False)


@pytest.mark.parametrize("value", ["", "a\nb", "a\x00b", "\x1b[2J"])
def test_an_empty_value_and_control_characters_are_refused(value: str) -> None:
    with pytest.raises(ToolError, match="printable"):
        Command("run").option("--bin", "bin", value)


def test_a_value_stays_one_word_with_its_option() -> None:
    command = Command("run").option("--bin", "bin", "my app; rm").flag("--release", True).flag("--locked", False)
    assert command.words == ["run", "--bin=my app; rm", "--release"]


def test_arguments_of_the_program_come_after_the_end_of_options() -> None:
    assert Command("run").program_arguments(["--name", "Ada"]).words == ["run", "--", "--name", "Ada"]
    assert Command("run").program_arguments([]).words == ["run"]


@pytest.mark.parametrize("triple", ["/etc/target.json", "target.json", "a/b"])
def test_a_target_is_a_name_and_never_a_file(triple: str) -> None:
    with pytest.raises(ToolError, match="only the name"):
        Command("run").target(triple)


@pytest.mark.parametrize("path", ["..", "../other", "crate/../../x", "/etc", "link"])
def test_a_path_outside_of_the_root_is_refused(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(ToolError, match="outside"):
        below(root, "path", path)


def test_a_folder_without_a_manifest_is_refused_although_a_parent_has_one(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").touch()
    (tmp_path / "sub").mkdir()
    assert crate_folder(tmp_path, ".") == tmp_path
    assert crate_folder(tmp_path, str(tmp_path)) == tmp_path
    with pytest.raises(ToolError, match=r"no `Cargo\.toml`"):
        crate_folder(tmp_path, "sub")
