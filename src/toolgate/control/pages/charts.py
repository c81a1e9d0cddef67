"""Charts as plain geometry: numbers in, rectangles and places for words out. Templates draw, style sheets colour.

Coordinates are those of the drawing (its `width` and `height`, y downward); the page scales it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 720.0
HEIGHT: Final = 180.0
_LEFT: Final = 40.0
_FOOT: Final = 22.0
_TOP: Final = 8.0
_FILLED: Final = 0.74
_MARKS: Final = 6
_TICKS: Final = 4


@dataclass(slots=True, frozen=True)
class Column:
    """One stack: what it is called, and how high each of its parts is, from the foot up."""

    label: str
    values: tuple[int, ...]


@dataclass(slots=True, frozen=True)
class Box:
    """A rectangle; `part` is its place in the stack."""

    part: int
    x: float
    y: float
    width: float
    height: float


@dataclass(slots=True, frozen=True)
class Bar:
    """One stack as it is drawn, with the column that it stands for."""

    column: Column
    boxes: tuple[Box, ...]


@dataclass(slots=True, frozen=True)
class Mark:
    """Words at a place of an axis."""

    at: float
    text: str


@dataclass(slots=True, frozen=True)
class Chart:
    """Everything to draw. `ticks` are lines across with their numbers, `marks` words under the columns."""

    width: float
    height: float
    left: float
    foot: float
    bars: tuple[Bar, ...]
    ticks: tuple[Mark, ...]
    marks: tuple[Mark, ...]


def stacked(columns: Sequence[Column], width: float = WIDTH, height: float = HEIGHT) -> Chart:
    """Stacks side by side over a scale of round numbers that begins at nothing."""
    foot = height - _FOOT
    step = _step(max((sum(column.values) for column in columns), default=0))
    top = step * _TICKS
    room = (width - _LEFT) / max(len(columns), 1)
    bars = [_bar(column, _LEFT + place * room, room, foot, (foot - _TOP) / top) for place, column in enumerate(columns)]
    ticks = [Mark(foot - (foot - _TOP) * number / _TICKS, short(step * number)) for number in range(_TICKS + 1)]
    every = max(1, -(-len(columns) // _MARKS))
    marks = [
        Mark(_LEFT + (place + 0.5) * room, column.label) for place, column in enumerate(columns) if place % every == 0
    ]
    return Chart(width, height, _LEFT, foot, tuple(bars), tuple(ticks), tuple(marks))


def _bar(column: Column, x: float, room: float, foot: float, scale: float) -> Bar:
    boxes: list[Box] = []
    for part, value in enumerate(column.values):
        if value:
            tall = value * scale
            foot -= tall
            boxes.append(
                Box(part, _round(x + room * (1 - _FILLED) / 2), _round(foot), _round(room * _FILLED), _round(tall))
            )
    return Bar(column, tuple(boxes))


def _step(largest: int) -> int:
    """A round number (1, 2 or 5 times a power of ten) of which four reach the largest."""
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if step * _TICKS >= largest:
                return step
        power *= 10


def _round(number: float) -> float:
    return round(number, 2)


def short(number: int) -> str:
    """A number for an axis: 950, 1.5k, 20k, 3M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.1f}".rstrip("0").rstrip(".") + letter
    return str(number)
