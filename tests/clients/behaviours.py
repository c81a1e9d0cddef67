"""What every client is tried at: one function a behaviour, named and described as docs/clients.md prints it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from .clients import Peer
from .driving import Driver, Raised
from .gate import CLOSED, OPEN, Access, Gate

PATIENCE = 30.0
"""Seconds that something outside of the client may take to show."""
DENIED = "[POLICY DENIED] policy violation:"


@dataclass
class Scene:
    """A client, connected, with the access and the gateway it goes through."""

    peer: Peer
    gate: Gate
    access: Access
    client: Driver
    spent: bool = False
    """Nothing more can be tried with it."""

    def denied(self, name: str, **arguments: Any) -> str:
        """The text that a denied call shows."""
        answer = self.client.call(name, **arguments)
        assert answer["is_error"], answer
        assert answer["text"].startswith(DENIED), answer
        return str(answer["text"])


Behaviour = Callable[[Scene], None]
BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(function: Behaviour) -> Behaviour:
    """Enter a behaviour into the matrix; the first line of its docstring says what it is."""
    BEHAVIOURS[function.__name__] = function
    return function


def eventually(holds: Callable[[], Any]) -> Any:
    """What `holds` returns once it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)
    return found


@behaviour
def list_tools(scene: Scene) -> None:
    """lists the tools it may call, and no others"""
    assert sorted(scene.client.tools()) == sorted(OPEN["tools"])


@behaviour
def call(scene: Scene) -> None:
    """calls tools: text in any script, long text, structured results, the tool's own errors"""
    spoken = "grüße 🦀\n\t\u2028"
    answer = scene.client.call("echo", text=spoken)
    assert (answer["is_error"], answer["text"], answer["structured"]) == (False, spoken, {"result": spoken})
    assert scene.client.call("add", a=2, b=40)["structured"] == {"result": 42}
    assert scene.client.call("big", size=300_000)["text"] == "x" * 300_000
    failed = scene.client.call("fail", reason="out of paper")
    assert failed["is_error"]
    assert "out of paper" in failed["text"]


@behaviour
def progress(scene: Scene) -> None:
    """sees the progress that the server reports"""
    scene.client.ask(do="call", name="count", arguments={"to": 5}, progress=True)
    answer = scene.client.answer()
    assert answer["text"] == "counted to 5"
    assert [seen[:2] for seen in answer["progress"]] == [[number, 5] for number in range(1, 6)]


@behaviour
def denial(scene: Scene) -> None:
    """shows its user why a call was denied, and by which rule"""
    text = scene.denied("add", a=101, b=1)
    assert "Too much." in text
    assert "/tools/add/deny_if/0" in text


@behaviour
def limit(scene: Scene) -> None:
    """shows its user which limit is used up, and when it will be free again"""
    assert [scene.client.call("limited")["text"] for _ in range(2)] == ["counted"] * 2
    text = scene.denied("limited")
    assert re.search(r"Limit `rate_limit:limited` is used up: .* Retry after 20\d\d-\d\d-\d\dT", text)


@behaviour
def unknown(scene: Scene) -> None:
    """cannot tell a hidden tool from one that does not exist"""
    hidden, absent = scene.client.call("secret"), scene.client.call("missing")
    assert hidden == {**absent, "text": "Unknown tool: secret"}
    assert absent["is_error"]
    assert absent["text"] == "Unknown tool: missing"


@behaviour
def refused(scene: Scene) -> None:
    """reports a refused method as an error of that request, and goes on"""
    assert scene.client.read("reference://open") == "open to all"
    with pytest.raises(Raised, match=r"resources/read") as error:
        scene.client.read("reference://closed")
    assert error.value.code is not None
    assert not -32768 <= error.value.code <= -32000
    assert not scene.client.call("echo", text="goes on")["is_error"]


@behaviour
def elicitation(scene: Scene) -> None:
    """answers the server's question to the user (elicitation)"""
    assert scene.client.call("greet")["text"] == "hello Ada"


@behaviour
def sampling(scene: Scene) -> None:
    """answers the server's question to the model (sampling)"""
    assert scene.client.call("think")["text"] == "the model said sampled"


@behaviour
def resume(scene: Scene) -> None:
    """resumes a stream that was cut off (`Last-Event-ID`)"""
    assert scene.client.call("interrupted")["text"] == "resumed"


@behaviour
def restart(scene: Scene) -> None:
    """goes on with its session after the gateway was restarted"""
    assert not scene.client.call("echo", text="before")["is_error"]
    scene.gate.stop()
    scene.gate.start()
    assert scene.client.call("echo", text="after")["text"] == "after"


@behaviour
def change(scene: Scene) -> None:
    """is held to a changed policy at the next request of its session"""
    assert not scene.client.call("echo", text="before")["is_error"]
    scene.access.change(CLOSED)
    try:
        if scene.peer.way == "stdio":  # a file is looked at, not announced
            eventually(lambda: "secret" in scene.client.tools())
        assert "no echoes today" in scene.denied("echo", text="after")
        assert "secret" in scene.client.tools()
        assert scene.client.call("secret")["text"] == "the secret"
    finally:
        scene.access.change(OPEN)
    if scene.peer.way == "stdio":
        eventually(lambda: "secret" not in scene.client.tools())
    assert not scene.client.call("echo", text="again")["is_error"]


@behaviour
def held(scene: Scene) -> None:
    """waits while a call is held, told so where it shows progress, and gets the result once a person approved it"""
    file = scene.gate.file("held")
    before = set(scene.gate.waiting())
    scene.client.ask(do="call", name="once", arguments={"file": str(file)}, progress=True)
    (approval,) = eventually(lambda: set(scene.gate.waiting()) - before)
    assert not file.exists()
    scene.gate.commands.text("approval", "approve", approval)
    answer = scene.client.answer()
    assert (answer["is_error"], answer["text"]) == (False, "done")
    assert scene.peer.cannot("progress") or approval in answer["progress"][0][2]
    assert file.read_text() == "run\n"


@behaviour
def repeat(scene: Scene) -> None:
    """after giving up on a held call, repeats it once it was approved: that passes once and only once"""
    file = scene.gate.file("repeat")
    before = set(scene.gate.waiting())
    once = {"do": "call", "name": "once", "arguments": {"file": str(file)}}
    scene.client.ask(**once, timeout=scene.peer.client.gives_up)
    (approval,) = eventually(lambda: set(scene.gate.waiting()) - before)
    with pytest.raises(Raised):
        scene.client.answer()
    scene.gate.commands.text("approval", "approve", approval)
    assert scene.client.call("once", file=str(file))["text"] == "done"
    scene.client.ask(**once)
    (third,) = eventually(lambda: set(scene.gate.waiting()) - before - {approval})
    scene.gate.commands.text("approval", "deny", third)
    answer = scene.client.answer()
    assert answer["is_error"]
    assert answer["text"].startswith(DENIED)
    assert file.read_text() == "run\n"


@behaviour
def revoked(scene: Scene) -> None:
    """reports a revoked grant at its next request as an error"""
    assert not scene.client.call("echo", text="before")["is_error"]
    scene.spent = True
    scene.access.revoke()
    with pytest.raises(Raised, match=r"401|[Uu]nauthorized|revoked token"):
        scene.client.call("echo", text="after")
