"""Putting a config version in force: its record goes to every partition of `gps.fixes`, then the database says so.

Done by `roadwatch import`, and by an ingest worker for a version whose importer died half-way. A record twice does no harm; the order
of versions is kept by the turn that publishers take.
"""

from services.contracts.batch import ConfigRecord, pack_config
from services.contracts.topics import FIXES
from services.runtime.kafka import Message, Producer
from services.store import configs
from services.store.connect import Conn


async def publish(producer: Producer, conn: Conn, older_than_s: float = 0.0) -> list[ConfigRecord]:
    """Publish every version saved at least `older_than_s` ago and not yet in force; returns them.

    Raises:
        KafkaAway: a record was not acknowledged; the version stays unpublished.
    """
    async with configs.publishing(conn):
        waiting = await configs.unpublished(conn, older_than_s)
        for record in waiting:
            body = pack_config(record)
            await producer.send_batch(
                [Message(FIXES, body, partition=number) for number in range(producer.settings.partitions)]
            )
            await configs.mark_published(conn, record.version)
    return waiting
