"""Metrics that a process shows of its consumer."""

from collections.abc import Sequence

from prometheus_client import REGISTRY

from services.runtime.kafka.consumer import Consumer
from services.runtime.settings import Settings


async def claim(partitions: Sequence[int]) -> dict[int, int]:
    return dict.fromkeys(partitions, 0)


async def release(_: Sequence[int]) -> None:
    return


def shown(partition: int) -> float | None:
    labels = {"consumer": "rules", "topic": "x.fixes", "partition": str(partition)}
    return REGISTRY.get_sample_value("roadwatch_consumer_lag_records", labels)


async def test_the_lag_of_each_partition_held_is_shown() -> None:
    consumer = Consumer(Settings(topic_prefix="x."), "rules", "fixes", claim, release)
    try:
        assert consumer.lag({0: 3, 1: 5}) == 0
        assert shown(0) is None, "nothing is known before the broker has told its ends"
        consumer.ends = {0: 10, 1: 5}
        assert consumer.lag({0: 3, 1: 5}) == 7
        assert (shown(0), shown(1)) == (7, 0)
        await consumer.lose([0, 1])
        assert (shown(0), shown(1)) == (None, None)
    finally:
        await consumer.__aexit__(None, None, None)
