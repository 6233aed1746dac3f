"""What a consumer hands out: consecutive records of one partition, by record or by column."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LOG_APPEND_TIME = 1


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive records of one partition."""

    partition: int
    records: Sequence[Any]  # each with offset, timestamp, key, value, headers
    parts: Sequence[
        Sequence[Any]
    ] = ()  # the same records as the broker keeps them together, where that is known

    @property
    def first(self) -> int:
        """Offset of the first record."""
        return int(self.records[0].offset)

    @property
    def next_offset(self) -> int:
        """Offset after the last record."""
        return int(self.records[-1].offset) + 1

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
        if self.next_offset - self.first == count:
            return np.arange(self.first, self.first + count, dtype=np.int64)
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
