"""Why one JSON report cannot be taken as it stands: the slow, exact look at a single record that the fast way would not answer for.

Each record is looked at alone, so that its code never depends on its neighbours. Faults are looked for in this order: EMPTY, SIZE,
ENCODING, DEPTH, SYNTAX, NOT_FINITE, DUP_KEY, RANGE_INT, SCHEMA, TYPE, MISSING. A report of an unknown version is not looked at further
than its version: what its fields should be is not known here.
"""

import json
import math
import re
import unicodedata

import msgspec

NUMBERS = (
    "lon",
    "lat",
    "speed_kmh",
    "recorder_speed_kmh",
    "heading",
    "altitude_m",
    "odometer_km",
    "satellites",
)
SWITCHES = ("fixed", "acc", "in_service", "pupils", "backfill")
TEXTS = ("terminal", "time", "load", "driver", "datum")
LISTS = ("doors", "alarms")
KNOWN = frozenset(("v", *NUMBERS, *SWITCHES, *TEXTS, *LISTS))
IDENTIFYING = ("terminal", "time")
"""Without them a report says nothing of anybody; one without a place may still carry an alarm, which `checks` decides."""
VERSION = 1
MOST_BYTES = 65_536
"""Interfaces section 1: a report has at most 64 kB."""
MOST_DEPTH = 64
"""A report nests twice; parsers differ in where they give up, so this is decided here."""
LEAST_INT, MOST_INT = -(1 << 63), (1 << 64) - 1
MOST_DIGITS = 20
UNCLEAN = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))

_ANY: dict[str, type] = {
    "v": int,
    **dict.fromkeys(NUMBERS, float),
    **dict.fromkeys(SWITCHES, bool),
    **dict.fromkeys(TEXTS, str),
}
_Shape = msgspec.defstruct(
    "_Shape",
    [(name, kind | None, None) for name, kind in _ANY.items()]
    + [(name, tuple[str, ...] | None, None) for name in LISTS],
)
_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


class _NotFinite(ValueError):
    """NaN, Infinity or -Infinity stands where JSON has no such word."""


class _Infinite(float):
    """A number that overflows, such as 1e400; matters only in a field we know."""


class _TooBig(int):
    """An integer beyond 64 bits; matters only in a field we know."""


def _constant(name: str) -> float:
    raise _NotFinite(name)


def _float(text: str) -> float:
    value = float(text)
    return _Infinite() if math.isinf(value) else value


def _integer(text: str) -> int:
    if len(text) > MOST_DIGITS or not LEAST_INT <= int(text) <= MOST_INT:
        return _TooBig()
    return int(text)


def too_deep(value: bytes) -> bool:
    """Whether brackets outside of texts nest deeper than MOST_DEPTH."""
    if value.count(b"[") + value.count(b"{") <= MOST_DEPTH:
        return False
    depth = 0
    for bracket in _BRACKETS.findall(_TEXT.sub(b"", value)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MOST_DEPTH:
            return True
    return False


def classify(value: bytes | None) -> str | None:  # noqa: PLR0911 - one return a fault
    """The code of the first fault of a record; None if it is a readable report of our version."""
    if not value:
        return "EMPTY"
    if len(value) > MOST_BYTES:
        return "SIZE"
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return "ENCODING"
    if too_deep(value):
        return "DEPTH"
    keys: list[str] = []

    def pairs(found: list[tuple[str, object]]) -> dict[str, object]:
        keys[:] = [name for name, _ in found]  # the outermost object is told last
        return dict(found)

    try:
        document = json.loads(
            text, parse_constant=_constant, parse_float=_float, parse_int=_integer, object_pairs_hook=pairs
        )
    except _NotFinite:
        return "NOT_FINITE"
    except ValueError:
        return "SYNTAX"
    return _of_json(value, document, keys)


def _of_json(value: bytes, document: object, keys: list[str]) -> str | None:  # noqa: PLR0911 - as above
    try:
        json.dumps(document, ensure_ascii=False).encode()
        msgspec.json.decode(value)
    except UnicodeEncodeError:
        return "ENCODING"  # a lone surrogate
    except msgspec.DecodeError as error:
        if "out of range" not in str(error):
            return "SYNTAX"
    if not isinstance(document, dict):
        return "TYPE"
    known = {name: item for name, item in document.items() if name in KNOWN}
    if any(isinstance(item, _Infinite) for item in known.values()):
        return "NOT_FINITE"
    if any(keys.count(name) > 1 for name in known):
        return "DUP_KEY"
    if any(isinstance(item, _TooBig) for item in known.values()):
        return "RANGE_INT"
    return _of_report(known)


def _of_report(known: dict[str, object]) -> str | None:
    version = known.get("v")
    if isinstance(version, int) and not isinstance(version, bool) and version != VERSION:
        return "SCHEMA"
    try:
        msgspec.convert(known, _Shape)
    except msgspec.ValidationError:
        return "TYPE"
    if any(known.get(name) is None for name in IDENTIFYING):
        return "MISSING"
    return None


def unclean(text: str) -> bool:
    """Whether a text holds control, bidirectional-override, zero-width or line-separating characters (ASVS 16.4.1: log injection)."""
    return not text.isprintable() and any(unicodedata.category(character) in UNCLEAN for character in text)
