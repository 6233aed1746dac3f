"""A small seam in aiokafka's fetcher: records leave it as the Cython record objects they are, a list a batch, no ConsumerRecord built.

Building one ConsumerRecord a record costs more than decoding it (docs/decisions/0004). The seam is one overridden method of a private
class, pinned to the versions it was read with; with any other version, or if the private class looks different, `getmany` is
used as it is. A test guards both ways.

The class is put in for the whole process, but only a consumer that was given WHOLE_BATCHES as its `key_deserializer` gets lists: the one
thing of a consumer's own that reaches the private class and has no use here. Every other consumer gets its ConsumerRecords.
"""

from collections.abc import Iterator
from typing import Any

import aiokafka
from aiokafka.consumer import fetcher

KNOWN_VERSIONS = ("0.14.0",)
NEEDED = ("_records", "_check_crcs", "_key_deserializer", "next_fetch_offset")
WHOLE_BATCHES = object()
"""Asks for lists; never called, for no key is deserialized there."""


class BatchRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """For those who ask: the records of a whole batch as one list instead of ConsumerRecords one by one."""

    next_fetch_offset: int

    def _unpack_records(self) -> Iterator[Any]:
        if self._key_deserializer is WHOLE_BATCHES:
            return self._whole_batches()
        return super()._unpack_records()  # type: ignore[no-any-return]

    def _whole_batches(self) -> Iterator[list[Any]]:
        """One list of records a batch; the same checks and the same bookkeeping of the next offset as the method it stands for.

        Raises:
            CorruptRecordException: a batch's checksum is wrong.
        """
        while self._records.has_next():
            batch = self._records.next_batch()
            if self._check_crcs and not batch.validate_crc():
                raise aiokafka.errors.CorruptRecordException(f"Invalid CRC - {self._tp}")
            if not batch.is_control_batch:
                records = list(batch)
                if records and records[0].offset < self.next_fetch_offset:
                    records = [record for record in records if record.offset >= self.next_fetch_offset]
                self.next_fetch_offset = batch.next_offset
                if records:
                    yield records
            else:
                self.next_fetch_offset = batch.next_offset


def seam_fits() -> bool:
    """Whether the private API is the one that was read."""
    source = getattr(fetcher, "PartitionRecords", None)
    if aiokafka.__version__ not in KNOWN_VERSIONS or source is None:
        return False
    names = source.__init__.__code__.co_names + source._unpack_records.__code__.co_names  # noqa: SLF001
    return all(name in names for name in NEEDED)


def use_seam(*, wanted: bool = True) -> object | None:
    """The `key_deserializer` of a consumer that is to get a list a batch; None where it will get ConsumerRecords."""
    if wanted and (fetcher.PartitionRecords is BatchRecords or seam_fits()):
        fetcher.PartitionRecords = BatchRecords
        return WHOLE_BATCHES
    return None
