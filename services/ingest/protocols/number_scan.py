"""Numbers as `json_scan` leaves them, in whole steps: computed from their decimal digits, exactly."""

import numpy as np

from services.compiled import inlined
from services.ingest.protocols.json_scan import ABSENT, DECIMALS, DIGITS, KIND, MANTISSA, NUMBER, Ints

NO_STEPS = -(1 << 62)
"""Stands for what only the long way can tell."""
EXACT_DIGITS = 15
"""Decimals of so many digits and their nearest doubles are compared alike."""
MOST_DECIMALS = 11
"""So that a limit in the units of the number fits into 64 bits."""
CLEAR = 1e-4
"""How far from the middle between two steps a long number must lie to be rounded here."""
TENS = np.array([10**power for power in range(19)], np.int64)


@inlined
def steps(slots: Ints, slot: int, places: int) -> int:
    """A number in steps of 10^-places, half up; NO_STEPS where the long way must round."""
    mantissa, decimals, digits = (
        int(slots[slot, MANTISSA]),
        int(slots[slot, DECIMALS]),
        int(slots[slot, DIGITS]),
    )
    if decimals <= places:
        return int(mantissa * TENS[places - decimals])
    divisor = int(TENS[decimals - places])
    whole = mantissa // divisor
    beyond = 2 * (mantissa - whole * divisor) - divisor
    if beyond == 0:
        return whole + 1 if digits <= EXACT_DIGITS else NO_STEPS
    if abs(beyond) < divisor * CLEAR:
        return NO_STEPS
    return whole + 1 if beyond > 0 else whole


@inlined
def measured(slots: Ints, slot: int, low: int, high: int, places: int, absent: int) -> int:
    """An optional number in steps; `absent` without one, NO_STEPS where it is not plainly in range."""
    if slots[slot, KIND] == ABSENT:
        return absent
    if (
        slots[slot, KIND] != NUMBER
        or slots[slot, DIGITS] > EXACT_DIGITS
        or slots[slot, DECIMALS] > MOST_DECIMALS
    ):
        return NO_STEPS
    unit = int(TENS[slots[slot, DECIMALS]])
    if not low * unit <= slots[slot, MANTISSA] <= high * unit:
        return NO_STEPS
    return steps(slots, slot, places)
