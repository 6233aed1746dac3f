"""Rule state as bytes and back: what a partition's owner writes down every few seconds, and what the next owner starts from.

A snapshot holds only the vehicles changed since the last one; loading a full one and the later ones in their order gives the state.
The layout's fingerprint travels with it: state of another layout is refused, and the owner judges the log again from its beginning.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np
import zstandard

from services.rules import limits, words
from services.rules.engine import Engine, RuleState
from services.rules.fleet import COMMON
from services.rules.records import NO_ROAD, as_records, chain_of, grown_pages
from services.rules.registry import RULES
from services.rules.rule import Rule

WRITTEN = "words that are not zero"
"""How rows are written; part of the layout."""
NO_SLOTS = np.zeros(0, np.int64)


class OtherLayout(ValueError):
    """The snapshot was made by code whose state looks different."""


@dataclass(slots=True)
class PartitionClock:
    """What the partition's log has said of time and of its sources; part of every snapshot."""

    greatest_event_ms: int = -1
    last_fixes_broker_ms: int = 0
    had: dict[int, int] = field(default_factory=dict)  # source partition of gps.raw -> last offset had

    def now_ms(self, broker_ms: int) -> int:
        """Event time "now" at a broker time: the greatest seen, plus what has passed while no fix came."""
        if self.greatest_event_ms < 0:
            return -1
        return self.greatest_event_ms + max(0, broker_ms - self.last_fixes_broker_ms)


class RulePart(msgspec.Struct):
    """One rule's rows and the pages chained to each."""

    rows: bytes  # as services/rules/words.py writes them
    lengths: bytes  # i8 a vehicle: pages in its chain
    pages: bytes  # in the order of vehicles and chains


class Body(msgspec.Struct):
    """A snapshot before compression."""

    layout: str
    document: str  # sha256 of the config in force
    vehicles: bytes  # i4
    common: bytes
    roads: bytes  # i8: stable key of the road last matched, 0 none
    rules: dict[str, RulePart]
    greatest_event_ms: int
    last_fixes_broker_ms: int
    had: dict[int, int]


def layout() -> str:
    """Fingerprint of everything a snapshot's bytes depend on."""
    parts: list[Any] = [WRITTEN, COMMON.descr, limits.MATCH.descr]
    for rule in RULES:
        parts += [[(rule.name, "")], rule.state_dtype.descr, rule.page_dtype.descr]
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def document_of(snapshot: bytes) -> str:
    """The config document in force when the snapshot was made.

    Raises:
        OtherLayout: it was made by code of another layout.
    """
    return _body(snapshot).document


def _body(snapshot: bytes) -> Body:
    try:
        packed = zstandard.ZstdDecompressor().decompress(snapshot)
    except zstandard.ZstdError as error:
        raise OtherLayout("a snapshot of an earlier version, compressed another way") from error
    body = msgspec.msgpack.decode(packed, type=Body)
    if body.layout != layout():
        raise OtherLayout(f"snapshot of layout {body.layout}, this code has {layout()}")
    return body


def dump(engine: Engine, document: str, clock: PartitionClock, *, full: bool) -> bytes:
    """The changed vehicles (all of them when `full`), compressed; they count as unchanged from here on."""
    used = len(engine.vehicles)
    slots = np.arange(used) if full else np.flatnonzero(engine.common["changed"][:used])
    engine.common["changed"][:used] = 0
    roads = engine.match["road"][slots]
    keys = np.where(roads == NO_ROAD, 0, engine.road_keys[roads] if len(engine.road_keys) else 0)
    body = Body(
        layout(),
        document,
        np.array(engine.vehicles, np.int32)[slots].tobytes(),
        engine.common[slots].tobytes(),
        keys.astype(np.int64).tobytes(),
        {state.rule.name: _part(state, slots) for state in engine.states},
        clock.greatest_event_ms,
        clock.last_fixes_broker_ms,
        dict(clock.had),
    )
    return zstandard.ZstdCompressor(level=1).compress(msgspec.msgpack.encode(body))


def _part(state: RuleState, slots: np.ndarray) -> RulePart:
    rows = words.packed(state.rows, slots)
    if not has_pages(state.rule):
        return RulePart(rows, b"", b"")
    records, pages = as_records(state.rows), as_records(state.pages)
    lengths = np.zeros(len(slots), np.int64)
    order = np.zeros(chain_of(records, pages, slots, NO_SLOTS, lengths), np.int64)
    chain_of(records, pages, slots, order, lengths)
    return RulePart(rows, lengths.tobytes(), words.packed(state.pages, order))


def has_pages(rule: Rule) -> bool:
    """Whether a rule's rows have chains of pages."""
    return "page" in (rule.state_dtype.names or ())


def load(engine: Engine, snapshot: bytes) -> PartitionClock:
    """Lay a snapshot over the engine's state; later ones win.

    Raises:
        OtherLayout: it was made by code of another layout.
    """
    body = _body(snapshot)
    vehicles = np.frombuffer(body.vehicles, np.int32)
    top = int(vehicles.max(initial=0)) + 1
    if top > len(engine.slot_of):
        engine.slot_of = np.concatenate([engine.slot_of, np.full(top - len(engine.slot_of), -1, np.int32)])
    slots = np.array([engine.slot(vehicle) for vehicle in vehicles.tolist()], np.int64)
    engine.common[slots] = np.frombuffer(body.common, COMMON)
    engine.match["road"][slots] = limits.roads_of_keys(engine.road_keys, np.frombuffer(body.roads, np.int64))
    for state in engine.states:
        _restore(state, slots, body.rules[state.rule.name])
    return PartitionClock(body.greatest_event_ms, body.last_fixes_broker_ms, dict(body.had))


def _restore(state: RuleState, slots: np.ndarray, part: RulePart) -> None:
    rows = words.unpacked(part.rows, len(slots), state.rule.state_dtype)
    if not has_pages(state.rule):
        state.rows[slots] = rows
        return
    words.release_chains(as_records(state.rows), as_records(state.pages), slots)
    rows["page"] = 0
    state.rows[slots] = rows
    lengths = np.frombuffer(part.lengths, np.int64)
    while state.pages["free"][0] <= lengths.sum():
        state.pages = grown_pages(state.pages)
    words.relaid(state.rows, state.pages, slots, lengths, part.pages)
