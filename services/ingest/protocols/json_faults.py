"""Why one JSON report cannot be read: the slow, exact look at a record that the fast way would not take.

Each record is looked at alone, so a bad one never spoils its neighbours. Codes as in `services.contracts.reasons`.
"""

import json
import math
import unicodedata

import msgspec

KNOWN_FIELDS = frozenset(
    (
        "v", "terminal", "time", "lon", "lat", "speed_kmh", "recorder_speed_kmh", "heading", "altitude_m", "odometer_km",
        "satellites", "fixed", "acc", "in_service", "load", "doors", "pupils", "alarms", "driver", "datum", "backfill",
    )
)  # fmt: skip
REQUIRED = ("terminal", "time", "lon", "lat")
MOST_BYTES = 65_536
INT_BITS = 64
MOST_DIGITS = 19


class _NotFinite(ValueError):
    pass


class _BigInteger(ValueError):
    pass


def _refuse_constant(name: str) -> float:
    raise _NotFinite(name)


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _NotFinite(text)
    return value


def _integer(text: str) -> int:
    digits = text.lstrip("-")
    if len(digits) > MOST_DIGITS + 1 or not -(1 << (INT_BITS - 1)) <= int(text) < 1 << (INT_BITS - 1):
        raise _BigInteger(text[:40])
    return int(text)


class _Pairs(list[tuple[str, object]]):
    """A JSON object with every key it was written with."""


def _doubled(pairs: _Pairs) -> bool:
    names = [name for name, _ in pairs]
    return any(names.count(name) > 1 for name in KNOWN_FIELDS.intersection(names))


def before_parsing(value: bytes | None) -> str | None:
    """EMPTY, SIZE or ENCODING, which need no parser; None if none of them applies."""
    if not value:
        return "EMPTY"
    if len(value) > MOST_BYTES:
        return "SIZE"
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return "ENCODING"
    return None


def classify(value: bytes | None, error: str) -> str:
    """The code of a record that was refused with `error` (the strict decoder's message)."""
    early = before_parsing(value)
    if early is not None or value is None:
        return early or "EMPTY"
    try:
        document = json.loads(
            value.decode("utf-8"), parse_constant=_refuse_constant, parse_float=_float, parse_int=_integer,
            object_pairs_hook=_Pairs,
        )  # fmt: skip
    except _NotFinite:
        return "NOT_FINITE"
    except _BigInteger:
        return "RANGE_INT"
    except RecursionError:
        return "DEPTH"
    except ValueError:
        return "SYNTAX"
    return _by_content(value, document, error)


def _by_content(value: bytes, document: object, error: str) -> str:
    """The code of a record that is JSON, yet not a report."""
    if not isinstance(document, _Pairs):
        return "TYPE"
    if _doubled(document):
        return "DUP_KEY"
    return _by_fields(value, dict(document), error)


def _by_fields(value: bytes, document: dict[str, object], error: str) -> str:
    version = document.get("v")
    if isinstance(version, int) and not isinstance(version, bool) and version != 1:
        return "SCHEMA"
    if any(_surrogate(text) for text in _strings(document)):
        return "ENCODING"
    if any(document.get(name) is None for name in REQUIRED):
        return "MISSING"
    try:
        msgspec.json.decode(value)
    except RecursionError:
        return "DEPTH"
    except msgspec.DecodeError:
        return "SYNTAX"
    return "DEPTH" if "recursion" in error.lower() else "TYPE"


def _strings(document: dict[str, object]) -> list[str]:
    found = [item for item in document.values() if isinstance(item, str)]
    for item in document.values():
        if isinstance(item, list):
            found += [part for part in item if isinstance(part, str)]
    return found


def _surrogate(text: str) -> bool:
    return any(0xD800 <= ord(character) <= 0xDFFF for character in text)


def has_duplicate(value: bytes) -> bool:
    """Whether a known field stands twice in a record that could be read."""
    try:
        document = json.loads(value, object_pairs_hook=_Pairs, parse_int=float)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, _Pairs) and _doubled(document)


def has_big_integer(value: bytes) -> bool:
    """Whether a known numeric field of a record that could be read holds an integer beyond 64 bits."""
    try:
        json.loads(value, parse_int=_integer)
    except _BigInteger:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def unclean(text: str) -> bool:
    """Whether a text holds control, bidirectional-override or zero-width characters (ASVS 16.4.1: log injection)."""
    return any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in text)
