"""Consumer groups: their names, and whether anybody is in them."""

import contextlib
from collections.abc import Sequence

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, for_code

from services.runtime.kafka.connection import in_time
from services.runtime.settings import Settings


def group_id(settings: Settings, consumer: str) -> str:
    """The group of a consumer, as Kafka knows it."""
    return f"{settings.topic_prefix}roadwatch-{consumer}"


async def members(settings: Settings, consumers: Sequence[str]) -> dict[str, int]:
    """How many processes are in the group of each consumer; one that was killed is counted until its session ends.

    Each is asked for by itself: of several in one answer aiokafka 0.14 reads only the first rightly.

    Raises:
        KafkaAway: Kafka does not answer.
    """
    admin = AIOKafkaAdminClient(
        bootstrap_servers=settings.kafka_bootstrap, request_timeout_ms=int(settings.deadline_s * 1000)
    )
    found = {}
    try:
        async with in_time(settings, "consumer groups"):
            await admin.start()
            for consumer in consumers:
                (answer,) = await admin.describe_consumer_groups([group_id(settings, consumer)])
                error_code, *_, group_members = answer.groups[0][:6]
                if error_code:
                    raise for_code(error_code)(f"group of {consumer}")
                found[consumer] = len(group_members)
    finally:
        with contextlib.suppress(KafkaError):
            await admin.close()
    return found
