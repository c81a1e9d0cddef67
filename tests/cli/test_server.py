from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import RUN, Peer, Toolgate

pytestmark = pytest.mark.slow

NOBODY = "http://127.0.0.1:9/mcp"


def test_adding_a_server_fetches_its_tools(toolgate: Toolgate, peer: Peer) -> None:
    added = toolgate("server", "add", "cargo", "--url", peer.url, "--json").json
    assert added["name"] == "cargo"
    assert added["proxy_url"] == f"http://127.0.0.1:8484/mcp/{added['id']}/"
    assert (added["reachable"], added["tools"], added["protocol_revision"]) == (True, 1, "2026-07-28")
    [tool] = toolgate("server", "tools", "cargo", "--json").json
    assert (tool["name"], tool["status"], tool["definition"]) == ("run", "current", RUN)


def test_a_server_that_cannot_be_reached_is_registered_with_a_warning(toolgate: Toolgate) -> None:
    done = toolgate("server", "add", "cargo", "--url", NOBODY, "--json")
    assert done.json["reachable"] is False
    assert "warning: " in done.err
    assert "the server is registered without tools" in done.err
    assert toolgate("server", "tools", "cargo").out == ""


def test_credentials_reach_the_server_and_nobody_else(
    toolgate: Toolgate, peer: Peer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CARGO_KEY", "from-the-environment")
    (tmp_path / "secret").write_text("from-a-file\n")
    given = ["Authorization: Bearer s3cret-value", "X-Key: env:CARGO_KEY", f"X-File: @{tmp_path}/secret"]
    options = [part for header in given for part in ("--header", header)]
    done = toolgate("server", "add", "cargo", "--url", peer.url, *options, "--json")
    assert done.json["headers"] == {"authorization": "sealed", "x-file": "sealed", "x-key": "env:CARGO_KEY"}
    assert peer.seen["authorization"] == "Bearer s3cret-value"
    assert (peer.seen["x-key"], peer.seen["x-file"]) == ("from-the-environment", "from-a-file")
    shown = toolgate("server", "show", "cargo").out + toolgate("server", "list").out + done.out + done.err
    assert "s3cret" not in shown
    assert "from-the" not in shown


def test_a_missing_variable_is_a_warning_when_the_server_is_asked(toolgate: Toolgate, peer: Peer) -> None:
    done = toolgate("server", "add", "cargo", "--url", peer.url, "--header", "X-Key: env:TOOLGATE_NO_SUCH_VARIABLE")
    assert "`TOOLGATE_NO_SUCH_VARIABLE` is not set" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["two words", "--url", NOBODY], "error: server name: `two words` is not a name"),
        (["cargo", "--url", "nonsense"], "error: --url: `nonsense` is not an http or https URL"),
        (["cargo", "--url", "http://crm.example/"], "would carry calls and credentials in the clear"),
        (["cargo", "--url", NOBODY, "--header", "Host: x"], "error: --header Host: `Host` is written by the gateway"),
        (["cargo", "--url", NOBODY, "--header", "nonsense"], "error: --header: is not a header"),
        (["cargo", "--url", NOBODY, "--ca-file", "/nowhere"], "error: --ca-file: `/nowhere` is not a file"),
        (["cargo", "--url", NOBODY, "--client-key", __file__], "goes together with --client-certificate"),
        (["cargo"], "error: --url: a server has either a URL or a command"),
        (["cargo", "--url", NOBODY, "--command", "true"], "error: --url: a server has either a URL or a command"),
        (["cargo", "--command", ""], "error: --command: the command is empty"),
        (["cargo", "--command", "echo 'half"], "`echo 'half` cannot be parted into words: no closing quotation"),
        (["cargo", "--command", "true", "--header", "X-Key: v"], "error: --header: means nothing for a command"),
        (["cargo", "--command", "true", "--allow-private"], "settings of a connection mean nothing for a command"),
        (["cargo", "--url", NOBODY, "--env", "K=v"], "error: --env: means nothing for a URL"),
        (["cargo", "--command", "true", "--env", "K"], "error: --env: is not a variable"),
        (["cargo", "--command", "true", "--env", "A-B=v"], "`A-B` is not the name of a variable"),
        (["cargo", "--command", "true", "--env", "TOOLGATE_DATA=/x"], "is a setting of Toolgate itself"),
        (["cargo", "--command", "true", "--env", "K=env:A-B"], "`A-B` is not the name of a variable"),
        (["cargo", "--command", "true", "--env", "K=@/nowhere"], "`/nowhere` cannot be read"),
        (["cargo", "--command", "true", "--env", "K=a", "--env", "K=b"], "error: K: is given twice"),
        (["cargo", "--url"], "error: command line: "),
    ],
)
def test_bad_input_is_named_and_changes_nothing(toolgate: Toolgate, arguments: list[str], said: str) -> None:
    assert said in toolgate("server", "add", *arguments, code=2).err
    assert toolgate("server", "list", "--json").json == []


def test_a_command_is_registered_word_by_word_with_its_variables(
    toolgate: Toolgate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("from-a-file\n")
    monkeypatch.chdir(tmp_path)
    variables = ["--env", "KEY=@key", "--env", "MODE=s3cret value", "--env", "HOST=env:NOBODY_SETS_THIS"]
    command = """./no-such-server --root '/srv/two words' "$HOME" """
    done = toolgate("server", "add", "notes", "--command", command, *variables, "--pin", "--json")
    program = str(tmp_path / "no-such-server")
    assert done.json["command"] == [program, "--root", "/srv/two words", "$HOME"]
    assert done.json["headers"] == {"HOST": "env:NOBODY_SETS_THIS", "KEY": "sealed", "MODE": "sealed"}
    assert (done.json["url"], done.json["pin"], done.json["reachable"]) == (None, True, False)
    shown = toolgate("server", "show", "notes").out
    assert f"{program} --root '/srv/two words' '$HOME'" in shown
    assert "KEY (sealed)" in shown
    listed = toolgate("server", "list").out
    assert program in listed
    assert "s3cret" not in shown + listed + done.out + done.err


def test_a_taken_name_is_refused(toolgate: Toolgate) -> None:
    toolgate("server", "add", "cargo", "--url", NOBODY)
    assert "there is a server named `cargo` already" in toolgate("server", "add", "cargo", "--url", NOBODY, code=2).err


def test_list_and_show_say_what_is_registered(toolgate: Toolgate, peer: Peer) -> None:
    added = toolgate("server", "add", "cargo", "--url", peer.url, "--pin", "--json").json
    listed = toolgate("server", "list").out
    assert listed.splitlines()[0].split() == ["NAME", "REACHED", "BY", "TOOLS", "GRANTS", "PINNED", "STOPPED"]
    assert listed.splitlines()[1].split() == ["cargo", peer.url, "1", "0", "yes", "no"]
    shown = toolgate("server", "show", "cargo", "--json").json
    assert shown == {key: value for key, value in added.items() if key != "reachable"}
    assert toolgate("server", "list", "--json").json == [shown]
    assert added["proxy_url"] in toolgate("server", "show", added["id"]).out


def test_the_proxy_url_is_where_the_gateway_said_it_runs(toolgate: Toolgate, data: Path) -> None:
    added = toolgate("server", "add", "cargo", "--url", NOBODY, "--json").json
    (data / "gateway.json").write_text('{"url": "https://gate.example/"}')
    assert toolgate("server", "show", "cargo", "--json").json["proxy_url"] == f"https://gate.example/mcp/{added['id']}/"


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"url": 3}', '{"url": "javascript:x"}', "[" * 4000, '{"url": "http://["}']
)
def test_a_gateway_file_that_is_not_ours_is_not_believed(toolgate: Toolgate, data: Path, text: str) -> None:
    toolgate("server", "add", "cargo", "--url", NOBODY)
    (data / "gateway.json").write_text(text)
    proxy = toolgate("server", "show", "cargo", "--json").json["proxy_url"]
    assert proxy.startswith("http://127.0.0.1:8484/mcp/")


def test_refreshing_asks_the_server_again(toolgate: Toolgate, peer: Peer) -> None:
    toolgate("server", "add", "cargo", "--url", peer.url)
    peer.tools = [RUN, {"name": "wipe", "inputSchema": {"type": "object"}}]
    assert "wipe" not in toolgate("server", "tools", "cargo").out
    assert "wipe" in toolgate("server", "tools", "cargo", "--refresh").out


def test_refreshing_a_server_that_is_gone_lists_what_was_seen_and_leaves_with_3(toolgate: Toolgate) -> None:
    toolgate("server", "add", "cargo", "--url", NOBODY)
    done = toolgate("server", "tools", "cargo", "--refresh", "--json", code=3)
    assert done.json == []
    assert "these are the tools as last seen" in done.err


def test_tools_of_a_pinned_server_wait_until_they_are_accepted(toolgate: Toolgate, peer: Peer) -> None:
    toolgate("server", "add", "cargo", "--url", peer.url, "--pin")
    peer.tools = [{**RUN, "description": "Now does other things."}]
    toolgate("server", "tools", "cargo", "--refresh")
    statuses = [(tool["name"], tool["status"]) for tool in toolgate("server", "tools", "cargo", "--json").json]
    assert statuses == [("run", "current"), ("run", "withheld")]
    assert "withheld" not in toolgate("server", "tools", "cargo", "--accept", "run").out
    assert "no version of `run` is withheld" in toolgate("server", "tools", "cargo", "--accept", "run", code=2).err


def test_what_a_server_says_of_itself_cannot_move_the_cursor(toolgate: Toolgate, peer: Peer) -> None:
    peer.tools = [
        {"name": "\x1b[2J\u202egnp", "description": "\x07\x1b]0;title\x07", "inputSchema": {"type": "object"}}
    ]
    toolgate("server", "add", "cargo", "--url", peer.url)
    for options in ([], ["--json"]):
        out = toolgate("server", "tools", "cargo", *options).out
        assert out.replace("\n", "").isprintable()


def test_removing_a_server_revokes_its_grants(toolgate: Toolgate) -> None:
    added = toolgate("server", "add", "cargo", "--url", NOBODY, "--json").json
    grant = toolgate("grant", "add", "--server", "cargo", "--label", "ci", "--json").json
    assert toolgate("server", "remove", "cargo", "--json").json == {
        "id": added["id"],
        "name": "cargo",
        "revoked": [grant["id"]],
    }
    assert toolgate("grant", "list", "--json").json[0]["state"] == "revoked"
    assert "there is no server `cargo`" in toolgate("server", "show", "cargo", code=2).err


def test_json_is_one_line_of_ascii(toolgate: Toolgate, peer: Peer) -> None:
    peer.tools = [{"name": "日本", "inputSchema": {"type": "object"}}]
    toolgate("server", "add", "cargo", "--url", peer.url)
    out = toolgate("server", "tools", "cargo", "--json").out
    assert out.isascii()
    assert out.count("\n") == 1
    assert json.loads(out)[0]["name"] == "日本"


def test_a_server_that_is_set_keeps_its_id_and_what_was_not_named(toolgate: Toolgate, peer: Peer) -> None:
    given = ["--header", "X-Key: s3cret", "--header", "X-Other: 1", "--pin"]
    added = toolgate("server", "add", "cargo", "--url", NOBODY, *given, "--json").json
    toolgate("grant", "add", "--server", "cargo", "--label", "ci")
    changed = toolgate("server", "set", "cargo", "--url", peer.url, "--header", "X-New: 2", "--without", "X-Other")
    assert changed.out == "cargo is changed, with 1 tools\n"
    shown = toolgate("server", "show", "cargo", "--json").json
    assert (shown["id"], shown["url"], shown["pin"], shown["grants"]) == (added["id"], peer.url, True, 1)
    assert shown["headers"] == {"x-key": "sealed", "x-new": "sealed"}
    assert (peer.seen["x-key"], peer.seen["x-new"]) == ("s3cret", "2")
    [tool] = toolgate("server", "tools", "cargo", "--json").json
    assert tool["status"] == "withheld"


def test_a_url_becomes_a_command_without_its_headers_and_back(toolgate: Toolgate) -> None:
    toolgate("server", "add", "cargo", "--url", NOBODY, "--header", "X-Key: s3cret", "--allow-private")
    toolgate("server", "set", "cargo", "--command", "no-such-program --flag", "--env", "KEY=s3cret", "--json")
    shown = toolgate("server", "show", "cargo", "--json").json
    assert (shown["url"], shown["command"]) == (None, ["no-such-program", "--flag"])
    assert (shown["headers"], shown["allow_private"]) == ({"KEY": "sealed"}, False)
    toolgate("server", "set", "cargo", "--url", NOBODY, "--ca-file", __file__)
    shown = toolgate("server", "show", "cargo", "--json").json
    assert (shown["url"], shown["command"], shown["headers"]) == (NOBODY, None, {})
    assert shown["ca_file"] == __file__
    toolgate("server", "set", "cargo", "--ca-file", "")
    assert toolgate("server", "show", "cargo", "--json").json["ca_file"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--url", "nonsense"], "is not an http or https URL"),
        (["--url", NOBODY, "--command", "x"], "a server has either a URL or a command"),
        (["--env", "K=v"], "error: --env: means nothing for a URL"),
        (["--without", "X-Nothing"], "there is no header or variable `X-Nothing`"),
        (["--client-key", __file__], "goes together with --client-certificate"),
        (["--ca-file", "/nowhere"], "error: --ca-file: `/nowhere` is not a file"),
    ],
)
def test_a_bad_setting_changes_nothing(toolgate: Toolgate, arguments: list[str], said: str) -> None:
    toolgate("server", "add", "cargo", "--url", NOBODY, "--header", "X-Key: v")
    before = toolgate("server", "show", "cargo", "--json").json
    assert said in toolgate("server", "set", "cargo", *arguments, code=2).err
    assert toolgate("server", "show", "cargo", "--json").json == before


def test_tools_are_judged_and_a_person_may_judge_otherwise(toolgate: Toolgate, peer: Peer) -> None:
    peer.tools = [RUN, {"name": "drop=all", "description": "Delete everything.", "inputSchema": {"type": "object"}}]
    toolgate("server", "add", "cargo", "--url", peer.url)
    found = {tool["name"]: tool for tool in toolgate("server", "tools", "cargo", "--json").json}
    assert (found["drop=all"]["category"], found["drop=all"]["risk"]) == ("Destructive", "Critical")
    assert found["drop=all"]["judged_by"].startswith("lexicon ")
    done = toolgate("server", "judge", "cargo", "drop=all=Read", "--json").json
    assert [(one["name"], one["before"], one["category"]) for one in done] == [("drop=all", "Destructive", "Read")]
    [judged] = [one for one in toolgate("server", "judge", "cargo", "--json").json if one["differs"]]
    assert (judged["name"], judged["category"], judged["lexicon"]["category"]) == ("drop=all", "Read", "Destructive")
    shown = [line.split() for line in toolgate("server", "judge", "cargo").out.splitlines()]
    assert shown[0] == ["TOOL", "CATEGORY", "JUDGED", "BY", "LEXICON"]
    assert ("drop=all", "Destructive") in [(line[0], line[-1]) for line in shown]
    again = toolgate("server", "judge", "cargo", "--reclassify").out
    assert again == "drop=all is Destructive now, and was Read\n"
    assert toolgate("server", "judge", "cargo", "--reclassify", "run").out == "every tool was judged so already\n"
    [tool] = [one for one in toolgate("server", "tools", "cargo", "--json").json if one["name"] == "drop=all"]
    assert tool["judged_by"].startswith("lexicon ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run"], "`run` does not say of what category a tool is"),
        (["run=write"], "`run=write` does not say of what category a tool is"),
        (["=Write"], "`=Write` does not say of what category a tool is"),
        (["nothing=Write"], "the server has no tool `nothing`"),
        (["nothing", "--reclassify"], "the server has no tool `nothing`"),
    ],
)
def test_what_judges_no_tool_changes_nothing(toolgate: Toolgate, peer: Peer, words: list[str], said: str) -> None:
    toolgate("server", "add", "cargo", "--url", peer.url)
    before = toolgate("server", "tools", "cargo", "--json").json
    assert said in toolgate("server", "judge", "cargo", *words, code=2).err
    assert toolgate("server", "tools", "cargo", "--json").json == before


def test_a_server_is_stopped_with_a_reason_and_resumed(toolgate: Toolgate) -> None:
    toolgate("server", "add", "cargo", "--url", NOBODY)
    assert (
        toolgate("server", "stop", "cargo", "--reason", "Its tools changed.").out == "stopped cargo for its 0 grants\n"
    )
    assert toolgate("server", "list").out.splitlines()[1].split()[-1] == "yes"
    assert ": Its tools changed." in toolgate("server", "show", "cargo").out
    assert toolgate("server", "resume", "cargo", "--json").json["stopped"] is None
    assert "there is no server `other`" in toolgate("server", "stop", "other", code=2).err
