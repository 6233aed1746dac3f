"""Row-level security: the role that the api works as, the policies, and how a transaction is told whose rows it may see.

The role owns nothing and may bypass nothing. A policy only compares columns with lists that were computed at login (the closure of a division's
prefix is every code in the registry that begins with it), so that it never keeps an index from being used. Nothing said means no rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.contracts.alert import iso
from services.store.connect import Conn

ROLE = "roadwatch_api"
"""Group role without login; migration 0002 makes it. The api's connections take it on when they are made."""

ALL = "*"
SEPARATOR = "\x1f"
"""Between the members of a list in a setting; no name holds it (registry files refuse control characters)."""
SETTINGS = ("divisions", "operators", "classes", "account", "from", "until")
SET = "SELECT " + ", ".join(
    f"set_config('roadwatch.{name}', ${place}, $7)" for place, name in enumerate(SETTINGS, 1)
)
CLOSURE = """
SELECT division FROM registration WHERE division LIKE ANY ($1::text[])
UNION SELECT division FROM alert WHERE division LIKE ANY ($1::text[])
"""
POSTURE = """
SELECT rolsuper OR rolbypassrls OR rolcanlogin AS strong,
       EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'public' AND c.relowner = r.oid) AS owns,
       current_user = r.rolname AS taken
FROM pg_roles r WHERE rolname = $1
"""


class WeakRole(RuntimeError):
    """The api's role could pass by the policies; it does not start so."""


@dataclass(frozen=True, slots=True)
class View:
    """Whose rows a transaction sees; None: all. `divisions` are whole codes, the closure of prefixes; `account` whose own rows.

    `period` (Unix ms, half-open) widens and narrows nothing: it tells the policy of fixes in advance which are read, so that a vehicle
    registered throughout is looked up once and not for every fix.
    """

    divisions: Sequence[str] | None = None
    operators: Sequence[str] | None = None
    classes: Sequence[str] | None = None
    account: str | None = None
    period: tuple[int, int] | None = None

    def during(self, from_ms: int, until_ms: int) -> "View":
        """The same rows, with the period announced of which fixes are read."""
        return replace(self, period=(from_ms, until_ms))


EVERYTHING = View()


async def restrict(conn: Conn, view: View, *, transaction: bool = True) -> None:
    """Say for the rest of this transaction (or, for a connection that serves no request, of its use) which rows it may see."""
    lists = (view.divisions, view.operators, view.classes, None if view.account is None else (view.account,))
    period = ("", "") if view.period is None else map(iso, view.period)
    await conn.execute(
        SET, *(ALL if part is None else SEPARATOR.join(part) for part in lists), *period, transaction
    )


async def closure(conn: Conn, prefixes: Sequence[str]) -> list[str]:
    """Every division code in use that begins with one of these; the caller sees all rows."""
    return [row["division"] for row in await conn.fetch(CLOSURE, [f"{prefix}%" for prefix in prefixes])]


async def assert_posture(conn: Conn) -> None:
    """See that the connection works as the api's role and that this role is as weak as it should be.

    Raises:
        WeakRole: it is not.
    """
    found = await conn.fetchrow(POSTURE, ROLE)
    if found is None or not found["taken"] or found["strong"] or found["owns"]:
        raise WeakRole(
            f"the api must work as {ROLE}, which owns nothing and bypasses nothing; run roadwatch migrate"
        )
