"""Runs the written dialogues of dialogues.txt against every backend."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from toolgate.limits.counters import Counters, Exhausted
from toolgate.policy.decision import NANO, Charge, Mark, Unit, Window

from .backends import Open, VirtualClock, charge, every_backend, mark

ENDINGS = {"commit", "rollback", "settle"}


def dialogues() -> dict[str, list[str]]:
    text = (Path(__file__).parent / "dialogues.txt").read_text()
    blocks = [block.strip().splitlines() for block in text.split("\n== ")[1:]]
    return {lines[0]: lines[1:] for lines in blocks}


def epoch(text: str) -> float:
    full = text if "T" in text else f"2026-11-22T{text}"
    return datetime.fromisoformat(full).replace(tzinfo=UTC).timestamp()


def clock_text(seconds: int | None) -> str:
    if seconds is None:
        return "never"
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return text.removeprefix("2026-11-22T")


def window_of(text: str) -> Window:
    return int(text) if text.isdigit() else Unit(text)


def charge_of(text: str) -> Charge:
    name, window, amounts = text.split(":")
    amount, maximum = amounts.split("/")
    if window.startswith("mark"):
        return mark(name, int(amount), int(maximum), int(window.removeprefix("mark")))
    return charge(name, int(amount), int(maximum), window_of(window))


def settled_of(text: str) -> tuple[str, int]:
    target, amount = text.split("=")
    name, window = target.split(":")
    key = mark(name).key if window.startswith("mark") else charge(name, window=window_of(window)).key
    return key, int(amount)


def told(refusal: Exhausted | None) -> str:
    if refusal is None:
        return "taken"
    used = refusal.used // NANO if isinstance(refusal.charge.window, Mark) else refusal.used
    return f"{refusal.charge.counter} used {used} resets {clock_text(refusal.resets_at)}"


async def say(counters: Counters, operation: str, reservation: str, words: list[str]) -> str:
    if operation == "settle":
        await counters.settle(reservation, dict(settled_of(word) for word in words))
        return ""
    if operation in ENDINGS:
        await getattr(counters, operation)(reservation)
        return ""
    charges = [charge_of(word) for word in words]
    return told(await (counters.peek(charges) if operation == "peek" else counters.reserve(reservation, charges)))


@every_backend
@pytest.mark.parametrize("name", dialogues())
async def test_a_dialogue_goes_as_written(name: str, open_counters: Open, tmp_path: Path) -> None:
    clock = VirtualClock()
    clock.now = 0.0
    async with open_counters(tmp_path, clock) as counters:
        for line in dialogues()[name]:
            said, _, wanted = line.partition(" -> ")
            time, operation, reservation, *words = said.split()
            clock.now = epoch(time)
            assert await say(counters, operation, reservation, words) == wanted, line
