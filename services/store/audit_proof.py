"""Proof that the audit is whole: the chain computed anew, and anchors, which were written where the database's owner does not reach.

The chain alone shows an edit, a deletion, an insertion, an exchange. A tail cut off together with the head row, or a chain made anew with right
hashes, it cannot show: for that an anchor (number, hash, time) is compared with the row of its number.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from services.contracts.alert import iso
from services.store import audit
from services.store.audit import Entry
from services.store.connect import Conn

PAGE = 10_000
HEAD = "SELECT seq, row_hash FROM audit_head WHERE id = 1"


class Anchor(msgspec.Struct, frozen=True):
    """The chain's end at a time."""

    seq: int
    row_hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    time: str

    def line(self) -> str:
        """As it is appended to the file."""
        return msgspec.json.encode(self).decode() + "\n"


class BadAnchors(ValueError):
    """A file of anchors that cannot be read, or whose own lines contradict each other."""


@dataclass(frozen=True, slots=True)
class Proof:
    """How many rows were checked, and the first that is not what it should be; `reason` says why; None: the audit is whole."""

    rows: int
    anchors: int = 0
    broken: int | None = None
    reason: str | None = None


async def head(conn: Conn) -> tuple[int, bytes]:
    """The chain's end: number and hash of the last row."""
    row = await conn.fetchrow(HEAD)
    if row is None:
        raise LookupError("the audit chain has no head; run roadwatch migrate")
    return row["seq"], row["row_hash"]


def anchor_of(seq: int, row_hash: bytes, at_ms: int) -> Anchor:
    """An anchor of this end."""
    return Anchor(seq, row_hash.hex(), iso(at_ms))


def append_anchor(file: Path, anchor: Anchor) -> None:
    """Write a line, whole: the file is opened anew each time, so that it may be moved away or replaced."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="ascii") as out:
        out.write(anchor.line())


def read_anchors(file: Path) -> list[Anchor]:
    """The anchors of a file, in the order of their numbers; a last line that was cut off by a crash is left out.

    Raises:
        BadAnchors: a line is none, or two of one number differ.
        OSError: the file cannot be read.
    """
    text = file.read_text(encoding="ascii", errors="replace")
    whole = text[: text.rfind("\n") + 1].splitlines()
    found: dict[int, Anchor] = {}
    for number, line in enumerate(whole, 1):
        try:
            anchor = msgspec.json.decode(line, type=Anchor)
        except msgspec.DecodeError as error:
            raise BadAnchors(f"{file}:{number}: {error}") from error
        if found.setdefault(anchor.seq, anchor).row_hash != anchor.row_hash:
            raise BadAnchors(f"{file}:{number}: another hash for row {anchor.seq} than in a line before")
    return sorted(found.values(), key=lambda anchor: anchor.seq)


async def prove(conn: Conn, anchors: Sequence[Anchor] = ()) -> Proof:
    """Compute the chain anew in one snapshot and compare it with the head and the anchors; stops at the first row that is broken."""
    async with conn.transaction(isolation="repeatable_read", readonly=True):
        last, last_hash = await head(conn)
        return await check(audit.rows(conn, at_once=PAGE), last, last_hash, anchors)


async def check(
    pages: AsyncIterator[list[tuple[int, Entry, bytes]]],
    last: int,
    last_hash: bytes,
    anchors: Iterable[Anchor] = (),
) -> Proof:
    """As `prove`, over rows from anywhere."""
    chain = _Chain({anchor.seq: bytes.fromhex(anchor.row_hash) for anchor in anchors})
    async for page in pages:
        for seq, entry, kept in page:
            reason = chain.wrong(seq, entry, kept)
            if reason is not None:
                return Proof(chain.rows, chain.met, min(seq, chain.rows + 1), reason)
    if (chain.rows, chain.previous) != (last, last_hash):
        return Proof(chain.rows, chain.met, min(chain.rows, last) + 1, "head")
    if chain.met != chain.anchors:
        return Proof(chain.rows, chain.met, chain.rows + 1, "cut")
    return Proof(chain.rows, chain.met)


class _Chain:
    """The rows so far, all right."""

    def __init__(self, wanted: dict[int, bytes]) -> None:
        """`wanted`: number to hash, of the anchors."""
        self._wanted = wanted
        self.anchors = len(wanted)
        self.rows = 0
        self.met = int(wanted.get(0) == audit.GENESIS)
        self.previous = audit.GENESIS

    def wrong(self, seq: int, entry: Entry, kept: bytes) -> str | None:
        """What is wrong with the next row; None: nothing, and it is counted."""
        if seq != self.rows + 1:
            return "missing" if seq > self.rows + 1 else "order"
        if audit.row_hash(self.previous, seq, entry) != kept:
            return "hash"
        if self._wanted.get(seq, kept) != kept:
            return "anchor"
        self.met += seq in self._wanted
        self.rows, self.previous = seq, kept
        return None
