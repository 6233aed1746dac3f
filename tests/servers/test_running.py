"""Commands find the system that `roadwatch up` runs on a data folder by the same option."""

from pathlib import Path

from services.contracts.topics import TOPICS
from services.runtime.servers.running import RunningSystem, announce, announced
from services.runtime.settings import Settings
from tests.conftest import RunRoadwatch


def test_topics_are_made_where_the_running_system_has_its_kafka(
    tmp_path: Path, settings: Settings, run_roadwatch: RunRoadwatch
) -> None:
    environment = {
        "ROADWATCH_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "ROADWATCH_TOPIC_PREFIX": settings.topic_prefix,
    }
    with announced(tmp_path) as file:
        announce(file, RunningSystem(pid=1, url="", environment=environment, restarts={}))
        done = run_roadwatch("topics", "--data", tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(topic.full_name(settings.topic_prefix) in done.stdout for topic in TOPICS)
