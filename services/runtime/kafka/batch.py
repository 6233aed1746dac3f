"""What a consumer hands out: a stretch of one partition, by record or by column."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOG_APPEND_TIME = 1


@dataclass(frozen=True, slots=True)
class Batch:
    """The offsets from `first` up to `next_offset` of one partition, and what records they hold.

    Not every offset holds one: a transaction's end takes one, what was aborted takes some, compacting leaves holes. So the records neither need to begin at
    `first` nor to end before `next_offset`, and there may be none.

    Attributes:
        first: the offset that was asked for.
        next_offset: where the next stretch begins.
        records: ascending; each with offset, timestamp, key, value, headers.
        parts: the same records as the broker keeps them together, where that is known.
    """

    partition: int
    first: int
    next_offset: int
    records: Sequence[Any]
    parts: Sequence[Sequence[Any]] = ()

    @property
    def offsets(self) -> list[int]:
        """Offset of each record."""
        return [record.offset for record in self.records]

    @property
    def timestamps(self) -> list[int]:
        """Broker time stamp of each record, Unix ms."""
        return [record.timestamp for record in self.records]

    def offset_column(self) -> NDArray[np.int64]:
        """`offsets`, without a look at each record where none is missing between first and last."""
        count = len(self.records)
        if not count:
            return np.zeros(0, np.int64)
        first, last = int(self.records[0].offset), int(self.records[-1].offset)
        if last - first + 1 == count:
            return np.arange(first, first + count, dtype=np.int64)
        return np.array(self.offsets, np.int64)

    def timestamp_column(self) -> NDArray[np.int64]:
        """`timestamps`, without a look at each record where the broker has set one for all it keeps together."""
        if self.parts and all(part[0].timestamp_type == LOG_APPEND_TIME for part in self.parts):
            return np.repeat(
                [part[0].timestamp for part in self.parts], [len(part) for part in self.parts]
            ).astype(np.int64)
        return np.array(self.timestamps, np.int64)

    @property
    def values(self) -> list[bytes]:
        """Value of each record; empty bytes for a tombstone."""
        return [record.value if record.value is not None else b"" for record in self.records]

    def portions(self, most_bytes: int) -> Iterator["Batch"]:
        """The stretch cut after every `most_bytes` of values, a record at least in each; together they cover it without a gap."""
        begun, at, size = self.first, 0, 0
        for place, record in enumerate(self.records):
            size += len(record.value or b"")
            if size >= most_bytes and place + 1 < len(self.records):
                upto = int(self.records[place + 1].offset)
                yield Batch(self.partition, begun, upto, self.records[at : place + 1])
                begun, at, size = upto, place + 1, 0
        yield Batch(self.partition, begun, self.next_offset, self.records[at:])
