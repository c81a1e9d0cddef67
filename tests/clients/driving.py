"""A client in a process of its own, as its test talks with it: the other end of the dialogue of README.md."""

from __future__ import annotations

import json
import select
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from .clients import Peer

PATIENCE = 20.0
"""Seconds without an answer after which a client counts as hanging."""
GRACE = 10.0
"""Seconds that a client has to end when its standard input did."""


class Raised(AssertionError):
    """The client reported a request as failed."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(f"{answer['raised']} {answer['code']}: {answer['text']}")
        self.code: int | None = answer["code"]
        self.text: str = answer["text"]


class Hangs(AssertionError):
    """The client said nothing for a long time, or ended without a word."""


class Driver:
    """One client process in conversation with the test."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._rest = b""
        hello = self.answer(PATIENCE)
        self.revision: str | None = hello["revision"]
        self.client: str = hello["client"]

    def ask(self, **request: Any) -> None:
        """Say a request; `answer` reads what comes of it."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()

    def answer(self, patience: float = PATIENCE) -> dict[str, Any]:
        """The next answer; Raised when the request failed."""
        line = self._line(patience)
        answer = json.loads(line)
        assert isinstance(answer, dict)
        if "raised" in answer:
            raise Raised(answer)
        return answer

    def _line(self, patience: float) -> bytes:
        assert self._process.stdout is not None
        while b"\n" not in self._rest:
            if not select.select([self._process.stdout], [], [], patience)[0]:
                raise Hangs(f"no answer for {patience:g} seconds")
            read = self._process.stdout.read1(1 << 20)  # type: ignore[attr-defined]
            if not read:
                raise Hangs(f"ended with status {self._process.wait(GRACE)}")
            self._rest += read
        line, self._rest = self._rest.split(b"\n", 1)
        return line

    def tools(self) -> list[str]:
        self.ask(do="list")
        names = self.answer()["tools"]
        assert isinstance(names, list)
        return names

    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        self.ask(do="call", name=name, arguments=arguments)
        return self.answer()

    def read(self, uri: str) -> str:
        self.ask(do="read", uri=uri)
        return str(self.answer()["text"])


@contextmanager
def driver(peer: Peer, words: Sequence[str]) -> Iterator[Driver]:
    """The client of `peer`, connected as `words` say (`http URL TOKEN` or `stdio COMMAND...`)."""
    line = [*peer.client.program, peer.mode, *words]
    with subprocess.Popen(
        line, cwd=peer.client.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            yield Driver(process)
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
