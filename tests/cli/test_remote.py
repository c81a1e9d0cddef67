"""`toolgate --url URL --token TOKEN`: every command prints what it prints on the data directory itself.

One installation is administered both ways: where it lies, and by the REST API of its control plane.
"""

from __future__ import annotations

import asyncio
import json
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import trustme
from tests.cli.conftest import Done, Toolgate
from tests.cli.test_grant import running_gateway
from tests.cli.test_serve import free_port
from tests.control.api.house import furnish
from tests.control.running import Control

from toolgate.cli.root import run
from toolgate.store.tables import DEFAULT_ORGANISATION

READING = (
    "server list",
    "server show crm",
    "server tools crm",
    "server judge crm",
    "policy list",
    "policy show careful",
    "policy show careful --revision 1",
    "grant list",
    "grant list --server crm",
    "approval list --state denied",
    "audit list",
    "audit list --since 30d --outcome allow --limit 1",
    "audit list --tool nothing",
    "audit list --grant ci",
    "member list",
    "organisation list",
    "token list",
)
REFUSED = (
    "server show nope",
    "server tools nope",
    "server tools crm --accept nope",
    "server judge crm nope=Write",
    "server judge crm run=read",
    "server judge crm --reclassify nope",
    "server remove nope",
    "server set crm --without X-None",
    "policy show nope",
    "policy show careful --revision 9",
    "policy remove careful",
    "grant list --server nope",
    "grant rotate nope",
    "grant revoke nope",
    "grant attach ci --policy nope",
    "grant attach nope --policy careful",
    "approval show zzz",
    "approval approve zzz",
    "audit list --since never",
    "member add nonsense --role viewer",
    "member change nope@example.com --role viewer",
    "member remove nope@example.com",
    "member reset nope@example.com",
    "token revoke nope",
    "server show ..",
    "policy remove .",
    "server show a/b",
    "grant revoke no/such",
    "policy add a/b {policy}",
    "policy add 00000000-0000-4000-8000-000000000001 {policy}",
)
ONLY_THERE = (
    "audit verify",
    "audit key",
    "audit tail",
    "audit export",
    "audit prune --before 90d",
    "keys show",
    "member sign-out ada-one@example.com",
    "member list --organisation default",
    "organisation add acme",
    "serve",
    "server set crm --capture 3",
    "server set crm --ca-file /etc/hostname",
)


class Served:
    """A control plane in a thread of its own, with one of everything, and a token for it."""

    def __init__(self, control: Control) -> None:
        self.url = control.url
        self.data = control.state.data
        self.token = control.token("admin", approver=("*",))
        self.reader = control.token("viewer")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    started: Queue[tuple[Served, Callable[[], object]]] = Queue()

    async def serve() -> None:
        ended = asyncio.Event()
        async with Control.running(tmp_path_factory.mktemp("elsewhere") / "data") as control:
            await furnish(control, DEFAULT_ORGANISATION, "one")
            end = partial(asyncio.get_running_loop().call_soon_threadsafe, ended.set)
            started.put((Served(control), end))
            await ended.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    served, end = started.get(timeout=60)
    yield served
    end()
    thread.join()


class Both:
    """The same command line here, on the data directory, and from elsewhere."""

    def __init__(self, served: Served, capture: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.served = served
        self._capture = capture
        self._monkeypatch = monkeypatch

    def here(self, line: str) -> Done:
        self._monkeypatch.setenv("TOOLGATE_DATA", str(self.served.data))
        return self._run(shlex.split(line))

    def elsewhere(self, line: str, token: str = "", url: str = "") -> Done:
        self._monkeypatch.delenv("TOOLGATE_DATA", raising=False)
        self._monkeypatch.setenv("THERE", token or self.served.token)
        done = self._run(["--url", url or self.served.url, "--token", "env:THERE", *shlex.split(line)])
        assert self.served.token not in done.out + done.err
        return done

    def _run(self, arguments: list[str]) -> Done:
        self._capture.readouterr()
        code = run(arguments)
        done = Done(code, *self._capture.readouterr())
        assert "Traceback" not in done.err
        assert "unexpectedly" not in done.err
        return done


@pytest.fixture
def secured(data: Path, certificate: Path) -> Iterator[str]:
    """The address of a real `toolgate serve` with a certificate of a private authority."""
    key = certificate.with_name("server.pem")
    ports = [word for name in ("--port", "--control-port") for word in (name, free_port())]
    tls = ("--tls-certificate", str(key), "--tls-key", str(key))
    command = [sys.executable, "-m", "toolgate", "serve", "--data", str(data), *ports, *tls]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            next(line for line in process.stderr if "listening on " in line)
            yield f"https://127.0.0.1:{ports[3]}"
        finally:
            process.terminate()
            process.communicate()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """What to trust, beside what the server shows (`server.pem`)."""
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return tmp_path / "authority.pem"


@pytest.fixture
def both(served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Both:
    monkeypatch.setenv("COLUMNS", "80")
    return Both(served, capsys, monkeypatch)


def objects(done: Done) -> list[Any]:
    """The JSON values that a command printed, one a line."""
    assert (done.code, done.err) == (0, "")
    return [json.loads(line) for line in done.out.splitlines()]


@pytest.mark.parametrize("lines", [READING[::6], pytest.param(READING, marks=pytest.mark.slow)], ids=["some", "all"])
def test_what_is_read_from_elsewhere_is_what_is_read_here(both: Both, lines: tuple[str, ...]) -> None:
    for line in lines:
        elsewhere = both.elsewhere(line)
        assert elsewhere == both.here(line), line
        assert elsewhere.code == 0
        assert objects(both.elsewhere(f"{line} --json")) == objects(both.here(f"{line} --json")), line


@pytest.mark.slow
def test_what_is_refused_here_is_refused_elsewhere_with_the_same_code(both: Both, policy_file: Path) -> None:
    for line in (line.format(policy=policy_file) for line in REFUSED):
        elsewhere, here = both.elsewhere(line), both.here(line)
        assert elsewhere.code == here.code == 2, (line, elsewhere, here)
        assert elsewhere.out == here.out == ""
        assert elsewhere.err.startswith("error: "), line


def test_what_needs_the_data_directory_says_so(both: Both) -> None:
    for line in ONLY_THERE:
        done = both.elsewhere(line)
        assert done.code == 2, (line, done)
        assert "help: " in done.err, line


def test_an_approval_is_shown_alike(both: Both) -> None:
    waiting = objects(both.here("approval list --json"))
    assert objects(both.elsewhere("approval list --json")) == waiting
    approval = waiting[0][0]["id"]
    assert objects(both.elsewhere(f"approval show {approval} --json")) == objects(
        both.here(f"approval show {approval[:9]} --json")
    )


def test_a_bad_token_is_refused_with_what_to_do(both: Both) -> None:
    for token in ("tgt_" + "0" * 49, "nonsense"):
        done = both.elsewhere("server list", token)
        assert done.code == 2
        assert f"--token: is not accepted at {both.served.url}" in done.err
        assert "toolgate token add" in done.err
        assert token not in done.err


def test_a_role_that_does_not_reach_is_named(both: Both) -> None:
    done = both.elsewhere("grant add --server crm --label more", both.served.reader)
    assert (done.code, done.out) == (2, "")
    assert "`viewer` may not do this" in done.err
    assert "admin" in done.err


def test_nobody_there_leaves_with_3(both: Both) -> None:
    for line in ("server list", "policy list --json", "audit list --json", "audit export --format csv"):
        done = both.elsewhere(line, url="http://127.0.0.1:9")
        assert (done.code, done.out) == (3, "")
        assert "cannot be reached" in done.err


@pytest.mark.parametrize(
    "url", ["ftp://gate", "gate.example", "https://user@gate", "https://gate:99999", "http://[::1"]
)
def test_what_is_no_address_is_refused(both: Both, url: str) -> None:
    done = both.elsewhere("server list", url=url)
    assert done.code == 2
    assert "is not the address of a dashboard" in done.err


def test_another_web_server_is_recognised(both: Both, tmp_path: Path) -> None:
    below = tmp_path / "api/v1"
    below.mkdir(parents=True)
    (below / "servers").write_text("<p>Hello")
    (below / "policies").write_text("[]")
    (below / "grants").write_text('{"items": 1, "next": null}')
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        for line in ("server list", "policy list", "grant list", "member list"):
            done = both.elsewhere(line, url=url)
            assert done.code == 2, (line, done)
            assert "is --url the address of a dashboard?" in done.err
        server.shutdown()
        thread.join()


def shape(value: Any) -> Any:
    """The value with each leaf replaced by the name of its kind."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(inner) for inner in value] if isinstance(value, list) else type(value).__name__


CHANGES = (
    "server add {n} --url http://127.0.0.1:9/mcp --pin",
    "server set {n} --no-pin",
    "server tools crm --refresh",
    "server judge crm --reclassify",
    "policy add {n} {policy}",
    "policy add {n} {policy} --server crm",
    "grant add --server crm --policy {n} --label {n} --labels a=b --expires 30d",
    "grant add --server {n} --label other-{n} --claims iss=https://login.example --claims sub={n}",
    "grant set {n} --claims iss=https://login.example --claims sub=more-{n}",
    "grant set {n} --no-claims",
    "grant rotate {n}",
    "grant attach {n} --policy careful",
    "grant revoke {n}",
    "grant add --server crm --label 'team {n}/50% ?#'",
    "grant rotate 'team {n}/50% ?#'",
    "grant revoke 'team {n}/50% ?#'",
    "policy remove {n}",
    "member add {n}@example.com --role viewer --approver crm",
    "member add all-{n}@example.com --role viewer --approver * --name Ada",
    "member reset {n}@example.com",
    "member change {n}@example.com --role policy_manager --no-approver",
    "member disable {n}@example.com",
    "member enable {n}@example.com",
    "member remove {n}@example.com",
    "token add {n} --role viewer --expires 9d",
    "token add {n} --role viewer",
    "token revoke {n}",
    "server remove {n}",
)


@pytest.mark.slow
def test_what_changes_answers_alike(both: Both, policy_file: Path) -> None:
    for line in CHANGES:
        here = both.here(f"{line.format(n='here', policy=policy_file)} --json")
        elsewhere = both.elsewhere(f"{line.format(n='elsewhere', policy=policy_file)} --json")
        assert here.code == elsewhere.code, (line, here, elsewhere)
        assert shape(json.loads(here.out or "null")) == shape(json.loads(elsewhere.out or "null")), line


@pytest.mark.slow
def test_what_was_set_there_stays_when_something_else_is_changed_from_elsewhere(both: Both, certificate: Path) -> None:
    both.here("server add kept --url http://127.0.0.1:9/mcp")
    assert both.here(f"server set kept --ca-file {certificate}").code == 0
    assert both.elsewhere("server set kept --pin").code == 0
    shown = json.loads(both.here("server show kept --json").out)
    assert (shown["pin"], shown["ca_file"]) == (True, str(certificate))


@pytest.mark.slow
def test_the_table_of_records_is_the_same_file(both: Both) -> None:
    for line in ("audit export --format csv", "audit export --format csv --since 30d"):
        assert both.elsewhere(line) == both.here(line)
        assert len(both.here(line).out.splitlines()) == 2


@pytest.mark.slow
def test_a_decision_that_comes_too_late_leaves_with_1(both: Both) -> None:
    approval = objects(both.here("approval list --json"))[0][0]["id"]
    decided = both.elsewhere(f"approval deny {approval[:9]} --reason 'not today'")
    assert (decided.code, decided.err) == (0, "")
    assert decided.out.startswith(f"denied {approval}: ")
    late, here = both.elsewhere(f"approval approve {approval}"), both.here(f"approval approve {approval}")
    assert (late.code, here.code) == (1, 1)
    assert "is not pending any more" in late.err


@pytest.mark.slow
def test_a_gateway_there_that_does_not_confirm_is_told_of(both: Both, policy_file: Path) -> None:
    with running_gateway(both.served.data, stuck=True):
        done = both.elsewhere(f"policy add late {policy_file} --json")
    assert (done.code, json.loads(done.out)["name"]) == (3, "late")
    assert "not every gateway has confirmed it" in done.err


@pytest.mark.slow
def test_a_private_authority_is_named_by_the_environment(toolgate: Toolgate, secured: str, certificate: Path) -> None:
    token = json.loads(toolgate("token", "add", "there", "--role", "viewer", "--json").out)["token"]
    line = ("--url", secured, "--token", "env:THERE", "server", "list", "--json")
    refused = toolgate.spawn(*line, code=3, THERE=token)
    assert "SSL_CERT_FILE" in refused.err
    assert json.loads(toolgate.spawn(*line, THERE=token, SSL_CERT_FILE=str(certificate)).out) == []
