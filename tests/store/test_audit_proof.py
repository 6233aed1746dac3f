"""The audit's proof against whoever owns the database: every tampering is found, nothing else is."""

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest

from services.store import audit, audit_proof
from services.store.audit import Entry
from services.store.audit_proof import Anchor, Proof
from services.store.connect import connection
from services.store.times import to_time

ROWS = 40
OLD = 15
"""So many rows of format 1, from before credentials were named, stand before the others."""
TAMPERINGS = 1050
AS_OWNER = "ALTER TABLE audit DISABLE TRIGGER USER"
TEXTS = (
    "actor",
    "actor_name",
    "action",
    "object",
    "outcome",
    "purpose",
    "ip",
    "request_id",
    "detail",
    "credential",
    "credential_id",
)
Tampering = Callable[[asyncpg.Connection, random.Random], Awaitable[None]]


def entry(number: int) -> Entry:
    return Entry(
        at_ms=1_795_363_200_000 + number * 1000, actor=f"acc_{number % 5}", actor_name="王", action=("look", "change")[number % 2],
        object=f"alr_{number % 7}", purpose="事故调查" if number % 3 else None, ip="10.0.0.1" if number % 4 else None,
        request_id=f"r{number}", detail=audit.detail({"n": number}), format=1 if number <= OLD else audit.FORMAT,
        credential=None if number <= OLD else ("key", "session")[number % 2], credential_id=None if number <= OLD else f"K{number % 4}",
    )  # fmt: skip


@pytest.fixture
async def conn(fresh_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """The owner, on a database with a chain."""
    made = await connection(fresh_database_url)
    async with made.transaction():
        for number in range(1, ROWS + 1):
            await audit.append(made, entry(number))
    yield made
    await made.close()


async def anchors_of(conn: asyncpg.Connection, numbers: list[int]) -> list[Anchor]:
    rows = await conn.fetch("SELECT seq, row_hash FROM audit WHERE seq = ANY ($1::bigint[])", numbers)
    return [audit_proof.anchor_of(row["seq"], row["row_hash"], 0) for row in rows]


async def proof_of(conn: asyncpg.Connection, anchors: list[Anchor]) -> Proof:
    last, last_hash = await audit_proof.head(conn)
    return await audit_proof.check(audit.rows(conn, at_once=7), last, last_hash, anchors)


async def rehash(conn: asyncpg.Connection, since: int) -> None:
    """Make the chain anew from a row on, with its head: all hashes fit afterwards."""
    previous = await conn.fetchval(
        "SELECT row_hash FROM audit WHERE seq < $1 ORDER BY seq DESC LIMIT 1", since
    )
    previous, last = previous or audit.GENESIS, since - 1
    pages = [page async for page in audit.rows(conn, since - 1)]
    for seq, row, _ in (one for page in pages for one in page):
        previous, last = audit.row_hash(previous, seq, row), seq
        await conn.execute("UPDATE audit SET row_hash = $2 WHERE seq = $1", seq, previous)
    await conn.execute("UPDATE audit_head SET seq = $1, row_hash = $2", last, previous)


async def shift(conn: asyncpg.Connection, since: int, by: int) -> None:
    await conn.execute("UPDATE audit SET seq = -seq WHERE seq >= $1", since)
    await conn.execute("UPDATE audit SET seq = -seq + $1 WHERE seq < 0", by)


async def edit(conn: asyncpg.Connection, rng: random.Random) -> None:
    seq, column = rng.randint(1, ROWS), rng.choice((*TEXTS, "at", "row_hash", "format"))
    if column == "at":
        step = rng.choice(("1 microsecond", "1 millisecond", "-1 hour", "8 hours"))
        await conn.execute(f"UPDATE audit SET at = at + interval '{step}' WHERE seq = $1", seq)
    elif column == "row_hash":
        await conn.execute("UPDATE audit SET row_hash = $2 WHERE seq = $1", seq, rng.randbytes(32))
    elif column == "format":
        await conn.execute(
            "UPDATE audit SET format = $2 WHERE seq = $1", seq, rng.choice((3, 2 if seq <= OLD else 1))
        )
    else:
        before = await conn.fetchval(f"SELECT {column} FROM audit WHERE seq = $1", seq)
        after = (
            rng.choice((None, "", f"{before} ", f"{before}x", "x"))
            if column in {"purpose", "ip", "request_id", "credential", "credential_id"}
            else f"{before}x"
        )
        after = "y" if after == before else after
        await conn.execute(f"UPDATE audit SET {column} = $2 WHERE seq = $1", seq, after)


async def delete(conn: asyncpg.Connection, rng: random.Random) -> None:
    seq = rng.randint(1, ROWS)
    await conn.execute("DELETE FROM audit WHERE seq = $1", seq)
    if rng.random() < 0.5:
        await shift(conn, seq + 1, -1)


async def insert(conn: asyncpg.Connection, rng: random.Random) -> None:
    """A row that follows the one before it with a right hash."""
    seq = rng.randint(1, ROWS + 1)
    await shift(conn, seq, 1)
    previous = await conn.fetchval("SELECT row_hash FROM audit WHERE seq = $1", seq - 1) or audit.GENESIS
    forged = entry(rng.randint(1000, 2000))
    await conn.execute(
        audit.INSERT, seq, to_time(forged.at_ms), forged.actor, forged.actor_name, forged.action, forged.object, forged.purpose,
        forged.outcome, forged.ip, forged.request_id, forged.detail, audit.row_hash(previous, seq, forged),
        forged.format, forged.credential, forged.credential_id,
    )  # fmt: skip


async def reorder(conn: asyncpg.Connection, rng: random.Random) -> None:
    one, two = rng.sample(range(1, ROWS + 1), 2)
    await conn.execute("UPDATE audit SET seq = -seq WHERE seq IN ($1, $2)", one, two)
    await conn.execute(
        "UPDATE audit SET seq = CASE WHEN seq = -$1::bigint THEN $2::bigint ELSE $1::bigint END WHERE seq < 0",
        one,
        two,
    )


async def swap(conn: asyncpg.Connection, rng: random.Random) -> None:
    """The contents of two rows that differ, hashes left in place."""
    one = rng.randint(1, ROWS - 1)
    columns = ", ".join(("at", "format", *TEXTS))
    await conn.execute(
        f"UPDATE audit a SET ({columns}) = (SELECT {columns} FROM audit b WHERE b.seq = CASE a.seq WHEN $1::bigint THEN $2::bigint ELSE $1::bigint END)"
        " WHERE a.seq IN ($1::bigint, $2::bigint)",
        one, rng.randint(one + 1, ROWS),
    )  # fmt: skip


async def cut_tail(conn: asyncpg.Connection, rng: random.Random) -> None:
    left = rng.randint(0, ROWS - 1)
    await conn.execute("DELETE FROM audit WHERE seq > $1", left)
    if rng.random() < 0.7:
        kept = await conn.fetchval("SELECT row_hash FROM audit WHERE seq = $1", left)
        await conn.execute("UPDATE audit_head SET seq = $1, row_hash = $2", left, kept or audit.GENESIS)


async def made_anew(conn: asyncpg.Connection, rng: random.Random) -> None:
    """One of the others, numbers and all hashes put right afterwards."""
    kind = rng.choice((edit, delete, insert, reorder))
    await kind(conn, rng)
    numbers = [row["seq"] for row in await conn.fetch("SELECT seq FROM audit ORDER BY seq")]
    for place, number in enumerate(numbers, 1):
        if place != number:
            await conn.execute("UPDATE audit SET seq = $2 WHERE seq = $1", number, place)
    await rehash(conn, 1)


KINDS: tuple[Tampering, ...] = (edit, delete, insert, reorder, swap, cut_tail, made_anew)


@pytest.mark.timeout(600)
async def test_every_tampering_is_found_and_nothing_else(conn: asyncpg.Connection) -> None:
    found: dict[str, int] = {}
    state = (
        "SELECT md5(string_agg(a::text, '|' ORDER BY seq)) || (SELECT h::text FROM audit_head h) FROM audit a"
    )
    clean = await conn.fetchval(state)
    for seed in range(TAMPERINGS):
        rng = random.Random(seed)
        anchors = await anchors_of(conn, [ROWS, *rng.sample(range(1, ROWS), rng.randint(0, 5))])
        assert (await proof_of(conn, anchors)).reason is None, f"false alarm, seed {seed}"
        kind = KINDS[seed % len(KINDS)]
        tampering = conn.transaction()
        await tampering.start()
        try:
            await conn.execute(AS_OWNER)
            await kind(conn, rng)
            if await conn.fetchval(state) == clean:
                continue  # an edit of a hash alone that making anew undid
            proof = await proof_of(conn, anchors)
            assert proof.reason is not None, f"missed: {kind.__name__}, seed {seed}"
            found[kind.__name__] = found.get(kind.__name__, 0) + 1
        finally:
            await tampering.rollback()
    assert sum(found.values()) >= 1000, found
    assert len(found) == len(KINDS)


async def test_without_anchors_the_chain_alone_finds_all_but_a_cut_tail_and_a_chain_made_anew(
    conn: asyncpg.Connection,
) -> None:
    await conn.execute(AS_OWNER)
    await conn.execute("UPDATE audit SET actor = 'x' WHERE seq = 9")
    assert await audit_proof.prove(conn) == Proof(8, 0, 9, "hash")
    kept = await anchors_of(conn, [ROWS])
    await rehash(conn, 9)
    assert (await audit_proof.prove(conn)).reason is None
    assert await audit_proof.prove(conn, kept) == Proof(ROWS - 1, 0, ROWS, "anchor")


async def test_a_chain_that_grows_fits_its_older_anchors(conn: asyncpg.Connection, tmp_path: Path) -> None:
    file = tmp_path / "far" / "anchors"
    for number in range(5):
        audit_proof.append_anchor(file, audit_proof.anchor_of(*await audit_proof.head(conn), number))
        await audit.append(conn, entry(number))
    assert await audit_proof.prove(conn, audit_proof.read_anchors(file)) == Proof(ROWS + 5, 5)
    with file.open("a") as out:
        out.write('{"seq":99,"row_')
    assert len(audit_proof.read_anchors(file)) == 5, "a line cut off by a crash is none"
    with file.open("a") as out:
        out.write("\n")
    with pytest.raises(audit_proof.BadAnchors, match=":6"):
        audit_proof.read_anchors(file)


@pytest.mark.parametrize("wrong", ["[]", "x", '{"seq":1}', '{"seq":1,"row_hash":"zz","time":""}'])
def test_anchors_that_are_none_are_refused(tmp_path: Path, wrong: str) -> None:
    (tmp_path / "a").write_text(wrong + "\n")
    with pytest.raises(audit_proof.BadAnchors):
        audit_proof.read_anchors(tmp_path / "a")


def test_two_anchors_of_one_row_must_agree(tmp_path: Path) -> None:
    lines: list[Any] = [{"seq": 1, "row_hash": digit * 64, "time": ""} for digit in "ab"]
    (tmp_path / "a").write_text("".join(msgspec.json.encode(line).decode() + "\n" for line in lines))
    with pytest.raises(audit_proof.BadAnchors, match="row 1"):
        audit_proof.read_anchors(tmp_path / "a")
