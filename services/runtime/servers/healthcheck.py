"""A container's health check: `python -m services.runtime.servers.healthcheck` asks the status file of the service beside it.

Fresh and ready is healthy; a frozen process writes nothing, and its last word ages.
"""

import os
import sys
from pathlib import Path

from services.runtime import clock
from services.runtime.servers.supervisor import FRESH_MS, read_status, written_ms


def verdict(file: Path, now_ms: int) -> str:
    """Empty if the service is healthy, else what is wrong."""
    status = read_status(file)
    if status is None:
        return f"{file} is missing or unreadable"
    if (age_ms := now_ms - written_ms(file)) >= FRESH_MS:
        return f"{status.name} last wrote {file} {age_ms / 1000:.0f} s ago"
    return "" if status.ready else f"{status.name} is not ready: {status.detail}"


if __name__ == "__main__":
    sys.exit(verdict(Path(os.environ.get("ROADWATCH_STATUS_FILE", "")), clock.now_ms()) or 0)
