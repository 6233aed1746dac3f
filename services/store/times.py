"""Between Unix milliseconds, which travel, and `timestamptz`, which the database keeps; exact both ways."""

from datetime import UTC, datetime, timedelta
from typing import overload

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MS = timedelta(milliseconds=1)


@overload
def to_time(time_ms: int) -> datetime: ...
@overload
def to_time(time_ms: int | None) -> datetime | None: ...
def to_time(time_ms: int | None) -> datetime | None:
    """Unix ms as an aware UTC time; None stays None."""
    return None if time_ms is None else EPOCH + timedelta(milliseconds=time_ms)


@overload
def to_ms(time: datetime) -> int: ...
@overload
def to_ms(time: datetime | None) -> int | None: ...
def to_ms(time: datetime | None) -> int | None:
    """An aware time as Unix ms; None stays None."""
    return None if time is None else (time - EPOCH) // MS
