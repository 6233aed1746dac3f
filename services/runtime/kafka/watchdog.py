"""The proof that a consumer gets on: its position advances, or there is nothing to read."""

from collections.abc import Mapping
from dataclasses import dataclass


class Stalled(RuntimeError):
    """There is lag and nothing has advanced for too long: the process must end and be started again."""


@dataclass(slots=True)
class Watchdog:
    """Liveness means: the position advances, or the lag is 0."""

    stall_s: float
    positions: tuple[tuple[int, int], ...] = ()
    moved_s: float = 0.0

    def check(self, positions: Mapping[int, int], lag: int, now_s: float) -> float:
        """Seconds without progress although there is lag.

        Raises:
            Stalled: it has been too long.
        """
        seen = tuple(sorted(positions.items()))
        if seen != self.positions or lag == 0 or not self.moved_s:
            self.positions, self.moved_s = seen, now_s
        stalled_s = now_s - self.moved_s
        if stalled_s > self.stall_s:
            raise Stalled(f"lag {lag}, nothing advanced for {stalled_s:.0f} s at {dict(positions)}")
        return stalled_s
