"""The bare limit of the benchmarks: the plain client's `getmany` over a topic, nothing done with what comes."""

import asyncio

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.runtime.clock import cpu_s
from services.runtime.kafka.connection import READ_COMMITTED
from services.runtime.settings import Settings

AT_ONCE = 5_000


async def bare_getmany(settings: Settings, topic: str, count: int) -> float:
    """Records a CPU-second of this process, reading `count` records of a topic (short name) from its beginning."""
    name = settings.topic_prefix + topic
    client = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, enable_auto_commit=False, auto_offset_reset="earliest",
        max_partition_fetch_bytes=2 * 1024 * 1024, isolation_level=READ_COMMITTED,
    )  # fmt: skip
    await client.start()
    try:
        client.assign([TopicPartition(name, number) for number in range(settings.partitions)])
        await client.seek_to_beginning()
        had, begun_s = 0, cpu_s()
        async with asyncio.timeout(300):
            while had < count:
                fetched = await client.getmany(timeout_ms=200, max_records=AT_ONCE)
                had += sum(len(records) for records in fetched.values())
        return had / (cpu_s() - begun_s)
    finally:
        await client.stop()
