from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolgate.control.pages.charts import HEIGHT, WIDTH, Column, short, stacked

columns = st.lists(
    st.builds(Column, st.just("10:00"), st.tuples(*[st.integers(0, 10**7)] * 3)), min_size=1, max_size=60
)


@given(columns)
def test_every_part_is_drawn_in_proportion_and_inside(given_columns: list[Column]) -> None:
    chart = stacked(given_columns)
    assert [bar.column for bar in chart.bars] == given_columns
    scale = (chart.ticks[0].at - chart.ticks[-1].at) / (int_of(chart.ticks[-1].text) or 1)
    for bar in chart.bars:
        assert [box.part for box in bar.boxes] == [part for part, value in enumerate(bar.column.values) if value]
        for box in bar.boxes:
            assert 0 <= box.x <= box.x + box.width <= WIDTH
            assert 0 <= box.y <= box.y + box.height <= HEIGHT + 0.02
            assert box.height == pytest.approx(bar.column.values[box.part] * scale, abs=0.02)
        for lower, upper in pairwise(bar.boxes):
            assert upper.y + upper.height == pytest.approx(lower.y, abs=0.03)


def int_of(text: str) -> int:
    sizes = {"k": 1000, "M": 1_000_000}
    return round(float(text[:-1]) * sizes[text[-1]]) if text[-1] in sizes else int(text)


@pytest.mark.parametrize(
    ("largest", "ticks"),
    [
        (0, ["0", "1", "2", "3", "4"]),
        (4, ["0", "1", "2", "3", "4"]),
        (5, ["0", "2", "4", "6", "8"]),
        (33_000, ["0", "10k", "20k", "30k", "40k"]),
    ],
)
def test_the_scale_has_round_numbers(largest: int, ticks: list[str]) -> None:
    assert [tick.text for tick in stacked([Column("a", (largest,))]).ticks] == ticks


def test_numbers_of_an_axis_are_short() -> None:
    assert [short(number) for number in (0, 999, 1500, 20_000, 2_500_000)] == ["0", "999", "1.5k", "20k", "2.5M"]


def test_no_columns_are_no_fault() -> None:
    assert stacked([]).bars == ()
