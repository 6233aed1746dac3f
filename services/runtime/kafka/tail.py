"""Listening to a topic from now on, outside any group."""

from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.runtime.interruptions import KafkaAway
from services.runtime.kafka.connection import READ_COMMITTED, starting, stop
from services.runtime.kafka.fetch import use_seam
from services.runtime.settings import Settings


class Tail:
    """Every partition of a topic from its end on, outside any group: for what may be missed, such as a live map."""

    def __init__(self, settings: Settings, topic: str, name: str) -> None:
        """`topic` is the short name."""
        self.settings = settings
        self.topic = settings.topic_prefix + topic
        self._seam = use_seam()
        self._client = AIOKafkaConsumer(
            bootstrap_servers=settings.kafka_bootstrap, client_id=f"roadwatch-{name}", enable_auto_commit=False,
            auto_offset_reset="latest", fetch_max_wait_ms=250, request_timeout_ms=int(settings.deadline_s * 1000),
            key_deserializer=self._seam, isolation_level=READ_COMMITTED,
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        """Connect and go to the end.

        Raises:
            KafkaAway: Kafka does not answer.
        """
        async with starting(self._client, self.settings):
            self._client.assign([TopicPartition(self.topic, n) for n in range(self.settings.partitions)])
            await self._client.seek_to_end()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await stop(self._client, self.settings)

    async def values(self, timeout_s: float) -> list[bytes]:
        """What has come, at once if there is anything.

        Raises:
            KafkaAway: Kafka does not answer.
        """
        try:
            fetched = await self._client.getmany(timeout_ms=int(timeout_s * 1000))
        except KafkaError as error:
            raise KafkaAway(repr(error)) from error
        rows = (record for records in fetched.values() for record in records)
        if self._seam is not None:
            rows = (record for part in rows for record in part)
        return [record.value for record in rows if record.value]
