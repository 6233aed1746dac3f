"""The whole of deciding in ingest, bytes to packed fixes and verdicts: what the worker runs live and `roadwatch judge` over a file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.compiled import runs_compiled
from services.contracts.fix import Fixes
from services.contracts.reasons import BY_CODE, FLAG_BITS, FLAGS, REJECTING, Verdict
from services.ingest.checks import PASSED, Area, check
from services.ingest.lookup import VehicleLookup
from services.ingest.packing import driver_numbers, pack
from services.ingest.plain import take
from services.ingest.protocols.json_report import decode
from services.ingest.tables import DriverTable


class DriverCodes(Protocol):
    """Numbers of driver codes; None where the shell has yet to intern the code."""

    def known(self, code: str) -> int | None:
        """The number of a code."""
        ...


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of a batch: received = accepted + flagged + quarantined + rejected.

    Attributes:
        fixes: accepted and flagged records in their order.
        rejected: (place in the batch, reason code) of the quarantined and rejected ones, ascending.
        verdicts, reasons: counts by verdict and by reason code (flags included).
        exact: how many the exact reader had to look at.
        missing_drivers: codes to intern; where there are any, call again after interning them.
    """

    fixes: Fixes
    rejected: list[tuple[int, str]]
    verdicts: Counter[str]
    reasons: Counter[str]
    missing_drivers: frozenset[str]
    exact: int


def process(
    values: Sequence[bytes | None],
    received_ms: NDArray[np.int64] | None,
    offsets: NDArray[np.int64],
    lookup: VehicleLookup,
    drivers: DriverCodes,
    area: Area,
    *,
    oldest_days: int = 0,
) -> Processed:
    """Decide a batch of JSON reports.

    Args:
        values: the records' bytes.
        received_ms: their broker time stamps; None for a file, where nothing is "in the future".
        offsets: their places in the log or file.
        lookup: what is known of terminals.
        drivers: what is known of driver codes.
        area: the service area.
        oldest_days: a time so many days older than its arrival is a wrong clock; 0: not asked, as of a file, whose arrival nobody knows.
    """
    fixes, codes, rejected, exact = _decided(values, received_ms, lookup, drivers, area, oldest_days)
    missing: set[str] = set()
    if codes:
        rows = np.searchsorted(fixes["raw_offset"], list(codes))
        numbers, refused, missing = driver_numbers(list(codes.values()), drivers.known)
        fixes["driver"][rows] = numbers
        fixes["flags"][rows[refused]] |= FLAG_BITS["DRIVER_ID"]
    fixes["raw_offset"] = offsets[fixes["raw_offset"]]
    reasons = Counter(code for _, code in rejected)
    verdicts = Counter({verdict.value: 0 for verdict in Verdict})
    for code, count in reasons.items():
        verdicts[BY_CODE[code].verdict.value] += count
    flagged = _count_flags(fixes["flags"], reasons)
    verdicts[Verdict.FLAG.value] = flagged
    verdicts[Verdict.ACCEPT.value] = len(fixes) - flagged
    return Processed(fixes, rejected, verdicts, reasons, frozenset(missing), exact)


Decided = tuple[Fixes, dict[int, str], list[tuple[int, str]]]
"""Fixes with their place in the batch for an offset, driver codes to look up by place, (place, code) of the records kept out."""


def _decided(
    values: Sequence[bytes | None],
    received_ms: NDArray[np.int64] | None,
    lookup: VehicleLookup,
    drivers: DriverCodes,
    area: Area,
    oldest_days: int,
) -> tuple[Fixes, dict[int, str], list[tuple[int, str]], int]:
    """`Decided`, and of how many by the long way. The short way for plain reports, the long way for the rest of the batch."""
    places = np.arange(len(values), dtype=np.int64)
    if not len(values) or not runs_compiled():
        return *decide(values, received_ms, places, lookup, area, oldest_days), len(values)
    table = drivers if isinstance(drivers, DriverTable) else None
    plain = take(values, received_ms, lookup, area, table, oldest_days)
    plain.fixes["raw_offset"] = places
    if plain.taken.all():
        return plain.fixes, plain.codes, [], 0
    rest = places[~plain.taken]
    late = None if received_ms is None else received_ms[rest]
    fixes, codes, rejected = decide(
        [values[place] for place in rest.tolist()], late, rest, lookup, area, oldest_days
    )
    both = np.concatenate([plain.fixes[plain.taken], fixes])
    return both[np.argsort(both["raw_offset"], kind="stable")], plain.codes | codes, rejected, len(rest)


def decide(
    values: Sequence[bytes | None],
    received_ms: NDArray[np.int64] | None,
    places: NDArray[np.int64],
    lookup: VehicleLookup,
    area: Area,
    oldest_days: int = 0,
) -> Decided:
    """The long way, which is the definition: decode, check, pack. `places` are those of the values in their batch."""
    decoded = decode(values)
    index = decoded.index
    received = None if received_ms is None else received_ms[index]
    checked = check(decoded, received, area, lookup, oldest_days)
    passed = np.flatnonzero(checked.rank == PASSED)
    fixes = pack(decoded, checked, passed, received, places[index])
    out = np.flatnonzero(checked.rank != PASSED)
    kept_out = [(int(index[place]), REJECTING[int(checked.rank[place])]) for place in out.tolist()]
    rejected = sorted((int(places[place]), code) for place, code in decoded.bad + kept_out)
    texts = decoded.texts["driver"]
    codes = {int(places[index[row]]): text for row in passed.tolist() if (text := texts[row]) is not None}
    return fixes, codes, rejected


def _count_flags(flags: NDArray[np.uint32], reasons: Counter[str]) -> int:
    raised = flags[flags != 0]
    if len(raised):
        for bit, code in enumerate(FLAGS):
            count = int(np.count_nonzero(raised & np.uint32(1 << bit)))
            if count:
                reasons[code] += count
    return len(raised)
