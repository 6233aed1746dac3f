"""The one place that reads a clock, so that everything else takes time as an argument and can be run again."""

import time

NS_PER_MS = 1_000_000


def now_ms() -> int:
    """Wall clock, Unix milliseconds UTC."""
    return time.time_ns() // NS_PER_MS


def monotonic_s() -> float:
    """Seconds that only go forward; for intervals and deadlines."""
    return time.monotonic()


def cpu_s() -> float:
    """CPU seconds of this process, user and system."""
    return time.process_time()
