"""Every bad report of the corpus through a real broker and a real ingest process in one go, each between two good ones.

What the corpus says of the pure pipeline must hold live, and of a file that `roadwatch judge` reads: the same code for the same bytes. The
clock of `gps.raw` is set by the sender here, so that "now" is the corpus' now whatever the day.
"""

import asyncio
import json
import re
import urllib.request
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, codec
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.record import default_records
from prometheus_client.parser import text_string_to_metric_families

from services.cli.benchmarks.system import Processes
from services.cli.judge import judged
from services.contracts.reasons import BY_CODE, FLAGS, Verdict
from services.contracts.registry_files import read_config
from services.contracts.topics import CONTENT_TYPE, RAW, REJECTED, TOPICS
from services.runtime.clock import monotonic_s
from services.runtime.kafka import make_topics
from services.runtime.servers.process import free_port
from services.runtime.settings import CHINA, Settings
from tests.conftest import RunRoadwatch
from tests.ingest.corpus import CASES, DATED, KNOWN, NOW, Case, said
from tests.journeys.test_main_road import environment, wait_for

VEHICLES = f"""plate,plate_color,class,terminal,operator,division,valid_from,valid_to
宁A00001,yellow,coach,{KNOWN},企业,640100,,
宁A00002,yellow,coach,{DATED},企业,640100,2026-11-13,2026-11-22
宁A00003,yellow,coach,{DATED},企业,640100,2026-11-23,
"""
PARTITIONS = 4
NO_CODEC, SNAPPY = 0, 2
WITHIN_S = 120  # on a machine that does much else; a tenth of it when it does not

pytestmark = pytest.mark.timeout(300)

Headers = tuple[tuple[str, bytes | None], ...]
Report = tuple[str, bytes | None, Headers, str | None]
"""name, value, headers, the code it must get"""

WITH_HEADERS: list[Report] = [
    ("json", said(), ((CONTENT_TYPE, b"application/json"),), None),
    ("json in utf-8", said(), ((CONTENT_TYPE, b"application/json; charset=utf-8"),), None),
    ("json in utf-8, spelled otherwise", said(), ((CONTENT_TYPE, b"Application/JSON;charset=UTF-8"),), None),
    ("another type", said(), ((CONTENT_TYPE, b"application/vnd.jtt808"),), "CONTENT_TYPE"),
    (
        "another type, not json at all",
        b"\x7e\x02",
        ((CONTENT_TYPE, b"application/vnd.jtt808"),),
        "CONTENT_TYPE",
    ),
    ("no type named", said(), ((CONTENT_TYPE, b""),), "CONTENT_TYPE"),
    ("type null", said(), ((CONTENT_TYPE, None),), None),
    ("type null of a bad report", b"hello", ((CONTENT_TYPE, None),), "SYNTAX"),
    ("others of any kind", said(), (("trace", b"\xff\x00"), ("", b""), ("空", None)), None),
    ("others of a bad report", b"hello", (("trace", b"\xff\x00"), ("", b""), ("空", None)), "SYNTAX"),
    ("100 kB of them", b"hello", (("trace", b"x" * 100_000),), "SYNTAX"),
]


@dataclass(frozen=True)
class Sent:
    """A record as it was sent, where it stands in gps.raw, and the code it must get."""

    name: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    code: str | None
    partition: int
    offset: int


@dataclass
class Outcome:
    """All there is to see when ingest and recorder have taken everything."""

    sent: list[Sent]
    flags: dict[tuple[int, int], set[str]] = field(default_factory=dict)  # of each row of history
    rows: int = 0
    rejected: dict[tuple[int, int], ConsumerRecord] = field(default_factory=dict)
    rejects: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    metrics: Counter[str] = field(default_factory=Counter)
    status: dict[str, Any] = field(default_factory=dict)


def neighbour(number: int) -> bytes:
    """A good report, each of a moment of its own."""
    minutes, seconds = divmod(number, 60)
    return said(time=f"2026-11-22T{10 + minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}Z")


async def send(settings: Settings) -> list[Sent]:
    """Good, bad, good, bad, ... good, in every partition, without a pause."""
    name = settings.topic_prefix + RAW
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka_bootstrap,
        max_request_size=4 * 2**20,
        max_batch_size=2**20,
        linger_ms=50,
    )
    todo: list[Report] = []
    for number, report in enumerate(
        [*((case, value, (), code) for case, value, code in CASES), *WITH_HEADERS]
    ):
        todo += [("neighbour", neighbour(number), (), None), report]
    await producer.start()
    try:
        waiting: list[tuple[Report, bytes | None, int]] = []
        for place, report in enumerate(todo):
            partition, key = place // 2 % PARTITIONS, None if place % 7 == 0 else f"key {place}".encode()
            waiting.append((report, key, partition))
        waiting += [
            (("neighbour", neighbour(len(todo) + partition), (), None), None, partition)
            for partition in range(PARTITIONS)
        ]
        futures = [
            await producer.send(
                name, value, key=key, partition=partition, timestamp_ms=NOW, headers=list(headers)
            )
            for (_, value, headers, _), key, partition in waiting
        ]
        return (
            [
                Sent(case, key, value, headers, code, partition, (await future).offset)
                for ((case, value, headers, code), key, partition), future in zip(
                    waiting, futures, strict=True
                )
            ]
            + await send_odd_names(producer, name)
            + await send_snappy(producer, name)
        )
    finally:
        await producer.stop()


class OddName(str):
    """A header's name that goes out as bytes that are no UTF-8."""

    __slots__ = ()

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """What Kafka's clients of other languages may send."""
        return super().encode(encoding, errors) + b"\xff"


async def send_odd_names(producer: AIOKafkaProducer, topic: str) -> list[Sent]:
    """A batch in which the names of headers are no text."""
    odd: Headers = ((OddName("x-"), b"1"),)
    seen: Headers = (("x-\\xff", b"1"),)
    rows: list[Report] = [
        ("neighbour", neighbour(5000), (), None),
        ("odd name of a good report", neighbour(5001), odd, None),
        ("odd name of a bad report", b"hello", odd, "SYNTAX"),
        ("neighbour", neighbour(5002), (), None),
    ]
    told: list[Report] = [(case, value, seen if headers else (), code) for case, value, headers, code in rows]
    first = await send_as(producer, topic, rows, NO_CODEC)
    return [
        Sent(case, b"k", value, headers, code, 3, first + place)
        for place, (case, value, headers, code) in enumerate(told)
    ]


async def send_snappy(producer: AIOKafkaProducer, topic: str) -> list[Sent]:
    """A batch packed as many senders do by their defaults, in a way that our own client cannot unpack."""
    rows: list[Report] = [
        ("packed", neighbour(5003) + b" " * 500, (), None),
        ("packed, bad", b"hello" + b" " * 500, (), "SYNTAX"),
        ("packed", neighbour(5004) + b" " * 500, (), None),
    ]
    with (
        patch.object(codec, "has_snappy", lambda: True),
        patch.object(default_records, "snappy_encode", snappy),
    ):
        first = await send_as(producer, topic, rows, SNAPPY)
    return [
        Sent(case, b"k", value, (), code, 3, first + place)
        for place, (case, value, _, code) in enumerate(rows)
    ]


def snappy(data: bytes) -> bytes:
    """Snappy's format at its simplest: runs of 5 to 64 equal bytes as copies of the byte before, everything else as it stands."""
    packed = bytes([len(data) & 0x7F | 0x80, len(data) >> 7 & 0x7F | 0x80, len(data) >> 14])
    for run in re.finditer(rb"(.)\1*", data, re.DOTALL):
        whole = run.group()
        packed += b"\x00" + whole[:1]
        for start in range(1, len(whole), 64):
            count = len(whole[start : start + 64])
            packed += bytes([(count - 1) << 2 | 2, 1, 0])
    return packed


async def send_as(producer: AIOKafkaProducer, topic: str, rows: list[Report], compression: int) -> int:
    """One batch to partition 3, built by the client's builder in Python, which lets more pass; gives its first offset."""
    batch = producer.create_batch()
    batch._builder = default_records._DefaultRecordBatchBuilderPy(2, compression, 0, -1, -1, -1, 2**20)
    for _, value, headers, _ in rows:
        batch.append(key=b"k", value=value, timestamp=NOW, headers=list(headers))
    return int((await (await producer.send_batch(batch, topic, partition=3))).offset)


async def make_raw(settings: Settings) -> None:
    """`gps.raw` with the sender's clock instead of the broker's; the other topics as ever."""
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    try:
        (raw,) = (topic for topic in TOPICS if topic.name == RAW)
        config = raw.settings() | {
            "message.timestamp.type": "CreateTime",
            "message.timestamp.after.max.ms": str(2**63 - 1),
            "retention.ms": "-1",
        }
        await admin.create_topics(
            [NewTopic(settings.topic_prefix + RAW, PARTITIONS, 1, topic_configs=config)]
        )
    finally:
        await admin.close()
    await make_topics(settings)


@pytest.fixture(scope="module")
def vehicles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The registry that the corpus speaks of."""
    file = tmp_path_factory.mktemp("registry") / "vehicles.csv"
    file.write_text(VEHICLES, encoding="utf-8")
    return file


@pytest.fixture
def outcome(settings: Settings, vehicles: Path, run_roadwatch: RunRoadwatch, tmp_path: Path) -> Outcome:
    """Everything sent before ingest starts, so that it comes to it in few great fetches."""
    port = free_port()
    env = environment(settings)
    asyncio.run(make_raw(settings))
    imported = run_roadwatch("import", "vehicles", vehicles, env=env)
    assert imported.returncode == 0, imported.stderr
    found = Outcome(asyncio.run(send(settings)))
    kept = sum(1 for sent in found.sent if verdict(sent.code) in (Verdict.ACCEPT, Verdict.FLAG))
    with (
        Processes(env, tmp_path / "run") as system,
        Processes(env | {"ROADWATCH_METRICS_PORT": str(port)}, tmp_path / "ingest") as ingest,
        psycopg.connect(settings.database_url, autocommit=True) as conn,
    ):
        ingest.start("ingest", wait=False)
        system.start("recorder")
        ingest.wait_ready("ingest")
        wait_for(
            conn, "SELECT sum(next_offset) FROM progress WHERE consumer = 'ingest'", len(found.sent), WITHIN_S
        )
        wait_for(conn, "SELECT count(*) FROM fix", kept, WITHIN_S)
        look(found, conn)
        found.metrics = measured(port)
        status = run_roadwatch("status", "--json", "--data", tmp_path, env=env)
        found.status = json.loads(status.stdout)
    found.rejects = asyncio.run(read_rejected(settings, found))
    return found


def look(found: Outcome, conn: psycopg.Connection[tuple[Any, ...]]) -> None:
    """History and counts."""
    for partition, offset, flags in conn.execute("SELECT source_partition, raw_offset, flags FROM fix"):
        found.rows += 1
        found.flags[partition, offset] = {code for bit, code in enumerate(FLAGS) if flags >> bit & 1}
    for (counts,) in conn.execute("SELECT counts FROM progress WHERE consumer = 'ingest'"):
        found.counts.update(counts)


def measured(port: int) -> Counter[str]:
    """Reports by verdict and by reason, as ingest's metrics tell."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return Counter(
        {
            sample.labels.get("verdict") or sample.labels["reason"]: int(sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name in ("roadwatch_ingest_reports_total", "roadwatch_ingest_reasons_total")
        }
    )


async def read_rejected(settings: Settings, found: Outcome) -> int:
    """All of gps.rejected, as an independent reader sees it; gives the number of records."""
    consumer = AIOKafkaConsumer(
        settings.topic_prefix + REJECTED, bootstrap_servers=settings.kafka_bootstrap, auto_offset_reset="earliest",
        max_partition_fetch_bytes=4 * 2**20,
    )  # fmt: skip
    expected, count, quiet, end_s = len(found.sent) - found.rows, 0, 0, monotonic_s() + 30
    await consumer.start()
    try:
        while monotonic_s() < end_s and (count < expected or quiet < 2):
            fetched = await consumer.getmany(timeout_ms=500)
            quiet = 0 if fetched else quiet + 1
            for record in (record for records in fetched.values() for record in records):
                count += 1
                ours = dict(record.headers[:6])
                found.rejected[int(ours["source-partition"]), int(ours["source-offset"])] = record
        return count
    finally:
        await consumer.stop()


def verdict(code: str | None) -> Verdict:
    """What a code stands for."""
    return BY_CODE[code].verdict if code else Verdict.ACCEPT


def test_each_bad_report_ends_in_its_code_and_its_neighbours_are_unharmed(
    outcome: Outcome, settings: Settings
) -> None:
    """Kept ones are in history with their flag; the others in gps.rejected with their bytes and where they came from; nothing else is."""
    assert len({sent.offset for sent in outcome.sent if sent.partition == 1}) > len(outcome.sent) // 5
    wrong = [told for sent in outcome.sent if (told := misjudged(sent, outcome, settings)) is not None]
    assert wrong == []
    assert outcome.rows + outcome.rejects == len(outcome.sent)
    assert outcome.rows == len(outcome.flags)
    assert outcome.rejects == len(outcome.rejected)
    expected = counted([sent.code for sent in outcome.sent])
    assert +outcome.counts == expected
    assert +outcome.metrics == expected
    verdicts = {name.value: expected[name.value] for name in Verdict}
    assert outcome.status["reports"] == {"received": len(outcome.sent), **verdicts}
    assert outcome.status["history"] == {"fixes": outcome.rows}


def misjudged(sent: Sent, outcome: Outcome, settings: Settings) -> str | None:
    """What is wrong with what became of a record, None when nothing is."""
    place = (sent.partition, sent.offset)
    if verdict(sent.code) in (Verdict.ACCEPT, Verdict.FLAG):
        flags = outcome.flags.get(place)
        return None if flags == ({sent.code} if sent.code else set()) else f"{sent.name}: {flags}"
    record = outcome.rejected.get(place)
    if record is None:
        return f"{sent.name}: not rejected"
    assert sent.code is not None
    headers = (
        ("reason", sent.code.encode()),
        ("verdict", verdict(sent.code).value.encode()),
        ("source-topic", f"{settings.topic_prefix}{RAW}".encode()),
        ("source-partition", str(sent.partition).encode()),
        ("source-offset", str(sent.offset).encode()),
        ("parser-version", b"1"),
        *sent.headers,
    )
    if tuple(record.headers) != headers:
        return f"{sent.name}: {record.headers[:8]!r:.300}"
    same = (record.key, record.value) == (sent.key, sent.value or b"")
    return None if same else f"{sent.name}: {record.key} {record.value!r:.100}"


def counted(codes: Sequence[str | None]) -> Counter[str]:
    """Counts by verdict and by reason."""
    return Counter(verdict(code).value for code in codes) + Counter(code for code in codes if code)


def in_files() -> list[Case]:
    """The cases that can stand on a line of a file, with the code they get there: a file has no present, so nothing is in its future."""
    return [
        (name, value, None if code == "FUTURE" else code)
        for name, value, code in CASES
        if value is not None and value.strip() and b"\n" not in value.rstrip(b"\r\n")
    ]


def test_judge_tells_the_same_codes_of_a_file(
    vehicles: Path, run_roadwatch: RunRoadwatch, tmp_path: Path
) -> None:
    """The whole corpus as one file, then each code's cases as a file of their own: the summary's figures are the corpus'."""
    cases = in_files()
    assert len(cases) > len(CASES) - 10
    config = read_config({"vehicles": (str(vehicles), vehicles.read_bytes())}, check_rules=lambda _: [])
    file = tmp_path / "cases.jsonl"
    for code in {code for _, _, code in cases}:
        own = [value for _, value, told in cases if told == code and value is not None]
        file.write_bytes(b"\n".join([said(), *own]) + b"\n")
        _, summary = judged(file, config, CHINA, renames={}, tz=None, arrival=False)
        assert +(summary.verdicts + summary.reasons) == counted([None, *[code] * len(own)]), code
    file.write_bytes(b"\n".join([said(), *(value for _, value, _ in cases if value)]) + b"\n")
    done = run_roadwatch("judge", file, "--vehicles", vehicles)
    assert done.returncode == 0, done.stderr
    told = [line.rsplit(" ", 1) for line in done.stderr.splitlines()]
    figures = {name.strip(): int(count) for name, count in told if count.isdigit()}
    expected = counted([None, *(code for _, _, code in cases)])
    assert {name: figures.get(name) for name in expected} == dict(expected)
    assert figures["received"] == len(cases) + 1
