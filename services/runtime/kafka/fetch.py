"""A small seam in aiokafka's fetcher: records leave it as the Cython record objects they are, a list a batch, no ConsumerRecord built.

Building one ConsumerRecord a record costs more than decoding it (docs/decisions/0004). The seam is one overridden method of a private
class, pinned to the versions it was read with; with any other version, or if the private class looks different, `getmany` is
used as it is, and `roadwatch_fallback` says so. A test guards both ways.

The class is put in for the whole process, but only a consumer that was given WHOLE_BATCHES as its `key_deserializer` gets lists: the one
thing of a consumer's own that reaches the private class and has no use here. Every other consumer gets its ConsumerRecords.

The client gives up on a header whose name is not UTF-8, and so would a service on every start, for ever: such a batch is read a second
time by the client's parser in Python, what is no text in it written as escapes.
"""

import struct
from collections.abc import Iterator
from typing import Any

import aiokafka
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy

from services.runtime import fallback

KNOWN_VERSIONS = ("0.14.0",)
BATCH_HEAD = struct.Struct(">qi")  # base offset, bytes that follow
NEEDED = (
    "_records", "_check_crcs", "_key_deserializer", "next_fetch_offset", "_isolation_level", "_aborted_producers",
    "_consume_aborted_up_to", "_contains_abort_marker",
)  # fmt: skip
WHOLE_BATCHES = object()
"""Asks for lists; never called, for no key is deserialized there."""


class KeptRecords(fetcher.MemoryRecords):  # type: ignore[misc]
    """Fetched batches that keep their bytes at hand."""

    def __init__(self, data: bytes) -> None:
        """`data` is what the broker sent of one partition."""
        super().__init__(data)
        self.data = data


class ForgivingBytes(bytearray):
    """Bytes whose parts decode whatever they hold."""

    def __getitem__(self, at: Any) -> Any:
        """A byte, or a part that forgives as well."""
        found = super().__getitem__(at)
        return ForgivingBytes(found) if isinstance(at, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002 - the client asks for strict
        """As text, what is not UTF-8 as backslash escapes."""
        return super().decode(encoding, "backslashreplace")


def read_forgivingly(data: bytes, base_offset: int) -> list[Any]:
    """The records of the batch that begins at `base_offset`, names of headers whatever they are."""
    place = 0
    base, length = BATCH_HEAD.unpack_from(data, place)
    while base != base_offset:
        place += BATCH_HEAD.size + length
        base, length = BATCH_HEAD.unpack_from(data, place)
    batch = _DefaultRecordBatchPy(data[place : place + BATCH_HEAD.size + length])
    batch._maybe_uncompress()  # noqa: SLF001
    batch._buffer = ForgivingBytes(batch._buffer)  # noqa: SLF001
    return list(batch)


class BatchRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """For those who ask: the records of a whole batch as one list instead of ConsumerRecords one by one."""

    next_fetch_offset: int
    _records: Any

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
            if self._is_aborted(batch) or batch.is_control_batch:
                self.next_fetch_offset = batch.next_offset
                continue
            records = self._listed(batch)
            if records and records[0].offset < self.next_fetch_offset:
                records = [record for record in records if record.offset >= self.next_fetch_offset]
            self.next_fetch_offset = batch.next_offset
            if records:
                yield records

    def _is_aborted(self, batch: Any) -> bool:
        """Whether a transaction that was aborted wrote the batch; the broker says from which offsets on, the markers in the log until where."""
        if self._isolation_level != fetcher.READ_COMMITTED or batch.producer_id is None:
            return False
        self._consume_aborted_up_to(batch.base_offset)
        if batch.is_control_batch:
            if self._contains_abort_marker(batch):
                self._aborted_producers.discard(batch.producer_id)
            return False
        return bool(batch.is_transactional and batch.producer_id in self._aborted_producers)

    def _listed(self, batch: Any) -> list[Any]:
        try:
            return list(batch)
        except UnicodeDecodeError:
            if not isinstance(self._records, KeptRecords):
                raise
            fallback.tell(
                fallback.KAFKA_HEADERS,
                f"{self._tp} offset {batch.base_offset}: a header's name is no UTF-8; batches like it are read by the client's parser in Python",
            )
            return read_forgivingly(self._records.data, batch.base_offset)


def misfit() -> str | None:
    """Why the private API is not the one that was read; None where it is."""
    source = getattr(fetcher, "PartitionRecords", None)
    if aiokafka.__version__ not in KNOWN_VERSIONS:
        return (
            f"aiokafka {aiokafka.__version__} is none of {', '.join(KNOWN_VERSIONS)}, whose fetcher was read"
        )
    methods = (getattr(source, name, None) for name in ("__init__", "_unpack_records"))
    codes = [getattr(method, "__code__", None) for method in methods]  # none if it is compiled, or not there
    names = [name for code in codes if code is not None for name in code.co_names]
    lacking = [name for name in NEEDED if name not in names]
    if None in codes or lacking:
        return f"aiokafka's PartitionRecords looks different: lacking {', '.join(lacking) or 'Python code'}"
    return None


def use_seam(*, wanted: bool = True) -> object | None:
    """The `key_deserializer` of a consumer that is to get a list a batch; None where it will get ConsumerRecords."""
    if not wanted:
        return None
    why = None if getattr(fetcher, "PartitionRecords", None) is BatchRecords else misfit()
    fallback.tell(fallback.KAFKA_FETCHER, why)
    fallback.tell(
        fallback.KAFKA_RECORDS,
        None
        if DefaultRecordBatch is not _DefaultRecordBatchPy
        else "aiokafka was installed without its compiled reader of records",
    )
    if why is not None:
        return None
    fetcher.PartitionRecords = BatchRecords
    fetcher.MemoryRecords = KeptRecords
    return WHOLE_BATCHES
