"""`toolgate apply`, as its users call it."""

from __future__ import annotations

import io
import json
import stat
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import POLICY, Peer, Toolgate

NOBODY = "http://127.0.0.1:9/mcp"


@pytest.fixture
def file(tmp_path: Path, peer: Peer, policy_file: Path) -> Path:
    """A small installation: one server, one policy in a file, one grant."""
    written = tmp_path / "toolgate.yaml"
    written.write_text(
        f"""\
version: "1"
servers:
  cargo: {{url: "{peer.url}"}}
policies:
  careful: {{file: {policy_file.name}}}
grants:
  ci: {{server: cargo, policy: careful, token_file: ci.token}}
"""
    )
    return written


def test_a_file_becomes_an_installation_once(toolgate: Toolgate, file: Path, tmp_path: Path) -> None:
    first = toolgate("apply", "-f", str(file)).out.splitlines()
    token_file = tmp_path / "ci.token"
    assert first[1:] == [
        "+ policy careful",
        f"+ grant ci: cargo under careful, token in {token_file}",
        "3 changes made",
    ]
    assert first[0].startswith("+ server cargo: http://127.0.0.1:")
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    [server] = toolgate("server", "list", "--json").json
    assert (server["name"], server["tools"], server["grants"]) == ("cargo", 1, 1)
    again = toolgate("apply", "-f", str(file)).out.splitlines()
    assert again == ["= server cargo", "= policy careful", "= grant ci", "nothing to change"]


def test_a_dry_run_prints_the_plan_and_says_by_its_code_whether_there_is_one(toolgate: Toolgate, file: Path) -> None:
    planned = toolgate("apply", "-f", str(file), "--dry-run")
    assert planned.out.splitlines()[-1] == "3 changes to make"
    toolgate("apply", "-f", str(file), "--dry-run", "--exit-code", code=1)
    assert toolgate("server", "list", "--json").json == []
    assert not (file.parent / "ci.token").exists()
    toolgate("apply", "-f", str(file))
    toolgate("apply", "-f", str(file), "--dry-run", "--exit-code")


def test_json_says_the_same(toolgate: Toolgate, file: Path) -> None:
    said = toolgate("apply", "-f", str(file), "--json").json
    assert (said["changes"], said["applied"], said["warnings"]) == (3, True, [])
    assert [(step["sign"], step["kind"], step["name"]) for step in said["steps"]] == [
        ("+", "server", "cargo"),
        ("+", "policy", "careful"),
        ("+", "grant", "ci"),
    ]
    assert "tg_" not in json.dumps(said)
    assert toolgate("apply", "-f", str(file), "--dry-run", "--json").json["applied"] is False


def test_standard_input_is_a_file_too(
    toolgate: Toolgate, file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for said in ("3 changes made", "nothing to change"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(file.read_bytes())))
        assert toolgate("apply", "-f", "-").out.splitlines()[-1] == said


def test_every_problem_is_named_with_its_line_and_nothing_is_changed(toolgate: Toolgate, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        """\
version: "1"
servers:
  cargo: {url: "http://crm.example/"}
  crm:
    url: https://crm.example/
    heders: {}
    headers: {Authorization: "Bearer env:NO_SUCH_SECRET", X-Key: plain}
policies:
  careful: {file: nowhere.json}
grants:
  ci: {server: cargo}
"""
    )
    done = toolgate("apply", "-f", str(file), code=2)
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert [line.removeprefix(f"error: {file}:") for line in errors] == [
        "3: /servers/cargo/url: `http://crm.example` would carry calls and credentials in the clear",
        "6: /servers/crm/heders: the key `heders` is not known here",
        "7: /servers/crm/headers/X-Key: the value is not of the form that is expected here",
        "9: /policies/careful/file: `" + str(tmp_path / "nowhere.json") + "` cannot be read: No such file or directory",
        "11: /grants/ci: the key `policy` is missing",
    ]
    assert "did you mean `headers`?" in done.err
    assert "plain" not in "".join(errors)
    assert toolgate("server", "list", "--json").json == []


def test_a_missing_secret_is_named_and_a_present_one_is_never_shown(
    toolgate: Toolgate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, peer: Peer
) -> None:
    file = tmp_path / "toolgate.yaml"
    header = "headers: {Authorization: 'Bearer env:CRM_SECRET'}"
    file.write_text(f"version: '1'\nservers:\n  crm:\n    url: {peer.url}\n    {header}\n")
    monkeypatch.delenv("CRM_SECRET", raising=False)
    assert "the secret `CRM_SECRET` is missing" in toolgate("apply", "-f", str(file), code=2).err
    assert toolgate("server", "list", "--json").json == []
    monkeypatch.setenv("CRM_SECRET", "s3cret-value")
    done = toolgate("apply", "-f", str(file))
    assert peer.seen["authorization"] == "Bearer s3cret-value"
    monkeypatch.setenv("CRM_SECRET", "an0ther-value")
    changed = toolgate("apply", "-f", str(file))
    assert changed.out.splitlines()[0] == "~ server crm: header authorization"
    assert peer.seen["authorization"] == "Bearer an0ther-value"
    assert "value" not in done.out + done.err + changed.out + changed.err + toolgate("server", "show", "crm").out


def test_pruning_takes_away_what_the_file_made_and_nothing_else(toolgate: Toolgate, file: Path, peer: Peer) -> None:
    toolgate("server", "add", "mine", "--url", peer.url)
    toolgate("grant", "add", "--server", "mine", "--label", "hand")
    toolgate("apply", "-f", str(file))
    file.write_text('version: "1"\n')
    assert toolgate("apply", "-f", str(file)).out.splitlines() == ["nothing to change"]
    pruned = toolgate("apply", "-f", str(file), "--prune").out.splitlines()
    assert pruned == ["- grant ci: revoked", "- policy careful", "- server cargo", "3 changes made"]
    assert [server["name"] for server in toolgate("server", "list", "--json").json] == ["mine"]
    assert toolgate("policy", "list", "--json").json == []
    states = {grant["label"]: grant["state"] for grant in toolgate("grant", "list", "--json").json}
    assert states == {"ci": "revoked", "hand": "active"}


def test_a_lost_token_is_a_warning_until_a_new_one_is_asked_for(toolgate: Toolgate, file: Path, tmp_path: Path) -> None:
    toolgate("apply", "-f", str(file))
    token = (tmp_path / "ci.token").read_text()
    (tmp_path / "ci.token").unlink()
    done = toolgate("apply", "-f", str(file))
    assert "does not hold the token of `ci`" in done.err
    assert "--rotate-missing" in done.err
    assert done.out.splitlines()[-1] == "nothing to change"
    assert "~ grant ci: a new token in " in toolgate("apply", "-f", str(file), "--rotate-missing").out
    assert (tmp_path / "ci.token").read_text() != token
    assert toolgate("apply", "-f", str(file), "--rotate-missing").out.splitlines()[-1] == "nothing to change"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"version: '1'\n\xff\n", ":2: is not UTF-8"),
        (b"a: &x [*x]\n", "`*x` is an alias"),
        (b"version: '1'\nversion: '1'\n", ":2: /version: the key `version` stands twice"),
        (b"version: 1\n", ":1: /version: the value is not of the form"),
        (b"- a\n", "a list is not an object"),
        (b"a: [\n", "is not YAML"),
        (b"a: !!python/object/apply:os.system [id]\n", "is a tag"),
        (b"#" * (1024 * 1024 + 1), "is larger than 1048576 bytes"),
        (b"[" * 100_000, "is nested too deeply"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused(
    toolgate: Toolgate, tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "bad.yaml"
    file.write_bytes(content)
    assert said in toolgate("apply", "-f", str(file), code=2).err


def test_what_is_no_file_is_refused(toolgate: Toolgate, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    for name in (".", "loop", "nowhere"):
        assert "error: configuration: " in toolgate("apply", "-f", str(tmp_path / name), code=2).err


def test_a_policy_that_is_not_valid_is_named_by_its_own_place(
    toolgate: Toolgate, file: Path, policy_file: Path
) -> None:
    toolgate("apply", "-f", str(file))
    policy_file.write_text(POLICY.replace("{}", '{"requre": []}'))
    assert "error: policy.json: /tools/run/requre: " in toolgate("apply", "-f", str(file), code=2).err
    assert toolgate("policy", "show", "careful").out.rstrip() == POLICY
