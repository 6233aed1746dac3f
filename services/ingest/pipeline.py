"""The whole of deciding in ingest, bytes to packed fixes and verdicts: what the worker runs live and `roadwatch judge` over a file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.contracts.fix import Fixes
from services.contracts.reasons import FLAG_BITS, FLAGS, Verdict
from services.ingest.checks import ORDER, Area, check, driver_numbers, verdict_of
from services.ingest.lookup import VehicleLookup
from services.ingest.protocols.json_report import decode


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
        missing_drivers: codes to intern; where there are any, call again after interning them.
    """

    fixes: Fixes
    rejected: list[tuple[int, str]]
    verdicts: Counter[str]
    reasons: Counter[str]
    missing_drivers: frozenset[str]


def process(
    values: Sequence[bytes | None],
    received_ms: NDArray[np.int64] | None,
    offsets: NDArray[np.int64],
    lookup: VehicleLookup,
    drivers: DriverCodes,
    area: Area,
) -> Processed:
    """Decide a batch of JSON reports.

    Args:
        values: the records' bytes.
        received_ms: their broker time stamps; None for a file, where nothing is "in the future".
        offsets: their places in the log or file.
        lookup, drivers, area: what is known of terminals and driver codes, and the service area.
    """
    decoded = decode(values)
    whole = len(decoded.index) == len(values)
    received = received_ms if whole or received_ms is None else received_ms[decoded.index]
    checked = check(decoded.columns, received, area, lookup)
    fixes = checked.fixes
    fixes["raw_offset"] = offsets[decoded.index[checked.passed]]
    numbers, refused, missing = driver_numbers(checked.drivers, drivers.known)
    fixes["driver"] = numbers
    if refused.any():
        fixes["flags"][refused] |= FLAG_BITS["DRIVER_ID"]
    rejected = list(decoded.bad)
    if len(checked.passed) < len(decoded.index):
        out = np.flatnonzero(checked.code >= 0)
        rejected += [
            (int(decoded.index[place]), ORDER[int(checked.code[place])]) for place in out.tolist()
        ]
        rejected.sort()
    reasons = Counter(code for _, code in rejected)
    verdicts = Counter(verdict_of(code).value for _, code in rejected)
    flagged = _count_flags(fixes["flags"], reasons)
    verdicts[Verdict.FLAG.value] += flagged
    verdicts[Verdict.ACCEPT.value] += len(fixes) - flagged
    return Processed(fixes, rejected, verdicts, reasons, frozenset(missing))


def _count_flags(flags: NDArray[np.uint32], reasons: Counter[str]) -> int:
    raised = flags[flags != 0]
    if len(raised):
        for bit, code in enumerate(FLAGS):
            count = int(np.count_nonzero(raised & np.uint32(1 << bit)))
            if count:
                reasons[code] += count
    return len(raised)
