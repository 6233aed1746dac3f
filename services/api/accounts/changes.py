"""What may be done to accounts and keys, each in the caller's transaction, over HTTP and by `roadwatch admin` alike; the caller writes the audit.

Three rules hold whoever asks: nobody changes their own role, scope or standing; the three administrators stay apart (an account that was one of
them never becomes another); and one active security administrator is always left.
"""

import ipaddress
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from services.api import passwords
from services.api.identity import PERMISSIONS, Role
from services.api.problems import Fault, Problem
from services.store import accounts, administration
from services.store.connect import Conn

ADMINISTRATORS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
MOST_LIVE_KEYS = 2
DAY_MS = 24 * 3_600_000
KEY_DAYS, MOST_KEY_DAYS = 365, 3 * 366
SCOPE = ("divisions", "operators", "classes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An account to be made; a list of None: all. With a subject it signs in at the identity provider and has no password here."""

    login: str
    name: str
    role: Role
    divisions: Sequence[str] | None = None
    operators: Sequence[str] | None = None
    classes: Sequence[str] | None = None
    oidc_subject: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """A new account's row and its first password; None: it has none."""

    row: asyncpg.Record
    first_password: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedKey:
    """A key to be made."""

    name: str
    scopes: Sequence[str]
    networks: Sequence[str]
    expires_ms: int


async def create(conn: Conn, wanted: Wanted, *, must_change: bool = True) -> Made:
    """Make an account.

    Raises:
        Problem: `login-taken`, `subject-taken`, or `invalid-body` for an administrator with a scope.
    """
    scope = {name: _listed(getattr(wanted, name)) for name in SCOPE}
    check_scope(wanted.role, scope)
    password = passwords.first_password() if wanted.oidc_subject is None else None
    new = accounts.NewAccount(
        id=f"acc_{uuid.uuid4().hex[:20]}",
        login=wanted.login,
        name=wanted.name,
        role=wanted.role.value,
        password_hash=None if password is None else passwords.hashed(password),
        must_change=must_change and password is not None,
        **scope,
    )
    try:
        async with conn.transaction():
            await accounts.add(conn, new)
            if wanted.oidc_subject is not None:
                await administration.set_subject(conn, new.id, wanted.oidc_subject)
    except asyncpg.UniqueViolationError as error:
        raise _taken(error, wanted.login, wanted.oidc_subject) from error
    return Made(await one(conn, new.id), password)


async def one(conn: Conn, account_id: str, *, lock: bool = False) -> asyncpg.Record:
    """An account's row.

    Raises:
        Problem: `account-not-found`.
    """
    row = None if "\0" in account_id else await administration.account(conn, account_id, lock=lock)
    if row is None:
        raise Problem("account-not-found", {"id": account_id})
    return row


async def change(
    conn: Conn, account_id: str, given: Mapping[str, Any], *, by: str, version: int | None
) -> tuple[asyncpg.Record, asyncpg.Record]:
    """Change what is given of name, role, active, oidc_subject and the scope's lists; gives the row before and after.

    `by` is the account that asks (or the system), `version` the epoch it has seen; None: whatever it is.

    Raises:
        Problem: `account-not-found`, `account-changed`, `own-account`, `administrators-apart`, `last-administrator`, `subject-taken`,
            `invalid-body`.
    """
    heads = await administration.active_of(conn, Role.SECURITY_ADMIN.value)
    before = await one(conn, account_id, lock=True)
    if version is not None and version != before["epoch"]:
        raise Problem("account-changed", {"version": before["epoch"]})
    values = {**before, **given}
    for name in SCOPE:
        values[name] = _listed(values[name])
    _allowed(dict(before), values, by, heads)
    if given.keys() & {"role", *SCOPE}:
        check_scope(Role(values["role"]), values)
    try:
        async with conn.transaction():
            await administration.change(conn, account_id, values)
    except asyncpg.UniqueViolationError as error:
        raise _taken(error, before["login"], values["oidc_subject"]) from error
    if not values["active"] or values["role"] != before["role"]:
        await administration.end_sessions(conn, account_id)
    return before, await one(conn, account_id)


def _allowed(
    before: Mapping[str, Any], after: Mapping[str, Any], by: str, security_administrators: Sequence[str]
) -> None:
    """Refuse what nobody may do, whatever their role."""
    standing = ("role", "active", *SCOPE)
    if by == before["id"] and any(after[name] != before[name] for name in standing):
        raise Problem("own-account")
    was, becomes = Role(before["role"]), Role(after["role"])
    if was != becomes and {was, becomes} <= ADMINISTRATORS:
        raise Problem("administrators-apart")
    leaves = was == Role.SECURITY_ADMIN and (becomes != was or not after["active"])
    if leaves and set(security_administrators) <= {before["id"]}:
        raise Problem("last-administrator")


def check_scope(role: Role, scope: Mapping[str, Any]) -> None:
    """Administrators see no rows, so a scope of theirs would mean nothing.

    Raises:
        Problem: `invalid-body`.
    """
    if role in ADMINISTRATORS and any(scope[name] is not None for name in SCOPE):
        raise Problem(
            "invalid-body",
            faults=(Fault("#/body/scope", "管理员没有数据范围", "an administrator has no scope"),),
        )


async def reset_password(
    conn: Conn, account_id: str, *, by: str, must_change: bool = True
) -> tuple[asyncpg.Record, str]:
    """Give a new first password and sign the account out everywhere; its one-time codes end, too, since a lost phone is a common reason.

    Raises:
        Problem: `account-not-found`, or `own-account`: one changes one's own password knowing the old one.
    """
    row = await one(conn, account_id, lock=True)
    if by == account_id:
        raise Problem("own-account")
    password = passwords.first_password()
    await accounts.set_password(
        conn, account_id, passwords.hashed(password), must_change=must_change, keep=None
    )
    if row["totp"]:
        await administration.set_totp(conn, account_id, None, 0)
    return await one(conn, account_id), password


async def unlock(conn: Conn, account_id: str) -> asyncpg.Record:
    """Lift the lock of wrong tries.

    Raises:
        Problem: `account-not-found`.
    """
    await one(conn, account_id, lock=True)
    await administration.unlock(conn, account_id)
    return await one(conn, account_id)


async def add_key(conn: Conn, account_id: str, wanted: WantedKey, now_ms: int) -> tuple[asyncpg.Record, str]:
    """Make a key; gives its row and the key itself, which is not kept.

    Raises:
        Problem: `account-not-found`, `two-keys-live`, or `invalid-body` for a scope beyond the account's, a network or a date that cannot be.
    """
    row = await one(conn, account_id, lock=True)
    check_key(wanted, PERMISSIONS[Role(row["role"])], now_ms)
    if await administration.live_keys(conn, account_id, wanted.name, now_ms) >= MOST_LIVE_KEYS:
        raise Problem("two-keys-live", {"name": wanted.name})
    key, key_id, key_hash = passwords.new_key()
    kept = await administration.add_key(
        conn, account_id, key_id, key_hash, wanted.name, sorted(set(wanted.scopes)), list(wanted.networks), now_ms,
        wanted.expires_ms,
    )  # fmt: skip
    return kept, key


def check_key(wanted: WantedKey, permissions: frozenset[str], now_ms: int) -> None:
    """Refuse a key that could not work or would outlast three years.

    Raises:
        Problem: `invalid-body`.
    """
    faults = [
        Fault("#/body/scopes", f"该账号没有权限 {scope}", f"the account lacks the permission {scope}")
        for scope in sorted(set(wanted.scopes) - permissions)
    ]
    for place, network in enumerate(wanted.networks):
        try:
            ipaddress.ip_network(network)
        except ValueError:
            faults.append(
                Fault(
                    f"#/body/networks/{place}",
                    "应为网段,如 10.1.0.0/16",
                    "expected a network such as 10.1.0.0/16",
                )
            )
    if not now_ms < wanted.expires_ms <= now_ms + MOST_KEY_DAYS * DAY_MS:
        faults.append(
            Fault("#/body/expires", "应在此后三年之内", "must lie ahead, within three years from now")
        )
    if faults:
        raise Problem("invalid-body", faults=tuple(faults))


def _listed(part: Sequence[str] | None) -> list[str] | None:
    return None if part is None else sorted(set(part))


def _taken(error: asyncpg.UniqueViolationError, login: str, subject: str | None) -> Problem:
    if "oidc_subject" in (error.constraint_name or ""):
        return Problem("subject-taken", {"subject": subject})
    return Problem("login-taken", {"login": login})
