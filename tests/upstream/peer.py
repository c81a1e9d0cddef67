"""A stdio server that behaves as its caller says: well, or in one of the ways in which servers go wrong.

`peer.py crash` ends at once with status 3, `peer.py stubborn` ignores the end of its input and TERM, `peer.py deaf`
reads nothing. Every message that came can be asked for with the method `seen`.
"""

import json
import os
import signal
import subprocess
import sys
from typing import Any

SEEN: list[Any] = []
HELD: dict[Any, Any] = {}
LEAVE_BEHIND = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def write(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def say(**message: Any) -> None:
    write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


def note(method: str, **params: Any) -> None:
    say(method=method, params=params)


def answer(id_: Any, params: Any, method: str) -> None:  # noqa: PLR0912, C901 - one case for each way to behave
    result: Any = {"pid": os.getpid(), "params": params}
    if method == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": {"name": "peer", "version": "1"}}
    elif method == "tools/list":
        result = {"tools": [{"name": "pid", "inputSchema": {"type": "object"}}]}
    elif method == "seen":
        result = {"seen": SEEN[:-1]}
    elif method == "environment":
        result = dict(os.environ)
    elif method == "hold":
        HELD[id_] = params
        return
    elif method == "release":
        say(id=params["id"], result={"released": HELD.pop(params["id"], None) is not None})
    elif method == "noise":
        write(b"Server running on stdio\n\n[1]\n{\n\xff\xfe\n")
    elif method == "huge":
        result = {"text": "x" * params["size"]}
    elif method == "broken":
        write(b'{"jsonrpc":"2.0","id":%d,"result":{"text":"\xff"}}\n' % id_)
        return
    elif method == "spaced":
        write(b'{"jsonrpc":"2.0",\r"method":"notifications/message"}\r\n{"id":%d,\r"result":{}}\r\n' % id_)
        return
    elif method == "die":
        write(b'{"jsonrpc":"2.0","id":')
        os._exit(7)
    elif method == "refuse":
        say(id=id_, error={"code": params["code"], "message": "no"})
        return
    elif method == "flood":
        for number in range(params["count"]):
            note("notifications/message", data="y" * params["size"], number=number)
    elif method == "progress":
        note("notifications/progress", progressToken=params["_meta"]["progressToken"], progress=1)
    elif method == "ask":
        HELD["asked"] = id_
        say(id="asked", method="sampling/createMessage", params={})
        return
    elif method == "complain":
        print(params["text"], file=sys.stderr, flush=True)
    elif method == "fork":
        child = subprocess.Popen([sys.executable, "-c", LEAVE_BEHIND], stdout=sys.stdout)
        result = {"pid": os.getpid(), "child": child.pid}
    say(id=id_, result=result)


def serve() -> None:
    for line in sys.stdin.buffer:
        message = json.loads(line)
        SEEN.append(message)
        if "method" in message and "id" in message:
            answer(message["id"], message.get("params"), message["method"])
        elif message.get("id") == "asked":
            say(id=HELD.pop("asked"), result=message.get("result", {"refused": True}))


if __name__ == "__main__":
    way = sys.argv[1:]
    if "crash" in way:
        sys.exit(3)
    if "stubborn" in way:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "deaf" not in way:
        serve()
    while "stubborn" in way or "deaf" in way:
        signal.pause()
