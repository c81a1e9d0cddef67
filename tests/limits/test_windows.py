"""Window arithmetic against the calendar of the standard library."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from toolgate.limits.windows import bounds
from toolgate.policy.decision import Unit

DELTAS = {
    Unit.SECOND: timedelta(seconds=1),
    Unit.MINUTE: timedelta(minutes=1),
    Unit.HOUR: timedelta(hours=1),
    Unit.DAY: timedelta(days=1),
    Unit.WEEK: timedelta(weeks=1),
}
EPOCHS = st.floats(0, 4_000_000_000, allow_nan=False)


def start_of(unit: Unit, now: float) -> datetime:
    moment = datetime.fromtimestamp(int(now), UTC)
    day = moment.replace(hour=0, minute=0, second=0)
    starts = {
        Unit.SECOND: moment,
        Unit.MINUTE: moment.replace(second=0),
        Unit.HOUR: moment.replace(minute=0, second=0),
        Unit.DAY: day,
        Unit.WEEK: day - timedelta(days=day.weekday()),
        Unit.MONTH: day.replace(day=1),
    }
    return starts[unit]


def end_of(unit: Unit, start: datetime) -> datetime:
    if unit is Unit.MONTH:
        return (start + timedelta(days=32)).replace(day=1)
    return start + DELTAS[unit]


@given(EPOCHS, st.sampled_from(Unit))
def test_a_calendar_window_is_the_one_of_the_calendar(now: float, unit: Unit) -> None:
    start = start_of(unit, now)
    assert bounds(unit, now) == (start.timestamp(), end_of(unit, start).timestamp())


@given(EPOCHS, st.sampled_from(Unit))
def test_the_end_of_a_window_is_the_start_of_the_next(now: float, unit: Unit) -> None:
    start, end = bounds(unit, now)
    assert start <= now < end
    assert bounds(unit, end)[0] == end
    assert bounds(unit, start) == (start, end)


def test_the_month_after_a_leap_day_and_after_december_are_known() -> None:
    leap = datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC).timestamp()
    assert bounds(Unit.MONTH, leap)[1] == datetime(2028, 3, 1, tzinfo=UTC).timestamp()
    december = datetime(2026, 12, 31, tzinfo=UTC).timestamp()
    assert bounds(Unit.MONTH, december)[1] == datetime(2027, 1, 1, tzinfo=UTC).timestamp()
