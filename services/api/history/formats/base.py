"""What every format of a track is made from: its head, pages of rows, and a writer that turns them into bytes as they come."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import asyncpg

from services.contracts.alert import iso
from services.contracts.reasons import FLAGS

GAP_MS = 20 * 60_000
"""A silence longer than this is shown as one: where a format has pieces, a new piece begins after it."""

Rows = Sequence[asyncpg.Record]
"""Records of `api_queries.track_page` in event-time order."""
Pages = AsyncIterator[Rows]


@dataclass(frozen=True, slots=True)
class Head:
    """What is known of a track before its positions: whose, which period (Unix ms, half-open), and what was done to it.

    Attributes:
        plate: `宁A12345/yellow`; empty where it was not asked for.
        simplified_m: tolerance in metres of a simplification; None: every position is there.
        gcj02: coordinates are to be shifted to GCJ-02 (GeoJSON only).
    """

    vehicle: int
    plate: str
    from_ms: int
    until_ms: int
    simplified_m: float | None = None
    gcj02: bool = False

    @property
    def name(self) -> str:
        """What people call it."""
        return self.plate or str(self.vehicle)

    @property
    def period(self) -> str:
        """`from/to`, an ISO 8601 interval."""
        return f"{iso(self.from_ms)}/{iso(self.until_ms)}"

    @property
    def note(self) -> str:
        """What a reader must know, in both languages; empty: nothing."""
        if self.simplified_m is None:
            return ""
        return (
            f"已简化(Douglas-Peucker,{self.simplified_m:g} 米),带标记的点均保留 · "
            f"simplified (Douglas-Peucker, {self.simplified_m:g} m), flagged positions all kept"
        )


Writer = Callable[[Head, Pages], AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True)
class Format:
    """A format by its name in `?format=`; `extension` of a file to save, empty: shown, not saved."""

    name: str
    media_type: str
    extension: str
    write: Writer


def degrees(value: float) -> str:
    """A coordinate to the 1e-7 degree it was kept with."""
    return f"{round(value, 7):.10g}"


def tenths(value: int | None, absent: str = "null") -> str:
    """A speed of 0.1 km/h in km/h."""
    return absent if value is None else f"{value / 10:.1f}"


def flag_codes(flags: int) -> list[str]:
    """The reason codes of a fix's flags."""
    return [code for bit, code in enumerate(FLAGS) if flags >> bit & 1]
