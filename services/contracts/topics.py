"""The Kafka topics, named once: everything that reads or writes a topic takes its name and its settings from here."""

from dataclasses import dataclass

RAW = "raw"
FIXES = "fixes"
REJECTED = "rejected"

KIB = 1024
MIB = 1024 * KIB
DAY_MS = 24 * 3600 * 1000

CONTENT_TYPE = "content-type"
JSON_REPORT = "application/json"

REJECT_HEADERS = ("reason", "verdict", "source-topic", "source-partition", "source-offset", "parser-version")
"""Headers of a record of `gps.rejected`; its key and value are the original bytes, its own headers follow these."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: short name (the prefix, default `gps.`, stands before it) and the settings it is made with."""

    name: str
    max_message_bytes: int
    retention_ms: int
    config: tuple[tuple[str, str], ...] = ()

    def full_name(self, prefix: str) -> str:
        """The topic's name in Kafka, e.g. `gps.raw`."""
        return prefix + self.name

    def settings(self) -> dict[str, str]:
        """Broker-side topic settings; all topics carry the broker's clock so that "now" is part of the log."""
        return {
            "max.message.bytes": str(self.max_message_bytes),
            "retention.ms": str(self.retention_ms),
            "message.timestamp.type": "LogAppendTime",
            **dict(self.config),
        }


TOPICS = (
    # senders may compress as they like; our client cannot read all that Kafka can, so the broker unpacks
    Topic(RAW, 2 * MIB, 7 * DAY_MS, (("compression.type", "uncompressed"),)),
    Topic(FIXES, 4 * MIB, 7 * DAY_MS),
    Topic(REJECTED, 4 * MIB, 30 * DAY_MS),
)
