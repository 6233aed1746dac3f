"""Wrong records, on demand: what broken terminals and careless senders put on a feed, one of a kind after the other.

A copy of a good report spoilt in one way travels *beside* it, so that a feed with wrong records has the same truth as one without.
"""

import json

import numpy as np
from numpy.typing import NDArray

from services.simulator.noise import uniform


def spoilt_rows(seed: int, rows: NDArray[np.void], share: float) -> NDArray[np.int64]:
    """Places of the reports that get a spoilt twin."""
    return np.flatnonzero(uniform(seed, rows["vehicle"], rows["time_s"], 20) < share)


def spoil(line: str, turn: int) -> str:
    """A spoilt copy of a report (JSON text), the way of spoiling chosen by `turn`."""
    report = json.loads(line)
    ways = (
        line[: len(line) // 2],
        line.replace('"speed_kmh":', '"speed_kmh":NaN,"was":'),
        _json(report | {"lon": report["lat"], "lat": report["lon"]}),
        _json(report | {"time": "2080-01-01T00:00:00+08:00"}),
        _json(report | {"terminal": "019999999999"}),
        _json(report | {"driver": "64\u00000"}),
        _json(report | {"lon": 0.0, "lat": 0.0}),
        _json(report | {"speed_kmh": 888.0}),
        "你好",
        _json({key: value for key, value in report.items() if key != "time"}),
    )
    return ways[turn % len(ways)]


def _json(report: dict[str, object]) -> str:
    return json.dumps(report, separators=(",", ":"))
