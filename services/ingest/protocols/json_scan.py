"""The short way for plain reports: one compiled pass from the bytes of a batch to packed fixes, without a Python object a report.

It is no second definition of what a report is. It takes a report only when there is nothing to decide: ASCII without escapes, simple
fields, every value in range, a known vehicle, a time neither absurd nor future. Whatever it is not sure of it leaves untouched to
`json_report`, `checks` and `packing`; a test holds that both ways give the same bytes wherever this one answers. Why it exists, with
the figures: docs/decisions/0005.
"""

import numpy as np
from numpy.typing import NDArray

from services.compiled import compiled, inlined
from services.ingest.protocols.json_faults import LISTS, MOST_BYTES, NUMBERS, SWITCHES

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

FIELDS = ("terminal", "time", *NUMBERS, *SWITCHES, *LISTS, "v", "load", "driver", "datum")
UNKNOWN = len(FIELDS)
"""Stands for a field that is none of ours; its slot is written and never read."""
MOST_KEYS = 48
MOST_DIGITS = 18  # of a number: what 64 bits hold
NO_FIELD = -1

ABSENT, NUMBER, TEXT, TRUE, FALSE, LIST = range(6)
QUOTE, COLON, COMMA, SPACE, MINUS, POINT = (ord(sign) for sign in ('"', ":", ",", " ", "-", "."))
ESCAPE, ZERO, NINE, TILDE = ord("\\"), ord("0"), ord("9"), ord("~")
A, E, F, L, N, R, S, T, U = (ord(letter) for letter in "aeflnrstu")
BRACE, END_BRACE, BRACKET, END_BRACKET = (ord(sign) for sign in "{}[]")


def _padded(words: tuple[str, ...], width: int) -> Bytes:
    return np.array([word.encode() for word in words], f"S{width}").view(np.uint8).reshape(len(words), width)


def compiled_words(words: tuple[str, ...]) -> tuple[Bytes, Ints]:
    """Words as rows of bytes and their lengths, for `same`."""
    return _padded(words, max(map(len, words))), np.array([len(word) for word in words], np.int64)


KEYS, KEY_LENGTHS = compiled_words(FIELDS)
PLAIN_TEXT = np.array([SPACE <= sign <= TILDE and sign not in (QUOTE, ESCAPE) for sign in range(256)])

KIND, FIRST, LAST = 0, 1, 2
"""Columns of a slot: what stands there; of a text or list where it begins and ends."""
MANTISSA, DECIMALS, DIGITS = 1, 2, 3
"""The same columns of a number."""
SLOTS = (UNKNOWN + 1, 4)
At = np.uint64
"""Places are made unsigned where bytes are read: that saves a look for negative ones at every byte."""


@inlined
def _spaces(data: Bytes, at: int, end: int) -> int:
    while at < end and data[At(at)] == SPACE:
        at += 1
    return at


@inlined
def _text_end(data: Bytes, at: int, end: int) -> int:
    """Place of the quote that closes the text begun at `at`; -1 if it is not plain ASCII."""
    while at < end and PLAIN_TEXT[data[At(at)]]:
        at += 1
    return at if at < end and data[At(at)] == QUOTE else -1


@inlined
def same(data: Bytes, at: int, length: int, words: Bytes, lengths: Ints, place: int) -> bool:
    """Whether the `length` bytes from `at` on are the word at `place`."""
    if lengths[place] != length:
        return False
    for offset in range(length):  # noqa: SIM110 - compiled
        if data[At(at + offset)] != words[place, offset]:
            return False
    return True


@inlined
def _after_key(data: Bytes, at: int, end: int, slot: int) -> int:
    """Place behind the colon if the name of a field stands at `at`, else -1."""
    length = KEY_LENGTHS[slot]
    if at + length + 1 >= end:
        return -1
    for offset in range(length):
        if data[At(at + offset)] != KEYS[slot, offset]:
            return -1
    return at + length + 2 if data[At(at + length)] == QUOTE and data[At(at + length + 1)] == COLON else -1


@inlined
def _key(data: Bytes, at: int, end: int, guess: int) -> tuple[int, int]:
    """The field whose name stands at `at`, and the place behind its colon; NO_FIELD if it is not plainly written."""
    if 0 <= guess < UNKNOWN:
        after = _after_key(data, at, end, guess)
        if after >= 0:
            return guess, after
    for slot in range(UNKNOWN):
        after = _after_key(data, at, end, slot)
        if after >= 0:
            return slot, after
    close = _text_end(data, at, end)
    if close < 0 or close + 1 >= end or data[At(close + 1)] != COLON:
        return NO_FIELD, at
    return UNKNOWN, close + 2


@inlined
def _number(data: Bytes, at: int, end: int, slots: Ints, slot: int) -> int:
    """A number without exponent, of at most MOST_DIGITS digits."""
    negative = data[At(at)] == MINUS
    first = at + 1 if negative else at
    at, mantissa, decimals = first, 0, 0
    while at < end and ZERO <= data[At(at)] <= NINE:
        mantissa = (
            mantissa * 10 + int(data[At(at)]) - ZERO
        )  # may wrap: too many digits are refused by their count
        at += 1
    whole = at - first
    if whole == 0 or (whole > 1 and data[At(first)] == ZERO):
        return -1
    if at < end and data[At(at)] == POINT:
        after = at + 1
        at = after
        while at < end and ZERO <= data[At(at)] <= NINE:
            mantissa = mantissa * 10 + int(data[At(at)]) - ZERO
            at += 1
        decimals = at - after
        if decimals == 0:
            return -1
    if whole + decimals > MOST_DIGITS:
        return -1
    slots[At(slot), KIND] = NUMBER
    slots[At(slot), MANTISSA] = -mantissa if negative else mantissa
    slots[At(slot), DECIMALS], slots[At(slot), DIGITS] = decimals, whole + decimals
    return at


@inlined
def _stands(data: Bytes, at: int, end: int, second: int, third: int, fourth: int) -> bool:
    """Whether three given letters follow the one at `at`."""
    return (
        at + 4 <= end
        and data[At(at + 1)] == second
        and data[At(at + 2)] == third
        and data[At(at + 3)] == fourth
    )


@inlined
def _word(data: Bytes, at: int, end: int, slots: Ints, slot: int) -> int:
    sign = data[At(at)]
    if sign == T and _stands(data, at, end, R, U, E):
        slots[At(slot), KIND] = TRUE
        return at + 4
    if sign == F and _stands(data, at, end, A, L, S) and at + 5 <= end and data[At(at + 4)] == E:
        slots[At(slot), KIND] = FALSE
        return at + 5
    if sign == N and _stands(data, at, end, U, L, L):
        slots[At(slot), KIND] = ABSENT
        return at + 4
    return -1


@compiled
def _list(data: Bytes, at: int, end: int, slots: Ints, slot: int) -> int:
    """A list of plain texts; it begins behind its bracket and ends before it."""
    slots[At(slot), KIND], slots[At(slot), FIRST] = LIST, at + 1
    at = _spaces(data, at + 1, end)
    closed = at < end and data[At(at)] == END_BRACKET
    while not closed:
        if at >= end or data[At(at)] != QUOTE:
            return -1
        at = _text_end(data, at + 1, end)
        if at < 0:
            return -1
        at = _spaces(data, at + 1, end)
        closed = at < end and data[At(at)] == END_BRACKET
        if not closed:
            if at >= end or data[At(at)] != COMMA:
                return -1
            at = _spaces(data, at + 1, end)
    slots[At(slot), LAST] = at
    return at + 1


@inlined
def _value(data: Bytes, at: int, end: int, slots: Ints, slot: int) -> int:
    """Read a value into its slot; the place behind it, -1 if it is not plain."""
    sign = data[At(at)]
    if sign == QUOTE:
        close = _text_end(data, at + 1, end)
        if close < 0:
            return -1
        slots[At(slot), KIND], slots[At(slot), FIRST], slots[At(slot), LAST] = TEXT, at + 1, close
        return close + 1
    if sign == MINUS or ZERO <= sign <= NINE:
        return _number(data, at, end, slots, slot)
    if sign == BRACKET:
        return _list(data, at, end, slots, slot)
    return _word(data, at, end, slots, slot)


@inlined
def lex(data: Bytes, at: int, end: int, order: Ints, slots: Ints) -> int:
    """Read one object into slots; the set of our fields that stand in it, -1 if it is not plain.

    `order` holds the fields as the record before had them: senders write theirs in one order.
    """
    if end - at < 2 or end - at > MOST_BYTES or data[At(at)] != BRACE:
        return -1
    seen = 0
    for place in range(MOST_KEYS):
        at = _spaces(data, at + 1, end)
        if at >= end or data[At(at)] != QUOTE:
            return -1
        slot, at = _key(data, at + 1, end, order[place])
        if slot == NO_FIELD or (slot != UNKNOWN and (seen >> slot) & 1):
            return -1
        order[place] = slot
        seen |= 1 << slot
        at = _spaces(data, at, end)
        at = _value(data, at, end, slots, slot) if at < end else -1
        if at < 0:
            return -1
        at = _spaces(data, at, end)
        if at >= end or data[At(at)] != COMMA:
            return seen if at + 1 == end and data[At(at)] == END_BRACE else -1
    return -1
