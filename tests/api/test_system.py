"""How the system is: lag against a real log, rates and reasons as differences of what the services wrote, honest about what is not known."""

from collections import Counter

import asyncpg
import pytest

from services.api.identity import Role
from services.api.system.routes import reports
from services.api.system.watch import Sample, Watch, rate
from services.runtime.kafka import Message, Producer
from services.runtime.settings import Settings
from services.store.connect import connection
from tests.api.accounts import account, signed_in
from tests.api.support import BEGAN_MS, TOKEN, Api, fixes, register, start, until

PROGRESS = """
INSERT INTO progress (consumer, partition, epoch, owner, next_offset, counts) VALUES ($1, $2, 1, 'host:1', $3, $4)
ON CONFLICT (consumer, partition) DO UPDATE SET next_offset = $3, counts = $4
"""


def looked(at_s: float, position: int, **counts: int) -> Sample:
    return Sample(at_s, int(at_s * 1000), {("ingest", 0): position}, {"ingest": Counter(counts)}, {})


async def test_lag_is_the_distance_to_the_end_of_the_log(
    settings: Settings, topics: list[str], fresh_database_url: str
) -> None:
    conn = await connection(fresh_database_url)
    for number in range(settings.partitions):
        await conn.execute(PROGRESS, "ingest", number, 0, {"accepted": 5, "rejected": 2, "SYNTAX": 2})
    async with Producer(settings, "test") as producer:
        await producer.send_batch([Message("raw", b"{}", partition=0) for _ in range(3)])
    api = await start(settings.model_copy(update={"token": TOKEN}))
    try:
        await until(lambda: api.state.watch.ends is not None and api.state.watch.samples)
        body = (await api.get("/v1/system")).json()
    finally:
        await api.stop()
        await conn.close()
    assert body["kafka"] == "ok"
    ingest, recorder, _ = body["services"]
    assert (ingest["topic"], ingest["lag"], ingest["rate"]) == (settings.topic_prefix + "raw", 3, None)
    assert (ingest["partitions"][0]["lag"], ingest["partitions"][0]["end"]) == (3, 3)
    assert (recorder["lag"], recorder["partitions"]) == (None, [])
    assert body["reports"] == {"minute": None, "hour": None}  # one look proves no difference
    assert body["database_bytes"] > 1_000_000


def test_reports_are_counted_over_what_was_watched(api_settings: Settings) -> None:
    watch = Watch(api_settings, None)  # type: ignore[arg-type]
    watch.take(looked(0.0, 40, accepted=40))
    assert reports(watch, 60.0) is None
    watch.take(looked(30.0, 100, accepted=90, quarantined=8, ZERO_FIX=8, rejected=2, SYNTAX=2))
    report = reports(watch, 60.0)
    assert report is not None
    assert (report["over_s"], report["accepted"], report["quarantined"], report["rejected"]) == (
        30.0,
        50,
        8,
        2,
    )
    assert [(reason["code"], reason["count"], reason["zh"]) for reason in report["reasons"]] == [
        ("SYNTAX", 2, "不是有效的 JSON"), ("ZERO_FIX", 8, "坐标为 0/0"),
    ]  # fmt: skip


def test_a_rate_is_a_difference_or_nothing() -> None:
    assert rate(100, 400, 30.0) == 10.0
    assert rate(100, 400, 0.0) is None
    assert rate(400, 100, 30.0) is None  # a log begun anew


def test_an_hour_is_kept_and_no_more(api_settings: Settings) -> None:
    watch = Watch(api_settings, None)  # type: ignore[arg-type]
    assert watch.since(60) is None
    for at_s in range(0, 7200, 5):
        watch.take(looked(float(at_s), at_s))
    assert len(watch.samples) <= 723
    minute, hour = watch.since(60), watch.since(3600)
    assert minute is not None
    assert hour is not None
    assert (watch.samples[-1].at_s - minute.at_s, watch.samples[-1].at_s - hour.at_s) == (60, 3600)


async def test_operators_are_told_by_their_last_report(api: Api, writer: asyncpg.Connection) -> None:
    late = await register(writer, "宁A00001", operator="甲公司")
    soon = await register(writer, "宁A00002", operator="乙公司")
    api.state.livemap.update(fixes(late, [BEGAN_MS]))
    api.state.livemap.update(fixes(soon, [BEGAN_MS + 60_000]))
    await until(lambda: {late, soon} <= set(api.state.livemap.names))
    told = (await api.get("/v1/system")).json()["operators"]
    assert [(one["operator"], one["vehicles"]) for one in told] == [("甲公司", 1), ("乙公司", 1)]


@pytest.mark.parametrize("login", ["dispatcher", "system_admin"])
async def test_only_who_runs_the_system_sees_it(api: Api, writer: asyncpg.Connection, login: str) -> None:
    await account(writer, login, Role(login))
    answer = await (await signed_in(api, login)).get("/v1/system")
    assert answer.status_code == (200 if login == "system_admin" else 403)
