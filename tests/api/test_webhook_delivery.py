"""Delivering: order within an alert across retries, isolation, bodies, replays, states, scope, two processes; against real listeners and PostgreSQL."""

import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from random import Random

import asyncpg
import pytest

from services.api.identity import Role
from services.api.webhooks import payload, signing
from services.api.webhooks.addresses import Policy
from services.api.webhooks.deciding import SCHEDULE_S
from services.api.webhooks.recovering import recover
from services.contracts.alert import SEVERITIES
from services.store import webhook_queue, webhooks
from services.store.alerts import NewEvent
from services.store.scope import EVERYTHING
from tests.api.accounts import account
from tests.api.receivers import (
    Delivering,
    Received,
    Receiver,
    allow_loopback,
    delivering,
    endpoint,
    listening,
)
from tests.api.support import BEGAN_MS, event, put


@pytest.fixture
async def receiver(writer: asyncpg.Connection) -> AsyncIterator[Receiver]:
    await allow_loopback(writer)
    async with listening() as made:
        yield made


@pytest.fixture
async def run(database_url: str, writer: asyncpg.Connection) -> AsyncIterator[Delivering]:
    async with delivering(database_url) as made:
        yield made


async def states(conn: asyncpg.Connection, name: str = "whe_1") -> dict[str, int]:
    rows = await conn.fetch(
        "SELECT state, count(*) AS n FROM webhook_message WHERE endpoint = $1 GROUP BY state", name
    )
    return {row["state"]: row["n"] for row in rows}


async def state(conn: asyncpg.Connection, name: str = "whe_1") -> tuple[str, str | None]:
    row = await conn.fetchrow("SELECT state, reason FROM webhook_endpoint WHERE id = $1", name)
    assert row is not None
    return row["state"], row["reason"]


def steps(alert: str, count: int) -> list[NewEvent]:
    kinds = {1: "alert.opened", count: "alert.closed"}
    return [
        event(alert, n, event_type=kinds.get(n, "alert.updated"), state="closed" if n == count else "open")
        for n in range(1, count + 1)
    ]


def inversions(received: list[Received]) -> list[tuple[str, int, int]]:
    """Where a later event of an alert came before an earlier one had come at all."""
    had: dict[str, int] = defaultdict(int)
    found = []
    for one in received:
        alert, sequence = one.data["alert"], one.data["sequence"]
        if sequence > had[alert] + 1:
            found.append((alert, had[alert], sequence))
        had[alert] = max(had[alert], sequence)
    return found


async def test_an_event_arrives_signed_thin_and_once(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    key = await endpoint(writer, receiver.url("/in?x=1"))
    await put(writer, [event("alr_1", why={"driver": "640100-0001"})])
    await run.until(lambda: receiver.received)
    await run.quiet()
    (one,) = receiver.received
    assert one.path == "/in?x=1"
    assert one.headers["content-type"] == "application/json"
    assert signing.verify(key, one.headers, one.body, run.now_ms() // 1000)
    assert not signing.verify(key, one.headers, one.body + b" ", run.now_ms() // 1000)
    body = json.loads(one.body)
    assert set(body) == {"type", "timestamp", "data"}
    assert (body["type"], body["data"]["seq"], body["data"]["sequence"]) == ("alert.opened", 1, 1)
    assert not {"driver", "terminal", "why", "sentence"} & set(body["data"])
    assert b"640100-0001" not in one.body
    assert len(one.body) < payload.LARGEST_BYTES
    row = await writer.fetchrow("SELECT * FROM webhook_attempt")
    assert await states(writer) == {"delivered": 1}
    assert row is not None
    assert (row["message"], row["number"], row["status"], row["response"]) == (one.id, 1, 200, "ok")


async def test_what_happened_before_an_endpoint_was_made_is_not_sent(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await put(writer, [event("alr_1")])
    await endpoint(writer, receiver.url())
    await put(writer, [event("alr_2")])
    await run.until(lambda: receiver.received)
    await run.quiet()
    assert [one.data["alert"] for one in receiver.received] == ["alr_2"]


async def test_a_retry_has_the_same_id_and_bytes_and_a_new_signature(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    key = await endpoint(writer, receiver.url())
    receiver.reply = lambda _: 500
    await put(writer, [event("alr_1")])
    for number in range(1, 11):
        await run.until(lambda number=number: len(receiver.received) == number)  # type: ignore[misc]
        await run.quiet()
        assert len(receiver.received) == number
        run.pass_(1.2 * SCHEDULE_S[min(number, 9)] + 1)
        assert signing.verify(
            key, receiver.received[-1].headers, receiver.received[-1].body, int(receiver.received[-1].headers["webhook-timestamp"])
        )  # fmt: skip
    assert len({(one.id, one.body) for one in receiver.received}) == 1
    assert len({one.headers["webhook-timestamp"] for one in receiver.received}) == 10
    run.pass_(86_400)
    await run.turn(20)
    assert len(receiver.received) == 10, "exhausted after the tenth"
    assert (await states(writer))["exhausted"] == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_event_overtakes_an_earlier_one_of_its_alert(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection, seed: int
) -> None:
    """Whatever the receiver does: answers of all kinds, cut connections, delays; alerts interleaved at random."""
    random = Random(seed)
    await endpoint(writer, receiver.url())
    taken: list[Received] = []

    def moody(one: Received) -> int | str:
        what = random.choice([*[204] * 6, 500, 404, 503, "cut"])
        if what == 204:
            taken.append(one)
        return what  # type: ignore[return-value]

    receiver.reply = moody
    queues = [steps(f"alr_{n}", random.randint(1, 5)) for n in range(20)]
    expected = sum(len(queue) for queue in queues)
    while any(queues):
        queue = random.choice([queue for queue in queues if queue])
        await put(writer, [queue.pop(0)])
        if random.random() < 0.2:
            await run.turn()
    for _ in range(400):
        await run.quiet()
        if len({one.id for one in taken}) == expected:
            break
        run.pass_(3600)
    assert len({one.id for one in taken}) == expected
    assert inversions(taken) == []
    assert inversions(receiver.received) == [], "not even an attempt overtakes"
    assert len({(one.id, one.body) for one in receiver.received}) == expected
    assert await states(writer) == {"delivered": expected}


async def test_an_alert_that_fails_holds_up_no_other(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    receiver.reply = lambda one: 500 if one.data["alert"] == "alr_bad" else 204
    await put(writer, [*steps("alr_bad", 3), *(item for n in range(10) for item in steps(f"alr_{n}", 3))])
    await run.until(lambda: len(receiver.received) == 31)
    await run.quiet()
    bad = [one.data["sequence"] for one in receiver.received if one.data["alert"] == "alr_bad"]
    assert bad == [1]
    assert await states(writer) == {"delivered": 30, "waiting": 1, "held": 2}
    receiver.reply = lambda _: 204
    run.pass_(10)
    await run.until(lambda: len(receiver.received) == 34)
    assert inversions(receiver.received) == []


async def test_an_exhausted_event_lets_the_next_go(
    database_url: str, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    receiver.reply = lambda one: 500 if one.data["sequence"] == 1 else 204
    await put(writer, steps("alr_1", 2))
    async with delivering(database_url, schedule=(0, 5)) as run:
        await run.until(lambda: receiver.received)
        await run.quiet()
        run.pass_(10)
        await run.until(lambda: len(receiver.received) == 3)
        await run.quiet()
    assert [one.data["sequence"] for one in receiver.received] == [1, 1, 2]
    assert await states(writer) == {"exhausted": 1, "delivered": 1}


async def test_at_most_four_are_on_their_way(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url("/slow"))
    receiver.delay_s = 0.05
    await put(writer, [event(f"alr_{n}") for n in range(40)])
    await run.until(lambda: len(receiver.received) == 40)
    assert receiver.most_open["/slow"] == 4


async def test_a_hanging_endpoint_and_one_that_drips_time_out_and_harm_nobody(
    database_url: str, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    doing = {"/hang": "hang", "/drip": "drip"}
    receiver.reply = lambda one: doing.get(one.path, 204)
    for place, path in enumerate(("/hang", "/drip", "/good")):
        await endpoint(writer, receiver.url(path), f"whe_{place}")
    await endpoint(writer, "http://127.0.0.1:9/", "whe_refused")
    async with delivering(database_url, timeout_s=8) as run:
        await put(writer, [event(f"alr_{n}") for n in range(100)])
        await run.until(lambda: len(receiver.of("/good")) == 100)
        assert len(receiver.of("/hang")) == len(receiver.of("/drip")) == 4, "before any of theirs timed out"
        await run.until(lambda: run.deliverer.held["whe_0"].health.failures >= 4)
        await run.until(lambda: run.deliverer.held["whe_1"].health.failures >= 4)
    errors = await writer.fetch(
        "SELECT m.endpoint, t.error FROM webhook_attempt t JOIN webhook_message m ON m.id = t.message WHERE t.status IS NULL"
    )
    kinds = {row["endpoint"]: row["error"].split(":")[0] for row in errors}
    assert kinds == {"whe_0": "timeout", "whe_1": "timeout", "whe_refused": "connection"}


async def test_a_dead_endpoint_is_probed_by_one_and_drained_when_it_answers(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    receiver.reply = lambda _: 503
    await put(writer, [event(f"alr_{n}") for n in range(300)])
    await run.until(lambda: run.deliverer.held and run.deliverer.held["whe_1"].health.failures >= 5)
    await run.quiet()
    before = len(receiver.received)
    assert before <= 8, "four at once, and the breaker opens at the fifth"
    for probes in range(1, 6):
        run.pass_(301)
        await run.until(lambda probes=probes: len(receiver.received) == before + probes)  # type: ignore[misc]
        await run.quiet()
        assert len(receiver.received) == before + probes, "one probe for each pause"
    receiver.reply = lambda _: 204
    run.pass_(301)
    await run.until(lambda: len(receiver.received) >= before + 5 + 300)
    await run.quiet()
    assert await states(writer) == {"delivered": 300}


@pytest.mark.timeout(300)  # nine hundred deliveries, each looked at again in the database
async def test_six_hours_away_and_back(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    """An outage with the clock moved: everything arrives in order, and the endpoint beside it is served all the while."""
    await endpoint(writer, receiver.url("/away"))
    await endpoint(writer, receiver.url("/well"), "whe_2")
    receiver.reply = lambda one: "cut" if one.path == "/away" else 204
    sent = 0
    for hour in range(6):
        batch = [step for n in range(50) for step in steps(f"alr_{hour}_{n}", 3)]
        await put(writer, batch)
        sent += len(batch)
        await run.until(lambda sent=sent: len(receiver.of("/well")) == sent)  # type: ignore[misc]
        for _ in range(12):
            run.pass_(300)
            await run.turn(3)
    tried = len(receiver.of("/away"))
    assert tried < 100, "no hammering"
    receiver.reply = lambda _: 204
    begun = len(receiver.received)
    run.pass_(300)
    await put(writer, steps("alr_after", 3))
    await run.until(
        lambda: len(receiver.of("/well")) == sent + 3 and len(receiver.of("/away")) >= tried + sent + 3, 150
    )
    await run.quiet()
    away = [one for one in receiver.received[begun:] if one.path == "/away"]
    assert len({one.id for one in away}) == len(away) == sent + 3
    assert inversions(away) == []
    assert (await state(writer))[0] == "active"


async def test_retry_after_lets_an_endpoint_rest(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    receiver.reply = lambda _: (429, {"Retry-After": "120"})
    await put(writer, [event("alr_1")])
    await run.until(lambda: receiver.received)
    await run.quiet()
    receiver.reply = lambda _: 204
    await put(writer, [event("alr_2")])
    run.pass_(100)
    await run.turn(10)
    assert len(receiver.received) == 1
    run.pass_(25)
    await run.until(lambda: len(receiver.received) == 3)


async def test_410_disables_with_a_record_and_loses_nothing(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    receiver.reply = lambda _: 410
    await put(writer, [event("alr_1")])
    await run.until(lambda: receiver.received)
    await run.quiet()
    assert await state(writer) == ("disabled", "gone")
    await put(writer, [event("alr_2")])
    run.pass_(86_400)
    await run.turn(10)
    assert len(receiver.received) == 1
    row = await writer.fetchrow("SELECT body, state FROM webhook_message WHERE type = 'endpoint.disabled'")
    assert row is not None
    assert (json.loads(row["body"])["data"]["reason"], row["state"]) == ("gone", "recorded")
    receiver.reply = lambda _: 204
    await ping(writer, run)
    await writer.execute("UPDATE webhook_endpoint SET state = 'pending'")
    await run.until(lambda: {one.data.get("alert") for one in receiver.received} >= {"alr_1", "alr_2"})
    await run.quiet()
    assert await state(writer) == ("active", None)
    assert len(receiver.received) == 4


async def ping(conn: asyncpg.Connection, run: Delivering, name: str = "whe_1", number: int = 1) -> str:
    message = payload.message_id(name, f"png_{number}")
    body = payload.body(payload.PING, run.now_ms(), {"id": f"png_{number}", "endpoint": name})
    await webhooks.add_eventless(conn, message, name, f"png_{number}", payload.PING, body, run.now_ms())
    return message


async def test_five_days_of_nothing_but_failures_disable(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    receiver.reply = lambda _: 500
    for day in range(6):
        await put(writer, [event(f"alr_{day}")])
        for _ in range(4):
            await run.turn(3)
            await run.quiet()
            run.pass_(6 * 3600)
        assert (await state(writer))[0] == ("active" if day < 5 else "disabled"), day
    assert await state(writer) == ("disabled", "failing")


async def test_one_success_within_five_days_keeps_it(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    for day in range(8):
        receiver.reply = lambda _, day=day: 204 if day == 4 else 500  # type: ignore[misc]
        await put(writer, [event(f"alr_{day}")])
        for _ in range(4):
            await run.turn(3)
            await run.quiet()
            run.pass_(6 * 3600)
    assert (await state(writer))[0] == "active"


async def test_a_pending_endpoint_is_sent_its_ping_alone_and_2xx_makes_it_active(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    key = await endpoint(writer, receiver.url(), state="pending")
    await put(writer, [event("alr_1")])
    receiver.reply = lambda _: 403
    await ping(writer, run)
    await run.until(lambda: receiver.received)
    await run.quiet()
    run.pass_(3600)
    await run.turn(10)
    assert len(receiver.received) == 1, "tried once"
    assert (await state(writer))[0] == "pending"
    receiver.reply = lambda _: 200
    await ping(writer, run, number=2)
    await run.until(lambda: len(receiver.received) == 3)
    await run.quiet()
    assert [json.loads(one.body)["type"] for one in receiver.received] == [
        "endpoint.ping",
        "endpoint.ping",
        "alert.opened",
    ]
    one = receiver.received[1]
    assert signing.verify(key, one.headers, one.body, int(one.headers["webhook-timestamp"]))
    assert await state(writer) == ("active", None)


async def test_a_redirect_is_a_failure_and_is_not_followed(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url("/from"))
    receiver.reply = lambda _: (302, {"Location": receiver.url("/to")})
    await put(writer, [event("alr_1")])
    await run.until(lambda: receiver.received)
    await run.quiet()
    assert receiver.of("/to") == []
    assert await states(writer) == {"waiting": 1}


async def test_filters_and_types_choose(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    wanted = {"classes": ["hazmat"], "severities": ["critical"], "divisions": ["6401"], "rules": ["speeding"]}
    await endpoint(writer, receiver.url(), types=["alert.opened"], filters=wanted)
    rows = [
        event(f"alr_{n}", vehicle_class=c, severity=s, division=d, rule=r)
        for n, (c, s, d, r) in enumerate(
            (c, s, d, r)
            for c in ("hazmat", "coach")
            for s in SEVERITIES
            for d in ("640104", "650100")
            for r in ("speeding", "fatigue")
        )
    ]
    await put(writer, rows)
    await put(
        writer, [event("alr_0", 2, event_type="alert.updated", vehicle_class="hazmat", severity="critical")]
    )
    await run.until(lambda: receiver.received)
    await run.quiet()
    told = [(one.data["vehicle"]["class"], one.data["severity"], one.data["vehicle"]["division"], one.data["rule"]) for one in receiver.received]  # fmt: skip
    assert told == [("hazmat", "critical", "640104", "speeding")]


async def test_only_what_the_account_may_see_is_sent(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    owner = await account(writer, "p1", Role.PARTNER, divisions=["6401"], classes=["coach"])
    await endpoint(writer, receiver.url(), account=owner)
    await put(
        writer,
        [
            event("alr_in"),
            event("alr_division", division="650100"),
            event("alr_class", vehicle_class="hazmat"),
        ],
    )
    await run.until(lambda: receiver.received)
    await run.quiet()
    assert [one.data["alert"] for one in receiver.received] == ["alr_in"]
    assert await states(writer) == {"delivered": 1}


async def test_a_scope_that_narrows_withholds_what_still_waits(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    owner = await account(writer, "p1", Role.PARTNER)
    await endpoint(writer, receiver.url(), account=owner)
    receiver.reply = lambda _: 500
    await put(writer, [event("alr_in"), *steps("alr_out", 2)[:1], event("alr_out", 2, division="650100")])
    await writer.execute("UPDATE alert SET division = '650100' WHERE id = 'alr_out'")
    await run.until(lambda: len(receiver.received) == 2)
    await run.quiet()
    await writer.execute("UPDATE account SET divisions = '{6401}', epoch = epoch + 1")
    receiver.reply = lambda _: 204
    run.pass_(10)
    await run.until(lambda: len(receiver.received) == 3)
    await run.quiet()
    assert receiver.received[-1].data["alert"] == "alr_in"
    assert await states(writer) == {"delivered": 1, "withheld": 2}


@pytest.mark.parametrize(
    "loss", ["UPDATE account SET active = false", "UPDATE account SET role = 'dispatcher'"]
)
async def test_an_account_that_is_closed_is_sent_nothing_more(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection, loss: str
) -> None:
    owner = await account(writer, "p1", Role.PARTNER)
    await endpoint(writer, receiver.url(), account=owner)
    await put(writer, [event("alr_1")])
    await run.until(lambda: receiver.received)
    await run.quiet()
    await writer.execute(loss)
    run.pass_(1)
    await put(writer, [event("alr_2")])
    await run.turn(10)
    assert len(receiver.received) == 1
    assert run.deliverer.held == {}


async def test_a_network_taken_off_the_list_is_not_sent_to(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    await writer.execute("DELETE FROM webhook_network")
    await put(writer, [event("alr_1")])
    await run.until(lambda: run.deliverer.held and run.deliverer.held["whe_1"].health.failures)
    assert receiver.received == []
    error = await writer.fetchval("SELECT error FROM webhook_attempt")
    assert error == "blocked: 此地址不对外开放 · this address is not open to deliveries"


async def test_an_answer_is_read_a_little_and_kept_less(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    big = (
        "HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-encoding: gzip\r\n\r\n\x00\x1b<b>路</b>"
        + "x" * 300_000
    )

    receiver.reply = lambda _: big.encode()
    await put(writer, [event("alr_1")])
    await run.until(lambda: receiver.received)
    await run.quiet()
    kept = await writer.fetchval("SELECT response FROM webhook_attempt")
    assert kept.startswith("\ufffd\ufffd<b>路</b>xxx")
    assert len(kept.encode()) <= 1024 + 8
    assert await states(writer) == {"delivered": 1}


async def test_two_deliverers_double_nothing(
    database_url: str, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    for place in range(6):
        await endpoint(writer, receiver.url(f"/{place}"), f"whe_{place}")
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(delivering(database_url))
        other = await stack.enter_async_context(delivering(database_url))
        await put(writer, [step for n in range(20) for step in steps(f"alr_{n}", 2)])
        while len(receiver.received) < 240:
            await one.turn()
            await other.turn()
        await one.quiet()
        await other.quiet()
        assert len(one.deliverer.held) + len(other.deliverer.held) == 6
    assert len({one.id for one in receiver.received}) == len(receiver.received) == 240
    async with delivering(database_url) as third:
        await put(writer, [event("alr_last")])
        await third.until(lambda: len(receiver.received) == 246)


async def test_a_message_asked_for_again_has_its_old_id_and_bytes(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    await put(writer, steps("alr_1", 3))
    await run.until(lambda: len(receiver.received) == 3)
    await run.quiet()
    assert await webhooks.redeliver(writer, EVERYTHING, receiver.received[1].id, run.now_ms())
    assert not await webhooks.redeliver(writer, EVERYTHING, receiver.received[1].id, run.now_ms())
    run.pass_(1)
    await run.until(lambda: len(receiver.received) == 4)
    await run.quiet()
    again = receiver.received[3]
    assert (again.id, again.body) == (receiver.received[1].id, receiver.received[1].body)
    assert [
        row["number"]
        for row in await writer.fetch(
            "SELECT number FROM webhook_attempt WHERE message = $1 ORDER BY 1", again.id
        )
    ] == [1, 2]


async def test_what_is_asked_for_again_waits_behind_its_alert(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    await put(writer, steps("alr_1", 3)[:1])
    await run.until(lambda: receiver.received)
    await run.quiet()
    receiver.reply = lambda _: 500
    await put(writer, steps("alr_1", 3)[1:])
    await run.until(lambda: len(receiver.received) == 2)
    await run.quiet()
    await webhooks.redeliver(writer, EVERYTHING, receiver.received[0].id, run.now_ms())
    receiver.reply = lambda _: 204
    run.pass_(10)
    await run.until(lambda: len(receiver.received) == 5)
    await run.quiet()
    assert [one.data["sequence"] for one in receiver.received] == [1, 2, 2, 1, 3]
    assert await states(writer) == {"delivered": 3}


async def test_a_range_is_recovered_with_old_ids_and_what_never_was_queued(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await put(writer, [event(f"alr_before_{n}") for n in range(600)])
    await endpoint(writer, receiver.url())
    await put(writer, [event("alr_during"), event("alr_other", began_ms=BEGAN_MS + 60_000)])
    await run.until(lambda: len(receiver.received) == 2)
    await run.quiet()
    asked = {"endpoint": "whe_1", "since_ms": BEGAN_MS, "until_ms": BEGAN_MS + 60_000, "delivered": False}
    await webhooks.add_recovery(writer, "job_1", "system", asked, run.now_ms())
    await recover(run.deliverer, run.now_ms())
    await run.until(lambda: len(receiver.received) == 602)
    await run.quiet()
    assert len({one.id for one in receiver.received}) == 602
    job = await writer.fetchrow("SELECT state, progress FROM job WHERE id = 'job_1'")
    assert job is not None
    assert (job["state"], job["progress"]) == ("done", 1.0)
    await webhooks.add_recovery(writer, "job_2", "system", {**asked, "delivered": True}, run.now_ms())
    await recover(run.deliverer, run.now_ms())
    run.pass_(1)
    await run.until(lambda: len(receiver.received) == 602 + 601)
    assert len({(one.id, one.body) for one in receiver.received}) == 602


async def test_the_log_is_pruned_and_what_waits_is_not(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    receiver.reply = lambda one: 204 if one.data["alert"] == "alr_1" else 500
    await put(writer, [event("alr_1"), event("alr_2")])
    await run.until(lambda: len(receiver.received) == 2)
    await run.quiet()
    assert await webhook_queue.prune(writer, run.now_ms() - 1000, 100) == 0
    assert await webhook_queue.prune(writer, run.now_ms() + 1000, 100) == 1
    assert await states(writer) == {"waiting": 1}


async def test_a_deleted_endpoint_is_let_go_in_flight(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await endpoint(writer, receiver.url())
    receiver.reply = lambda _: "hang"
    await put(writer, [event("alr_1")])
    await run.until(lambda: receiver.received)
    await writer.execute("DELETE FROM webhook_endpoint")
    run.pass_(2)
    await run.quiet()
    assert run.deliverer.held == {}


async def test_a_feed_that_was_set_back_is_followed_again(
    run: Delivering, receiver: Receiver, writer: asyncpg.Connection
) -> None:
    await put(writer, [event(f"alr_{n}") for n in range(5)])
    await endpoint(writer, receiver.url())
    await run.turn(2)
    await writer.execute("DELETE FROM alert_event WHERE seq > 3; UPDATE feed SET last = 3")
    await run.turn(2)
    await put(writer, [event("alr_9")])
    await run.until(lambda: receiver.received)
    assert receiver.received[0].data["seq"] == 4


async def test_private_addresses_are_shut_without_the_list(
    database_url: str, writer: asyncpg.Connection
) -> None:
    async with (
        listening() as receiver,
        delivering(database_url, policy=Policy(ports=frozenset(), http=True)) as run,
    ):
        await endpoint(writer, receiver.url())
        await writer.execute("DELETE FROM webhook_network")
        await put(writer, [event("alr_1")])
        await run.until(lambda: run.deliverer.held and run.deliverer.held["whe_1"].health.failures)
        assert receiver.received == []
