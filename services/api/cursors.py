"""Opaque cursors: where the page before ended and under which conditions, signed, so that nobody builds or bends one.

base64url of JSON [key, ..., conditions] followed by the first 16 bytes of its HMAC-SHA256. The key comes from the api's token: every replica
with the same token reads the others' cursors, and a new token makes old cursors invalid, which clients must expect of any cursor.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Callable, Sequence

import asyncpg
import msgspec

from services.api.problems import Problem
from services.store.times import to_ms

MAC_BYTES = 16
LONGEST = 512

Row = asyncpg.Record
Key = tuple[int | str, ...]
KeyOf = Callable[[Row], Key]


def age_of(row: Row) -> tuple[int, str]:
    """The key of lists that go from the newest to the oldest: when a row was made, and its id."""
    return to_ms(row["created_at"]), row["id"]


class Cursors:
    """Signs and reads cursors of one kind of list."""

    def __init__(self, token: str, purpose: str, longest: int = LONGEST) -> None:
        """`purpose` keeps the cursors of different paths apart."""
        self._longest = longest
        self._key = hmac.digest(token.encode(), f"roadwatch cursor v1 {purpose}".encode(), "sha256")

    def write(self, key: Key, conditions: str = "") -> str:
        """A cursor after `key`; `conditions` is any text that stands for the other parameters."""
        body = msgspec.json.encode([*key, _digest(conditions)])
        return urlsafe_b64encode(body + self._mac(body)).rstrip(b"=").decode()

    def read(self, cursor: str, conditions: str = "") -> Key:
        """The key that `write` was given.

        Raises:
            Problem: not one of ours (`invalid-cursor`), or of other conditions (`cursor-mismatch`).
        """
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except (NotBase64, UnicodeEncodeError, ValueError) as error:
            raise Problem("invalid-cursor") from error
        body, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
        if len(cursor) > self._longest or not hmac.compare_digest(mac, self._mac(body)):
            raise Problem("invalid-cursor")
        *key, digest = msgspec.json.decode(body, type=list[int | str])
        if digest != _digest(conditions):
            raise Problem("cursor-mismatch")
        return tuple(key)

    def read_age(self, cursor: str | None, conditions: str = "") -> tuple[int, str] | None:
        """What `age_of` gave for the last row of the page before; None at the beginning.

        Raises:
            Problem: as `read`.
        """
        if cursor is None:
            return None
        created_ms, name = self.read(cursor, conditions)
        return int(created_ms), str(name)

    def cut(
        self, rows: Sequence[Row], limit: int, key: KeyOf, conditions: str = ""
    ) -> tuple[Sequence[Row], str | None]:
        """A page of `limit`, out of rows of which one more was asked for, and the cursor of the page after it; None: there is none."""
        shown = rows[:limit]
        return shown, self.write(key(shown[-1]), conditions) if len(rows) > len(shown) else None

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._key, body, "sha256")[:MAC_BYTES]


def _digest(conditions: str) -> str:
    return hashlib.sha256(conditions.encode()).hexdigest()[:16]
