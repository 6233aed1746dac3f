"""Both private servers as one thing to start and to stop, remembered in the data folder so that a second command finds them."""

import atexit
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from services.runtime.servers.kafka import KafkaFacts, KafkaServer
from services.runtime.servers.postgres import PostgresFacts, PostgresServer
from services.runtime.servers.process import Say, recall, say_to_stderr


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where clients reach the servers: the values of ROADWATCH_KAFKA_BOOTSTRAP and ROADWATCH_DATABASE_URL."""

    kafka_bootstrap: str
    database_url: str


class LocalServers:
    """A private PostgreSQL and Kafka below one data folder.

    `start` is idempotent: a server that answers is used, one that died is started again on its old data. `stop` ends what this object
    started and nothing else. `fast` gives up durability and is for tests. Start from the main thread.
    """

    def __init__(self, data: Path, *, fast: bool = False, say: Say = say_to_stderr) -> None:
        """`data` is made if it is not there; `say` gets one line of progress at a time."""
        self.data = data
        self.postgres = PostgresServer(data, fast=fast, say=say)
        self.kafka = KafkaServer(data, say=say)

    def start(self, *, kafka_bootstrap: str | None = None, database_url: str | None = None) -> Addresses:
        """Start what does not answer, wait until both do; an address that is given stands for a server that others run.

        Raises:
            ServerFailed: one cannot be started; the other is stopped again.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        atexit.register(self.stop)
        try:
            with self._alone():
                return Addresses(
                    database_url=database_url or self.postgres.start(),
                    kafka_bootstrap=kafka_bootstrap or self.kafka.start(),
                )
        except BaseException:
            self.stop()
            raise

    def died(self) -> bool:
        """Whether a server that this object started has ended by itself; `start` starts it again."""
        return any(server.exit_code is not None for server in (self.postgres, self.kafka))

    def stop(self) -> None:
        """Stop what this object started, Kafka first: its clients are gone before their database is."""
        atexit.unregister(self.stop)
        self.kafka.stop()
        self.postgres.stop()

    def remove(self) -> None:
        """Stop, and delete the servers' data; for tests."""
        self.stop()
        self.kafka.remove()
        self.postgres.remove()

    def __enter__(self) -> Self:
        """Start; the addresses come from `start`, which may be called again."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, whatever happened."""
        self.stop()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two commands that start at the same moment take turns; the kernel frees the lock of one that is killed."""
        with (self.data / "servers.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def recalled_addresses(data: Path) -> Addresses | None:
    """Where the private servers of this data folder answer if they run; None if they were never started there."""
    kafka, postgres = recall(data / "kafka.json", KafkaFacts), recall(data / "postgres.json", PostgresFacts)
    return Addresses(kafka.bootstrap, postgres.url) if kafka and postgres else None
