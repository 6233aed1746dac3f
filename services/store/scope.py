"""Row-level security: the role that the api works as, the policies, and how a transaction is told whose rows it may see.

The role owns nothing and may bypass nothing. A policy only compares columns with lists that were computed at login (the closure of a division's
prefix is every code in the registry that begins with it), so that it never keeps an index from being used. Nothing said means no rows.
"""

from collections.abc import Sequence

from services.store.connect import Conn

ROLE = "roadwatch_api"
"""Group role without login; migration 0002 makes it. The api's connections take it on when they are made."""

ALL = "*"
SEPARATOR = "\x1f"
"""Between the members of a list in a setting; no name holds it (registry files refuse control characters)."""
SET = "SELECT set_config('roadwatch.divisions', $1, true), set_config('roadwatch.operators', $2, true), set_config('roadwatch.classes', $3, true)"
CLOSURE = "SELECT DISTINCT division FROM registration WHERE division LIKE ANY ($1::text[]) UNION SELECT DISTINCT division FROM alert WHERE division LIKE ANY ($1::text[])"
POSTURE = """
SELECT rolsuper OR rolbypassrls OR rolcanlogin AS strong,
       EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = 'public' AND c.relowner = r.oid) AS owns,
       current_user = r.rolname AS taken
FROM pg_roles r WHERE rolname = $1
"""


class WeakRole(RuntimeError):
    """The api's role could pass by the policies; it does not start so."""


async def restrict(
    conn: Conn,
    divisions: Sequence[str] | None,
    operators: Sequence[str] | None,
    classes: Sequence[str] | None,
) -> None:
    """Say for the rest of this transaction which rows it may see; None: all. `divisions` are whole codes, the closure of the prefixes."""
    await conn.execute(SET, *(ALL if part is None else SEPARATOR.join(part) for part in (divisions, operators, classes)))


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
        raise WeakRole(f"the api must work as {ROLE}, which owns nothing and bypasses nothing; run roadwatch migrate")
