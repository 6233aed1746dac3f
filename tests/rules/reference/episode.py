"""An episode as the reference tells it: a plain dict of integers, so that comparing is `==`."""

from typing import Any, TypedDict


class Episode(TypedDict):
    """One episode. Units of `peak` and `limit`: 0.1 km/h (speeding), ms (fatigue), metres (route deviation)."""

    rule: str
    kind: str
    vehicle: int
    driver: int | None  # surrogate, None when none known
    began_ms: int
    ended_ms: int | None  # None while open
    last_ms: int  # last fix that belongs to it, open or not
    state: str
    severity: str
    confidence: float
    at: tuple[int, int, int]  # ms, lon_e7, lat_e7
    limit: float
    peak: float
    band: str | None
    why: dict[str, Any]
    """speeding: `road` (place in the config) and `statutory` (0.1 km/h) at the peak; `doubt`, a list of {road, limit} as told, or None. fatigue: `spell_began_ms` and `timeline`, a list of
    (state, from ms, to ms). route_deviation: `assignment` (place in the config), `leg` at the peak, `fixes` off."""
