"""Reports that were kept out, read back from a real log: every one once and the newest first, whatever its bytes, with each bound told."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.api.identity import Role
from services.api.system import rejected
from services.api.system.rejected import MOST_BYTES, shown, text_of
from services.contracts.topics import REJECT_HEADERS, REJECTED
from services.runtime.kafka import Found, Message, Producer, backwards
from services.runtime.kafka.backwards import Part, hand_out
from services.runtime.servers import LocalServers
from services.runtime.settings import Settings
from services.store.connect import connection
from tests.api.accounts import account, signed_in
from tests.api.support import TOKEN, Api, start

WHY = {"X-Purpose": "test"}


@dataclass(frozen=True)
class Log:
    """An api and the log it reads."""

    api: Api
    settings: Settings
    conn: asyncpg.Connection

    async def keep_out(self, *messages: Message) -> None:
        """Put records into the topic, as ingest does."""
        async with Producer(self.settings, "test") as producer:
            await producer.send_batch(list(messages))


@pytest.fixture
async def log(settings: Settings, topics: list[str], fresh_database_url: str) -> AsyncIterator[Log]:
    assert topics
    api = await start(settings.model_copy(update={"token": TOKEN}))
    conn = await connection(fresh_database_url)
    yield Log(api, settings, conn)
    await conn.close()
    await api.stop()


def kept_out(
    number: int, reason: str = "SYNTAX", *, partition: int = 0, value: bytes = b"{", key: bytes = b"139"
) -> Message:
    told = (reason, "rejected", "gps.raw", str(partition), str(number), "1")
    headers = tuple((name, text.encode()) for name, text in zip(REJECT_HEADERS, told, strict=True))
    return Message(REJECTED, value, key, partition, headers)


async def test_every_report_is_read_once_and_the_newest_first(log: Log) -> None:
    for first in range(0, 60, 10):
        await log.keep_out(*(kept_out(number, partition=number % 3) for number in range(first, first + 10)))
    seen, times, before = [], [], None
    while True:
        body = (await log.api.get("/v1/rejected", limit=7, **({"before": before} if before else {}))).json()
        seen += [item["source"]["offset"] for item in body["items"]]
        times += [item["time"] for item in body["items"]]
        assert body["stopped"] is None
        if (before := body["next"]) is None:
            break
        await log.keep_out(
            kept_out(1000, partition=1)
        )  # what comes meanwhile belongs to no page that follows
    assert sorted(seen) == list(range(60))
    assert times == sorted(times, reverse=True)
    newest = (await log.api.get("/v1/rejected", limit=1)).json()["items"]
    assert [item["source"]["offset"] for item in newest] == [1000]


async def test_a_report_is_told_with_its_bytes_whatever_they_are(log: Log) -> None:
    long = '{"terminal": "银川"}'.encode() * 2000
    await log.keep_out(kept_out(17, "MISSING", value=long))
    await log.keep_out(kept_out(18, "ENCODING", value=b"\x7e\x02\x00\xff", key=b"\xfe1"))
    tombstone: Any = None  # which no ingest wrote
    await log.keep_out(Message(REJECTED, tombstone, b"k", 0))
    await log.keep_out(Message(REJECTED, b"?", b"1", 0, (("reason", b"\xff"), ("source-offset", b"-1"))))
    odd, dead, bytes_, text = (await log.api.get("/v1/rejected")).json()["items"]
    assert text["reason"] == {"code": "MISSING", "verdict": "rejected", "zh": "缺少必填字段", "en": "a required field is missing"}  # fmt: skip
    assert text["source"] == {"topic": "gps.raw", "partition": 0, "offset": 17}
    assert (text["id"], text["key"], text["bytes"]) == ("0-0", "139", len(long))
    assert base64.b64decode(text["base64"]) == long[:MOST_BYTES]
    assert text["text"] == long[: MOST_BYTES + 1].decode()[:-1], "the character that is cut is left out"
    assert (bytes_["text"], bytes_["key"], bytes_["base64"]) == (None, "\\xfe1", "fgIA/w==")
    assert {name: dead[name] for name in ("reason", "source", "key", "bytes", "base64", "text")} == {
        "reason": None, "source": None, "key": "k", "bytes": 0, "base64": "", "text": "",
    }  # fmt: skip
    assert odd["reason"] == {"code": "\\xff", "verdict": "", "zh": "\\xff", "en": "\\xff"}
    assert odd["source"] is None


async def test_what_is_looked_for(log: Log) -> None:
    await log.keep_out(*(kept_out(number, partition=number % 4) for number in range(40)))
    await log.keep_out(kept_out(100, "EMPTY", value=b""), kept_out(101, "UNKNOWN_VEHICLE", key=b"777"))
    await log.keep_out(*(kept_out(number, partition=number % 4) for number in range(200, 240)))

    async def found(**asked: str | int | list[str]) -> list[int]:
        return [
            item["source"]["offset"] for item in (await log.api.get("/v1/rejected", **asked)).json()["items"]
        ]

    assert await found(reason="EMPTY") == [100]
    assert await found(reason=["EMPTY", "UNKNOWN_VEHICLE"]) == [101, 100]
    assert await found(key="777") == [101]
    assert await found(key="777", reason="EMPTY") == []
    everything = (await log.api.get("/v1/rejected", limit=200)).json()["items"]
    times = {item["source"]["offset"]: datetime.fromisoformat(item["time"]) for item in everything}
    assert len(times) == 82
    for moment in (times[101], times[100] + timedelta(milliseconds=1)):
        text = moment.isoformat()
        assert set(await found(from_=text, limit=200)) == {each for each in times if times[each] >= moment}
        assert set(await found(to=text, limit=200)) == {each for each in times if times[each] < moment}
    assert await found(from_="2096-01-01T00:00:00Z") == []
    assert await found(to="1970-01-01T00:00:00Z") == []


async def test_a_search_that_is_cut_says_so_and_goes_on(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backwards, "MOST_READ", 100)
    await log.keep_out(kept_out(1, "EMPTY"))
    await log.keep_out(*(kept_out(number) for number in range(2, 600)))
    body = (await log.api.get("/v1/rejected", reason="EMPTY")).json()
    assert (body["items"], body["stopped"]) == ([], "records")
    looks, scanned = 1, body["scanned"]
    while not body["items"]:
        body = (await log.api.get("/v1/rejected", reason="EMPTY", before=body["next"])).json()
        looks, scanned = looks + 1, scanned + body["scanned"]
    assert (body["items"][0]["source"]["offset"], body["next"], body["stopped"]) == (1, None, None)
    assert scanned == 599
    assert looks > 3


async def test_a_search_that_takes_too_long_says_so_and_goes_on(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.keep_out(*(kept_out(number) for number in range(300)))
    fetch, asked = backwards.Reader.fetch, 0

    async def slow(self: Any, *arguments: Any) -> int:
        nonlocal asked
        asked += 1
        if asked == 2:
            await asyncio.sleep(60)
        return await fetch(self, *arguments)

    monkeypatch.setattr(backwards.Reader, "fetch", slow)
    monkeypatch.setattr(rejected, "DEADLINE_S", 1.0)
    body = (await log.api.get("/v1/rejected", reason="EMPTY")).json()
    assert (body["items"], body["scanned"], body["stopped"]) == ([], 250, "time")
    body = (await log.api.get("/v1/rejected", reason="EMPTY", before=body["next"])).json()
    assert (body["scanned"], body["next"], body["stopped"]) == (50, None, None)


async def test_wrong_questions_are_refused(log: Log) -> None:
    await log.keep_out(*(kept_out(number) for number in range(3)))
    cursor = (await log.api.get("/v1/rejected", limit=1)).json()["next"]
    for asked, problem in (
        ({"reason": "NOT_FIXED"}, "invalid-parameter"),  # a flag: such reports are not kept out
        ({"limit": 0}, "invalid-parameter"),
        ({"cursor": cursor}, "unknown-parameter"),
        ({"before": cursor[:-1] + "AB"}, "invalid-cursor"),
        ({"before": cursor, "reason": "EMPTY"}, "cursor-mismatch"),
        ({"from_": "2026-11-23T00:00:00Z", "to": "2026-11-23T00:00:00Z"}, "invalid-parameter"),
    ):
        answer = await log.api.get("/v1/rejected", **asked)
        assert answer.json()["type"].endswith(problem), asked


async def test_only_whoever_runs_all_of_it_looks_and_each_look_is_written_down(log: Log) -> None:
    await log.keep_out(kept_out(5))
    await account(log.conn, "all", Role.SYSTEM_ADMIN)
    await account(log.conn, "part", Role.SYSTEM_ADMIN, divisions=["6401"])
    await account(log.conn, "other", Role.SUPERVISOR)
    refused = {"part": "scope-too-narrow", "other": "forbidden"}
    for login, problem in refused.items():
        answer = await (await signed_in(log.api, login)).get("/v1/rejected", headers=WHY)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (403, problem)
    client = await signed_in(log.api, "all")
    assert (await client.get("/v1/rejected")).json()["type"].endswith("purpose-required")
    assert (await client.get("/v1/rejected?reason=SYNTAX", headers=WHY)).status_code == 200
    rows = await log.conn.fetch("SELECT actor, purpose, detail FROM audit WHERE action = 'rejected.read'")
    assert [(row["actor"], row["purpose"], json.loads(row["detail"])) for row in rows] == [
        ("acc_all", "test", {"reason": ["SYNTAX"], "items": ["0-0"]})
    ]


async def test_without_kafka_it_says_so_and_goes_on_when_it_is_back(log: Log, servers: LocalServers) -> None:
    await log.keep_out(kept_out(5))
    assert (await log.api.get("/v1/rejected")).status_code == 200
    try:
        servers.kafka.stop()
        away = await log.api.get("/v1/rejected")
        assert (away.status_code, away.json()["type"]) == (503, "urn:roadwatch:problem:kafka-away")
        assert int(away.headers["retry-after"]) > 0
        assert (await log.api.get("/v1/alerts")).status_code == 200
    finally:
        servers.start()
    assert len((await log.api.get("/v1/rejected")).json()["items"]) == 1


def waiting(partition: int, *times_ms: int) -> list[tuple[int, int, Found | None]]:
    return [
        (at, offset, Found(partition, offset, at, None, b"", 0, ())) for offset, at in enumerate(times_ms)
    ]


def test_a_dry_partition_holds_the_others_up() -> None:
    parts = [Part(0, 0, waiting(0, 1, 5, 9)), Part(0, 100, waiting(1, 6, 7))]
    found, passed = hand_out(parts, 10)
    assert [record.time_ms for record in found] == [9, 7, 6], "of partition 1 a 5.5 may come yet"
    assert (passed, [part.place for part in parts]) == (3, [2, 100])
    parts[1].low = 0
    assert [record.time_ms for record in hand_out(parts, 10)[0]] == [5, 1]


def test_text_is_what_can_be_printed() -> None:
    assert text_of(b'{"a":\t1}\r\n', whole=True) == '{"a":\t1}\r\n'
    assert text_of("银".encode()[:2], whole=True) is None
    assert text_of("银川".encode()[:5], whole=False) == "银"
    assert text_of(b"a\x00b", whole=True) is None
    assert text_of("a\u202eb".encode(), whole=True) is None, "which would turn what follows about"


def test_a_sender_s_headers_do_not_stand_for_ours() -> None:
    headers = (("reason", b"SIZE"), ("content-type", b"text/csv"), ("reason", b"EMPTY"))
    told = shown(Found(0, 7, 0, b"139", b"", 0, headers))
    assert (told["reason"]["code"], told["content_type"]) == ("SIZE", "text/csv")
