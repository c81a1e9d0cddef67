"""A line that was never written, put into a log by way of a name or an argument; then the evidence is read."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final, cast

from toolgate.attacks import speech
from toolgate.attacks.scene import Scene
from toolgate.attacks.stubs.scribe import Server
from toolgate.audit.verify import verify
from toolgate.keys import MasterKey

_FORGED: Final = {"kind": "decision", "decision_id": "forged-1", "outcome": "deny", "tool": "save", "rule": "(hidden)"}
_LINE: Final = json.dumps(_FORGED)
_TEXT: Final = f"bought milk\n{_LINE}\u2028{_LINE}\x1b[2K"


async def play(scene: Scene) -> None:
    """Forge by the name of a tool, the name of an argument and a text; look for the line in what counts as evidence."""
    scribe = cast(Server, scene.stubs["scribe"])
    if scene.behind_gateway:
        scribe.witness = lambda: _look_for_record(scene)
    if scene.variant == "benign":
        await scene.carry_out(scene.case.benign.steps)
        return
    for tool, arguments in _calls():
        spoken = speech.call(tool, arguments, modern=False)
        await scene.post("scribe", spoken.body, **spoken.headers)
    await asyncio.to_thread(_read_evidence, scene)


def _calls() -> list[tuple[str, dict[str, Any]]]:
    return [(f"save\n{_LINE}", {}), ("save", {"text": _TEXT}), ("save", {"text": "x", f"a\n{_LINE}": 1})]


def _look_for_record(scene: Scene) -> None:
    """At the moment when a call arrives at the server."""
    allowed = [each for each in scene.decisions() if each.outcome == "allow" and each.tool == "save"]
    arrived = len(scene.stubs["scribe"].calls) + 1
    scene.note("on file first" if len(allowed) == arrived else "forged", f"{len(allowed)} records of {arrived} calls")


def _read_evidence(scene: Scene) -> None:
    """Behind the recommended policy the journal is the evidence; otherwise it is the server's own log."""
    own = scene.stubs["scribe"].noted.get("logged", [])
    lines = _journal(scene) if scene.variant == "guarded" else own
    for line in lines:
        if _is_forged(line):
            scene.note("forged", line)


def _journal(scene: Scene) -> list[str]:
    """Its lines as a careless reader splits them; what stands in it must act on no terminal, and its chain be whole."""
    journal = scene.stage.data / "journal"
    text = "".join(segment.read_text("utf-8") for segment in sorted(journal.glob("*.jsonl")))
    if "\x1b" in text:
        scene.note("forged", "a control character stands in the journal")
    if not verify(journal, MasterKey.load(scene.stage.data).public_keys()).valid:
        scene.note("forged", "the chain of the journal is broken")
    return text.splitlines()


def _is_forged(line: str) -> bool:
    try:
        read = json.loads(line)
    except ValueError:
        return False
    return isinstance(read, dict) and read.get("decision_id") == _FORGED["decision_id"]
