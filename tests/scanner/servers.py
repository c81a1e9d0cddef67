"""Small servers that misbehave, each a program for Python to run: what a scan must survive."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

from toolgate.scanner.targets import Started, Target

_TALK = """
import json, sys, time
def answer(request, result):
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
def hello(request):
    answer(request, {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "s"}})
TOOL = {"name": "add", "description": "Adds two numbers.", "inputSchema": {"type": "object"}}
def refuse(request):
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32601, "message": "no"}}), flush=True)
"""
_LOOP = """
greeted = False
for line in sys.stdin:
    request = json.loads(line)
    method = request.get("method")
    if "id" not in request:
        continue
    if method == "initialize":
        greeted = True
        hello(request)
    elif method == "tools/list" and greeted:
        {listed}
    else:
        refuse(request)
"""


def program(code: str, *, before: str = "") -> tuple[str, ...]:
    """A server of the handshake era that runs `code` when it is asked for its tools."""
    return (sys.executable, "-c", _TALK + before + _LOOP.replace("{listed}", code))


def bare(code: str) -> tuple[str, ...]:
    """A program that only knows how to talk."""
    return (sys.executable, "-c", _TALK + code)


def target(name: str, command: tuple[str, ...], **environment: str) -> Target:
    return Target(name, Started(command, {"PATH": "/usr/bin:/bin", **environment}))


GOOD = program('answer(request, {"tools": [TOOL]})')
EVIL = {
    "silent": bare("time.sleep(600)"),
    "dies": bare("sys.exit('the variable KEY is not set')"),
    "deaf": bare("for line in sys.stdin: pass"),
    "floods": bare("while True: print('y' * 1000)"),
    "endless-line": bare("while True: sys.stdout.write('y' * 100000)"),
    "no-list": program('answer(request, {"tools": 5})'),
    "no-tools": program('answer(request, {"tool": []})'),
    "no-result": program('answer(request, "tools")'),
    "pages": program('answer(request, {"tools": [TOOL], "nextCursor": "again"})'),
    "megabytes": program(
        'answer(request, {"tools": [{**TOOL, "description": "x" * 12_000_000}], "nextCursor": "more"})'
    ),
    "deep": program("""print('{"jsonrpc": "2.0", "id": %s, "result": {"tools": [%s]}}' % (request["id"],
            "[" * 100_000 + "]" * 100_000), flush=True)"""),
    "dies-late": program("sys.exit(3)"),
    "half": program(
        """print('{"jsonrpc": "2.0", "id": %s, "result": {"too' % request["id"], flush=True); sys.exit(0)"""
    ),
}

_BESIDE = """
import json, sys, time
TOOL = {"name": "add", "description": "Adds two numbers.", "inputSchema": {"type": "object"}}
ANSWERS = json.loads(sys.argv[1])
MODERN, STRICT = sys.argv[2] in ("modern", "mute"), sys.argv[2] != "lax"
class Refused(Exception): pass
def refuse(code):
    raise Refused(code)
def say(request, **answer):
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], **answer}), flush=True)
greeted = False
for line in sys.stdin:
    request = json.loads(line)
    method, params = request.get("method"), request.get("params") or {}
    if "id" not in request:
        continue
    try:
        if method == ("server/discover" if MODERN else "initialize"):
            greeted = True
        elif STRICT and not (greeted or MODERN and "_meta" in params):
            refuse(-32600)
        say(request, result=eval(ANSWERS[method]) if method in ANSWERS else refuse(-32601))
    except Refused as refused:
        say(request, error={"code": refused.args[0], "message": "no"})
"""


def talking(hello: Mapping[str, object], answers: Mapping[str, str], era: str = "handshake") -> tuple[str, ...]:
    """A server that greets so, and answers `tools`, `prompts`, `resources` and `templates` by these expressions.

    `era` is `handshake`, `modern`, `mute`: modern, and says nothing of itself, or `lax`: of the handshake era, and
    without one it answers, too.
    """
    said = {"protocolVersion": "2025-11-25", "supportedVersions": ["2026-07-28"], "serverInfo": {}, **hello}
    method = {"modern": "server/discover", "mute": "nothing"}.get(era, "initialize")
    lists = {f"{'resources/' * (key == 'templates')}{key}/list": answer for key, answer in answers.items()}
    given = {method: repr(said), "tools/list": '{"tools": [TOOL]}', **lists}
    return (sys.executable, "-c", _BESIDE, json.dumps(given), era)


EVERYTHING: dict[str, object] = {"capabilities": {"tools": {}, "prompts": {}, "resources": {}}}
"""A greeting of a server that has all of them."""
