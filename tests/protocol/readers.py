"""Other readers of JSON, as upstream servers use them, and their readings in a form that can be compared."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import jiter
import msgspec
import orjson


def first_key_wins(body: bytes) -> object:
    """As readers do that search a list of members (RapidJSON, cJSON); the others here let the last key win."""
    return json.loads(body, object_pairs_hook=lambda members: dict(reversed(members)))


READERS: dict[str, Callable[[bytes], object]] = {
    "json": json.loads,
    "orjson": orjson.loads,
    "msgspec": msgspec.json.decode,
    "jiter": jiter.from_json,
    "first key wins": first_key_wins,
}

_PROGRAM = """
const reader = new TextDecoder("utf-8", {fatal: true, ignoreBOM: true});
require("readline").createInterface({input: process.stdin}).on("line", (line) => {
  let said;
  try { said = JSON.stringify([JSON.parse(reader.decode(Buffer.from(line, "base64")))]); }
  catch (error) { said = JSON.stringify(String(error)); }
  process.stdout.write(said + "\\n");
});
"""


def meaning(value: object) -> object:
    """The value with numbers as doubles; marked, since Python takes True for 1. Minus zero equals zero."""
    if isinstance(value, dict):
        return {key: meaning(item) for key, item in value.items()}
    if isinstance(value, list):
        return [meaning(item) for item in value]
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    assert isinstance(value, int | float | jiter.LosslessFloat)
    return ("number", float(value))


class Node:
    """One Node process that reads bodies with JSON.parse, a line each."""

    def __init__(self) -> None:
        program = shutil.which("node")
        assert program is not None, "the slow tests need node"
        pipe = subprocess.PIPE
        self.process = subprocess.Popen([program, "-e", _PROGRAM], stdin=pipe, stdout=pipe)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.communicate(timeout=30)

    def read(self, bodies: Iterable[bytes]) -> list[object]:
        """The readings of a few bodies (their lines must fit into a pipe); a text in place of one that failed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        lines = [base64.b64encode(body) + b"\n" for body in bodies]
        self.process.stdin.write(b"".join(lines))
        self.process.stdin.flush()
        answers = [json.loads(self.process.stdout.readline()) for _ in lines]
        return [answer[0] if isinstance(answer, list) else answer for answer in answers]
