"""One message of `gps.fixes`: a 16-byte header and what it announces, so that fixes, ticks and configs share one log and one order."""

import struct
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from services.contracts.fix import FIX, FIX_BYTES, Fixes

HEADER = struct.Struct("<4sBBhII")  # magic, version, kind, source partition, count, reserved
MAGIC = b"RWfx"
VERSION = 1
KIND_FIXES, KIND_TICK, KIND_CONFIG = 0, 1, 2
TICK_BODY = struct.Struct("<q")  # greatest event time the sender has seen, Unix ms; -1 none


class Malformed(ValueError):
    """The bytes are no batch of this version; says what was found."""


class ConfigRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A `config` record: from here on in the partition, fixes are judged by this version."""

    version: int
    document: str  # sha256 (hex) of the config document, kept by content in the database


@dataclass(frozen=True, slots=True)
class FixBatch:
    """`n` fixes from one partition of `gps.raw`, ascending in `raw_offset`."""

    source_partition: int
    fixes: Fixes


@dataclass(frozen=True, slots=True)
class Tick:
    """About one a minute and partition: lets absence of reports be judged from the log alone.

    The consumer's "now" is the partition's greatest event time plus the broker time passed since the message that carried it.
    """

    greatest_event_ms: int


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """A new version of registry, map and rules."""

    record: ConfigRecord


def pack_fixes(source_partition: int, fixes: Fixes) -> bytes:
    """Header and fixes as one message."""
    return HEADER.pack(MAGIC, VERSION, KIND_FIXES, source_partition, len(fixes), 0) + fixes.tobytes()


def pack_tick(greatest_event_ms: int) -> bytes:
    """A tick; `greatest_event_ms` is -1 if its sender has seen no fix."""
    return HEADER.pack(MAGIC, VERSION, KIND_TICK, -1, 1, 0) + TICK_BODY.pack(greatest_event_ms)


def pack_config(record: ConfigRecord) -> bytes:
    """A config record."""
    return HEADER.pack(MAGIC, VERSION, KIND_CONFIG, -1, 1, 0) + msgspec.json.encode(record)


def unpack(message: bytes) -> FixBatch | Tick | ConfigChange:
    """Read one message of `gps.fixes`; the fixes are a read-only view of the message's bytes.

    Raises:
        Malformed: wrong magic, version, kind or length.
    """
    if len(message) < HEADER.size:
        raise Malformed(f"{len(message)} bytes are shorter than the header of {HEADER.size}")
    magic, version, kind, source, count, _ = HEADER.unpack_from(message)
    if magic != MAGIC or version != VERSION:
        raise Malformed(f"magic {magic!r} version {version}, expected {MAGIC!r} version {VERSION}")
    if kind == KIND_FIXES:
        if len(message) != HEADER.size + count * FIX_BYTES:
            raise Malformed(f"{count} fixes announced, {len(message) - HEADER.size} bytes follow")
        return FixBatch(source, np.frombuffer(message, FIX, count, HEADER.size))
    if kind == KIND_TICK and len(message) == HEADER.size + TICK_BODY.size:
        return Tick(TICK_BODY.unpack_from(message, HEADER.size)[0])
    if kind == KIND_CONFIG:
        try:
            return ConfigChange(msgspec.json.decode(message[HEADER.size :], type=ConfigRecord))
        except msgspec.DecodeError as error:
            raise Malformed(f"config record: {error}") from error
    raise Malformed(f"kind {kind} with {len(message)} bytes")


def partition_of(vehicles: NDArray[np.int32], partitions: int) -> NDArray[np.int64]:
    """Partition of `gps.fixes` for each vehicle: the 32-bit finaliser of MurmurHash3 of its id, modulo; stable for ever."""
    mixed = vehicles.astype(np.uint32)
    mixed ^= mixed >> np.uint32(16)
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return (mixed % np.uint32(partitions)).astype(np.int64)
