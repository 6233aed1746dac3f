"""What must be there after a campaign: the two logs folded by the deciding code alone, one record after another, with no service in between.

`gps.raw` gives the fixes, the verdicts and the rejects. `gps.fixes` must hold exactly those fixes, each at least once and in order; folded
with each taken once (a bitmap says which were seen, not the services' "last offset had") it gives alerts, events and the rules' state.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.lib.recfunctions import repack_fields

from services.contracts.batch import ConfigChange, FixBatch, Tick, unpack
from services.contracts.fix import Fixes
from services.contracts.registry import Config
from services.contracts.topics import FIXES, RAW, REJECTED
from services.ingest.lookup import VehicleLookup
from services.ingest.pipeline import process
from services.ingest.tables import DriverTable
from services.rules.engine import Engine
from services.rules.records import as_records, chain_of
from services.rules.snapshot import PartitionClock
from services.rules.transitions import Transition
from services.rules.worker import new_events
from services.runtime.kafka import end_offsets
from services.runtime.settings import Settings
from services.store.alerts import _row
from tests.faults.logs import read

SEEN_ROOM = 1 << 20
Event = tuple[str, str, int, str, str]
"""Id, alert, sequence, type, data."""
Alerts = dict[str, tuple[object, ...]]
"""The columns of the table by alert, as they are written."""


@dataclass(slots=True)
class Expected:
    """Results by what they are compared with."""

    fixes: dict[int, Fixes] = field(default_factory=dict)  # by partition of gps.raw, in its order
    counts: dict[int, Counter[str]] = field(default_factory=dict)  # likewise
    raw_ends: dict[int, int] = field(default_factory=dict)
    reports: Counter[int] = field(
        default_factory=Counter
    )  # by partition of gps.raw; markers and what was aborted are none
    values: set[int] = field(default_factory=set)  # hash of every report
    rejected: dict[tuple[int, int], str] = field(default_factory=dict)
    alerts: Alerts = field(default_factory=dict)
    events: dict[int, list[Event]] = field(default_factory=dict)  # by partition of gps.fixes, in its order
    state: dict[int, bytes] = field(default_factory=dict)  # by vehicle
    fix_ends: dict[int, int] = field(default_factory=dict)
    repeated: int = 0  # fixes that came more than once into gps.fixes
    problems: list[str] = field(default_factory=list)  # what is wrong with the logs themselves


class Seen:
    """Which offsets of each source partition have been seen."""

    def __init__(self) -> None:
        """None yet."""
        self.repeated = 0
        self._bits: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(SEEN_ROOM, np.bool_))

    def fresh(self, batch: FixBatch) -> Fixes:
        """The fixes of a batch not seen before, marked as seen."""
        offsets = batch.fixes["raw_offset"]
        if not len(offsets):
            return batch.fixes
        bits = self._bits[batch.source_partition]
        while offsets[-1] >= len(bits):
            bits = self._bits[batch.source_partition] = np.concatenate([bits, np.zeros_like(bits)])
        new: Fixes = batch.fixes[~bits[offsets]].copy()
        self.repeated += len(offsets) - len(new)
        bits[offsets] = True
        return new


async def expected(
    settings: Settings, documents: Mapping[str, Config], drivers: Mapping[str, int]
) -> Expected:
    """Read and fold the logs; `drivers` are the numbers given to driver codes, `documents` the configs by content."""
    found = Expected()
    await _decide(found, settings, next(iter(documents.values())), drivers)
    await _rejects(found, settings)
    found.raw_ends, found.fix_ends = await end_offsets(settings, RAW), await end_offsets(settings, FIXES)
    await _fold(found, settings, documents, {number: code for code, number in drivers.items()})
    return found


async def _decide(found: Expected, settings: Settings, config: Config, drivers: Mapping[str, int]) -> None:
    lookup, codes = VehicleLookup(config), DriverTable(drivers)
    parts: dict[int, list[Fixes]] = defaultdict(list)
    async for partition, records in read(settings, RAW):
        offsets = np.array([record.offset for record in records], np.int64)
        received = np.array([record.timestamp for record in records], np.int64)
        done = process(
            [record.value for record in records], received, offsets, lookup, codes, settings.service_area,
            oldest_days=settings.oldest_days,
        )  # fmt: skip
        if done.missing_drivers:
            found.problems.append(f"drivers never numbered: {sorted(done.missing_drivers)[:3]}")
        parts[partition].append(done.fixes)
        found.counts.setdefault(partition, Counter()).update(done.verdicts + done.reasons)
        found.values.update(hash(record.value) for record in records)
        found.rejected.update({(partition, int(offsets[place])): code for place, code in done.rejected})
        found.reports[partition] += len(records)
    found.fixes = {partition: np.concatenate(list_) for partition, list_ in parts.items()}


async def _rejects(found: Expected, settings: Settings) -> None:
    named: dict[tuple[int, int], str] = {}
    async for _, records in read(settings, REJECTED):
        for record in records:
            headers = dict(record.headers)
            place = int(headers["source-partition"]), int(headers["source-offset"])
            named[place] = headers["reason"].decode()
    if named != found.rejected:
        differing = named.items() ^ found.rejected.items()
        found.problems.append(f"gps.rejected: {len(differing)} differ, {sorted(differing)[:3]}")


async def _fold(
    found: Expected, settings: Settings, documents: Mapping[str, Config], names: Mapping[int, str]
) -> None:
    seen = Seen()
    engines: dict[int, tuple[Engine, PartitionClock]] = {}
    arrived: dict[int, list[Fixes]] = defaultdict(list)
    async for partition, records in read(settings, FIXES):
        if partition not in engines:
            engines[partition] = Engine(Config(), names.get), PartitionClock()
            found.events[partition] = []
        engine, clock = engines[partition]
        for record in records:
            message = unpack(record.value)
            made: list[Transition] = []
            if isinstance(message, ConfigChange):
                engine.configure(documents[message.record.document])
            elif isinstance(message, Tick):
                now_ms = clock.now_ms(record.timestamp)
                made = engine.tick(now_ms) if now_ms >= 0 else []
            elif len(fresh := seen.fresh(message)):
                arrived[message.source_partition].append(fresh.copy())
                clock.greatest_event_ms = max(clock.greatest_event_ms, int(fresh["time_ms"].max()))
                clock.last_fixes_broker_ms = record.timestamp
                made = engine.judge(fresh)
            _tell(found, partition, made)
    found.repeated = seen.repeated
    for engine, _ in engines.values():
        found.state.update(state_of(engine))
    for source, fixes in found.fixes.items():
        had = np.concatenate(arrived[source]) if source in arrived else fixes[:0]
        if not np.array_equal(had[np.argsort(had["raw_offset"], kind="stable")], fixes):
            found.problems.append(
                f"gps.fixes: of partition {source} {len(had)} fixes, other than the {len(fixes)} decided"
            )


def _tell(found: Expected, partition: int, made: Iterable[Transition]) -> None:
    for event in new_events(list(made)):
        alert = event.alert
        found.events[partition].append(
            (event.event_id, alert.id, alert.version, event.type, event.data.decode())
        )
        found.alerts[alert.id] = _row(event)


def state_of(engine: Engine) -> dict[int, bytes]:
    """What the rules remember of each vehicle, without places that only say where something is kept."""
    vehicles = np.array(engine.vehicles, np.int32)
    slots = np.arange(len(vehicles))
    parts = [
        _packed(engine.common[slots], "changed"),
        engine.match["road"][slots].view(np.uint8).reshape(len(slots), -1),
    ]
    chains: list[list[bytes]] = [[] for _ in slots]
    for state in engine.states:
        parts.append(_packed(state.rows[slots], "page"))
        if "page" in (state.rule.state_dtype.names or ()):
            for chain, pages in zip(chains, _chains(state.rows, state.pages, slots), strict=True):
                chain.append(pages)
    whole = np.concatenate(parts, axis=1)
    return {
        int(vehicle): whole[slot].tobytes() + b"".join(chains[slot]) for slot, vehicle in enumerate(vehicles)
    }


def _chains(rows: np.ndarray, pages: np.ndarray, slots: np.ndarray) -> list[bytes]:
    lengths = np.zeros(len(slots), np.int64)
    nothing = np.zeros(0, np.int64)
    follow: Callable[..., int] = chain_of  # compiled, without types
    order = np.zeros(follow(as_records(rows), as_records(pages), slots, nothing, lengths), np.int64)
    follow(as_records(rows), as_records(pages), slots, order, lengths)
    packed = _packed(pages[order], "next")
    ends = np.cumsum(lengths)
    return [
        packed[end - length : end].tobytes()
        for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)
    ]


def _packed(rows: np.ndarray, without: str) -> np.ndarray:
    """Rows as bytes (rows, width) without one field and without padding."""
    kept = [name for name in rows.dtype.names or () if name != without]
    packed = repack_fields(rows[kept], recurse=True)
    return np.ascontiguousarray(packed).view(np.uint8).reshape(len(rows), packed.dtype.itemsize)
