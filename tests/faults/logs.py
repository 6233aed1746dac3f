"""The topics as an independent reader sees them: no group, no seam, from the first record to the end there was at the beginning; what was aborted is not there."""

from collections.abc import AsyncIterator, Sequence

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from services.runtime.kafka import end_offsets
from services.runtime.settings import Settings

AT_ONCE = 20_000


async def read(settings: Settings, topic: str) -> AsyncIterator[tuple[int, Sequence[ConsumerRecord]]]:
    """(partition, records in their order), partition after partition; `topic` is the short name."""
    ends = await end_offsets(settings, topic)
    for partition, end in sorted(ends.items()):
        client = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap, enable_auto_commit=False, auto_offset_reset="earliest",
            max_partition_fetch_bytes=4 * 1024 * 1024, isolation_level="read_committed",
        )  # fmt: skip
        await client.start()
        try:
            place = TopicPartition(settings.topic_prefix + topic, partition)
            client.assign([place])
            await client.seek_to_beginning(place)
            while await client.position(place) < end:
                for records in (await client.getmany(timeout_ms=1000, max_records=AT_ONCE)).values():
                    yield partition, records
        finally:
            await client.stop()
