"""The whole of deciding in ingest, bytes to packed fixes and verdicts: what the worker runs live and `roadwatch judge` over a file."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from services.contracts.fix import Fixes
from services.contracts.reasons import BY_CODE, FLAG_BITS, FLAGS, REJECTING, Verdict
from services.ingest.checks import PASSED, Area, check
from services.ingest.lookup import VehicleLookup
from services.ingest.packing import driver_numbers, pack
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
        lookup: what is known of terminals.
        drivers: what is known of driver codes.
        area: the service area.
    """
    decoded = decode(values)
    index = decoded.index
    received = None if received_ms is None else received_ms[index]
    checked = check(decoded, received, area, lookup)
    passed = np.flatnonzero(checked.rank == PASSED)
    fixes = pack(decoded, checked, passed, received, offsets[index])
    codes = decoded.texts["driver"]
    own = codes if len(passed) == len(codes) else [codes[place] for place in passed.tolist()]
    fixes["driver"], refused, missing = driver_numbers(own, drivers.known)
    fixes["flags"][refused] |= FLAG_BITS["DRIVER_ID"]
    rejected = decoded.bad
    if len(passed) < len(index):
        out = np.flatnonzero(checked.rank != PASSED)
        ranks = checked.rank[out].tolist()
        kept_out = [(place, REJECTING[rank]) for place, rank in zip(index[out].tolist(), ranks, strict=True)]
        rejected = sorted(rejected + kept_out)
    reasons = Counter(code for _, code in rejected)
    verdicts = Counter({verdict.value: 0 for verdict in Verdict})
    for code, count in reasons.items():
        verdicts[BY_CODE[code].verdict.value] += count
    flagged = _count_flags(fixes["flags"], reasons)
    verdicts[Verdict.FLAG.value] = flagged
    verdicts[Verdict.ACCEPT.value] = len(fixes) - flagged
    return Processed(fixes, rejected, verdicts, reasons, frozenset(missing))


def _count_flags(flags: NDArray[np.uint32], reasons: Counter[str]) -> int:
    raised = flags[flags != 0]
    if len(raised):
        for bit, code in enumerate(FLAGS):
            count = int(np.count_nonzero(raised & np.uint32(1 << bit)))
            if count:
                reasons[code] += count
    return len(raised)
