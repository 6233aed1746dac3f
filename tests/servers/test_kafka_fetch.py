"""The seam in the client's fetcher: the same records with it and without, for those alone who ask, and not with a client it was not read with."""

from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from services.runtime.kafka import Batch, Consumer, Message, Producer, Tail
from services.runtime.kafka.fetch import WHOLE_BATCHES, BatchRecords, misfit, use_seam
from services.runtime.settings import Settings

RECORDS = [(b"key", b"report %d" % number) for number in range(200)]
FROM = 137
"""In the middle of what the broker keeps together."""
PLAIN = BatchRecords.__base__
"""The client's class as it comes."""


async def by_our_consumer(settings: Settings, group: str, *, seam: bool) -> list[Batch]:
    """Every record from FROM on."""

    async def claim(partitions: Sequence[int]) -> dict[int, int]:
        return {number: FROM if number == 0 else 0 for number in partitions}

    async def release(_: Sequence[int]) -> None:
        return

    found: list[Batch] = []
    async with Consumer(settings, group, "raw", claim, release, seam=seam) as consumer:
        while sum(len(batch.records) for batch in found) < len(RECORDS) - FROM:
            found += (await consumer.poll(0.2)).values()
    return found


async def by_the_client(settings: Settings, **options: Any) -> list[Any]:
    """Every record from FROM on, read in bits of 10."""
    name = TopicPartition(f"{settings.topic_prefix}raw", 0)
    client: Any = AIOKafkaConsumer(bootstrap_servers=settings.kafka_bootstrap, **options)
    found: list[Any] = []
    await client.start()
    try:
        client.assign([name])
        client.seek(name, FROM)
        while len(found) < len(RECORDS) - FROM:
            found += (await client.getmany(timeout_ms=200, max_records=10)).get(name, [])
    finally:
        await client.stop()
    return found


def told(batches: list[Batch]) -> list[tuple[int, int, bytes]]:
    """Offset, time stamp and value of each record."""
    return [
        row
        for batch in batches
        for row in zip(
            batch.offset_column().tolist(), batch.timestamp_column().tolist(), batch.values, strict=True
        )
    ]


async def test_only_who_asks_gets_whole_batches(settings: Settings, topics: list[str]) -> None:
    assert topics
    one = settings.model_copy(update={"partitions": 1})
    async with Producer(one, "test") as producer:
        await producer.send_many("raw", RECORDS)
    asked = await by_our_consumer(one, "with", seam=True)
    assert fetcher.PartitionRecords is BatchRecords
    unasked = await by_our_consumer(one, "without", seam=False)
    client = await by_the_client(one)
    deserialized = await by_the_client(one, key_deserializer=bytes.upper)
    assert any(batch.parts for batch in asked)
    assert not any(batch.parts for batch in unasked)
    assert all(isinstance(record, ConsumerRecord) for record in client)
    assert {record.key for record in deserialized} == {b"KEY"}
    rows = [(record.offset, record.timestamp, record.value) for record in client]
    assert told(asked) == told(unasked) == rows
    assert [value for _, _, value in rows] == [value for _, value in RECORDS[FROM:]]


@pytest.fixture(autouse=True)
def unsaid(monkeypatch: pytest.MonkeyPatch) -> None:
    """No fallback has been told yet."""
    monkeypatch.setattr("services.runtime.fallback._said", set())


def fell_back(what: str) -> float | None:
    return REGISTRY.get_sample_value("roadwatch_fallback", {"what": what})


def test_records_read_without_the_compiled_reader_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (use_seam(), fell_back("kafka_records")) == (WHOLE_BATCHES, 0)
    monkeypatch.setattr("services.runtime.kafka.fetch.DefaultRecordBatch", _DefaultRecordBatchPy)
    with capture_logs() as logs:
        assert use_seam() is WHOLE_BATCHES
    assert [line["what"] for line in logs] == ["kafka_records"]
    assert fell_back("kafka_records") == 1


def test_another_client_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "PartitionRecords", PLAIN)
    assert misfit() is None, "read the fetcher of this aiokafka, then add its version to KNOWN_VERSIONS"
    assert (use_seam(), fell_back("kafka_fetcher")) == (WHOLE_BATCHES, 0)
    monkeypatch.setattr(fetcher, "PartitionRecords", PLAIN)
    monkeypatch.setattr("aiokafka.__version__", "99.0.0")
    with capture_logs() as logs:
        assert use_seam() is None
        assert use_seam() is None
    assert [(line["event"], line["what"]) for line in logs] == [("fallback", "kafka_fetcher")], (
        "once a process"
    )
    assert "aiokafka 99.0.0" in logs[0]["why"]
    assert fell_back("kafka_fetcher") == 1
    assert fetcher.PartitionRecords is PLAIN


def test_a_class_of_other_names_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        def _unpack_records(self) -> None:
            return

    monkeypatch.setattr(fetcher, "PartitionRecords", Other)
    with capture_logs() as logs:
        assert use_seam() is None
    assert "_aborted_producers" in logs[0]["why"]
    assert fell_back("kafka_fetcher") == 1
    assert fetcher.PartitionRecords is Other


@pytest.mark.parametrize("version", ["0.14.0", "99.0.0"])
async def test_a_tail_reads_the_same_with_the_seam_and_without(
    settings: Settings, topics: list[str], monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    assert topics
    monkeypatch.setattr(fetcher, "PartitionRecords", PLAIN)
    monkeypatch.setattr("aiokafka.__version__", version)
    assert (use_seam() is WHOLE_BATCHES) == (version == "0.14.0")
    found: list[bytes] = []
    async with Tail(settings, "raw", "test") as tail, Producer(settings, "test") as producer:
        await producer.send_batch([Message("raw", b"one", b"a"), Message("raw", b"two", b"b")])
        while len(found) < 2:
            found += await tail.values(0.2)
    assert sorted(found) == [b"one", b"two"]
