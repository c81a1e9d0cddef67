"""Asking for a tool that is hidden and for one that does not exist, and comparing the answers byte for byte."""

from __future__ import annotations

from typing import Any, Final

from toolgate.attacks import speech
from toolgate.attacks.scene import Scene

HIDDEN: Final = "delete_users"
ABSENT: Final = "delete_stars"
"""As long as the hidden one's name, so that lengths can be compared as well."""
_WAYS: Final[list[tuple[bool, dict[str, Any]]]] = [(False, {}), (True, {}), (False, {"force": True})]
_CHANGING: Final = ("date",)


async def play(scene: Scene) -> None:
    """Guess in three ways; what tells the two tools apart is noted."""
    if scene.variant == "benign":
        await scene.carry_out(scene.case.benign.steps)
        return
    for modern, arguments in _WAYS:
        answers = [await _answer(scene, tool, arguments, modern=modern) for tool in (HIDDEN, ABSENT)]
        if answers[0] != answers[1]:
            scene.note("told apart", f"{answers[0][2][:80]!r} and {answers[1][2][:80]!r}")


async def _answer(
    scene: Scene, tool: str, arguments: dict[str, Any], *, modern: bool
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Status, headers and body of the answer, without the name that was asked for and without the time of day."""
    spoken = speech.call(tool, arguments, modern=modern)
    status, headers, body = await scene.post("office", spoken.body, **spoken.headers)
    kept = sorted((name, text) for name, text in headers.items() if name not in _CHANGING)
    return status, kept, body.replace(tool.encode(), b"TOOL")
