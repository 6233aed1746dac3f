"""Topics: made where they are missing, and where they end."""

import contextlib

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from services.contracts.topics import TOPICS
from services.runtime.interruptions import KafkaAway
from services.runtime.kafka.connection import READ_COMMITTED, in_time, stop
from services.runtime.settings import Settings


async def make_topics(settings: Settings, replication: int = 1) -> list[str]:
    """Make the topics that are missing; returns their names.

    Raises:
        KafkaAway: Kafka does not answer.
    """
    admin = AIOKafkaAdminClient(
        bootstrap_servers=settings.kafka_bootstrap, request_timeout_ms=int(settings.deadline_s * 1000)
    )
    try:
        await admin.start()
        have = set(await admin.list_topics())
        missing = [topic for topic in TOPICS if topic.full_name(settings.topic_prefix) not in have]
        if missing:
            response = await admin.create_topics(
                [
                    NewTopic(
                        topic.full_name(settings.topic_prefix),
                        settings.partitions,
                        replication,
                        topic_configs=topic.settings(),
                    )
                    for topic in missing
                ]
            )
            for name, code, *rest in response.topic_errors:
                if code not in (0, TopicAlreadyExistsError.errno):
                    raise KafkaAway(f"topic {name}: error {code} {rest}")
    except KafkaError as error:
        raise KafkaAway(f"{settings.kafka_bootstrap}: {error!r}") from error
    finally:
        with contextlib.suppress(KafkaError):
            await admin.close()
    return [topic.full_name(settings.topic_prefix) for topic in missing]


async def end_offsets(settings: Settings, topic: str) -> dict[int, int]:
    """Where each partition of a topic ends now for who reads what is committed; `topic` is the short name.

    Raises:
        KafkaAway: Kafka does not answer.
    """
    return {number: end for number, (_, end) in (await log_bounds(settings, topic)).items()}


async def log_bounds(settings: Settings, topic: str) -> dict[int, tuple[int, int]]:
    """First offset that each partition of a topic still holds, and the one after its last that is committed; `topic` is the short name.

    Raises:
        KafkaAway: Kafka does not answer.
    """
    partitions = [TopicPartition(settings.topic_prefix + topic, n) for n in range(settings.partitions)]
    client = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, enable_auto_commit=False, isolation_level=READ_COMMITTED
    )
    try:
        async with in_time(settings, "offsets of the log"):
            await client.start()
            firsts = await client.beginning_offsets(partitions)
            ends = await client.end_offsets(partitions)
    finally:
        await stop(client, settings)
    return {item.partition: (firsts[item], ends[item]) for item in partitions}
