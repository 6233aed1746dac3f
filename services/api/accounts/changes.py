"""What may be done to accounts and keys, each in the caller's transaction, over HTTP and by `roadwatch admin` alike; the caller writes the audit.

Rules that hold whoever asks: nobody changes their own role, scope or standing; the three administrators stay apart (an account that was one of
them never becomes another); and one active security administrator is always left.

Rules that hold for whoever gives access, so that nobody acts unnoticed in another's name: keys are made by their owner, but for those of partners,
which are programs; another administrator's password is not reset over HTTP; an account has one way to sign in, so that a new one ends the old, which
its holder notices; and with another role an account's keys end. The machine's own `SYSTEM` is bound by the first three alone.
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
from services.store import accounts, administration, sign_in_tries
from services.store.connect import Conn
from services.store.times import to_time

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ADMINISTRATORS = frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
MOST_LIVE_KEYS = 2
DAY_MS = 24 * 3_600_000
KEY_DAYS, MOST_KEY_DAYS = 365, 3 * 366
SCOPE = ("divisions", "operators", "classes")
SYSTEM = "system"
"""Who asks for the machine: `roadwatch admin`, and the holder of the system's own token."""


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
    conn: Conn, account_id: str, given: Mapping[str, Any], *, by: str, version: int | None, now_ms: int
) -> tuple[asyncpg.Record, asyncpg.Record]:
    """Change what is given of name, role, active, oidc_subject and the scope's lists; gives the row before and after.

    `by` is the account that asks (or the system), `version` the epoch it has seen; None: whatever it is. Signed out is an account that is disabled,
    has another role or signs in elsewhere from now on. With another role its keys end. With a subject it has no password here any more.

    Raises:
        Problem: `account-not-found`, `account-changed`, `own-account`, `administrators-apart`, `last-administrator`, `another-administrator`,
            `subject-taken`, `invalid-body`.
    """
    heads = await administration.active_of(conn, Role.SECURITY_ADMIN.value)
    before = await one(conn, account_id, lock=True)
    if version is not None and version != before["epoch"]:
        raise Problem(
            "account-changed", {"version": before["epoch"]}, headers={"etag": f'"{before["epoch"]}"'}
        )
    values = {**before, **given}
    for name in SCOPE:
        values[name] = _listed(values[name])
    _allowed(dict(before), values, by, heads)
    linked = values["oidc_subject"] != before["oidc_subject"]
    if linked:
        _not_another_administrator(before, by)
    if given.keys() & {"role", *SCOPE}:
        check_scope(Role(values["role"]), values)
    try:
        async with conn.transaction():
            await administration.change(conn, account_id, values)
    except asyncpg.UniqueViolationError as error:
        raise _taken(error, before["login"], values["oidc_subject"]) from error
    if linked and values["oidc_subject"] is not None:
        await administration.end_password(conn, account_id)
    if not values["active"] or values["role"] != before["role"] or linked:
        await administration.end_sessions(conn, account_id)
    if values["role"] != before["role"]:
        await administration.revoke_keys(conn, account_id, now_ms)
    return before, await one(conn, account_id)


def _not_another_administrator(row: asyncpg.Record, by: str) -> None:
    """Refuse what would let one administrator sign in as another; done on the machine itself it needs whoever runs that.

    Raises:
        Problem: `another-administrator`.
    """
    if by not in {row["id"], SYSTEM} and Role(row["role"]) in ADMINISTRATORS:
        raise Problem("another-administrator")


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
        Problem: `account-not-found`, `own-account` (one changes one's own password knowing the old one), `another-administrator`, or
            `signs-in-elsewhere`; the machine's own system ends the link to the identity provider instead.
    """
    row = await one(conn, account_id, lock=True)
    if by == account_id:
        raise Problem("own-account")
    _not_another_administrator(row, by)
    if row["oidc_subject"] is not None:
        if by != SYSTEM:
            raise Problem("signs-in-elsewhere")
        await administration.set_subject(conn, account_id, None)
    password = passwords.first_password()
    await accounts.set_password(
        conn, account_id, passwords.hashed(password), must_change=must_change, keep=None
    )
    await sign_in_tries.unlock(conn, account_id)
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


async def add_key(
    conn: Conn, account_id: str, wanted: WantedKey, now_ms: int, *, by: str
) -> tuple[asyncpg.Record, str]:
    """Make a key; gives its row and the key itself, which is not kept.

    Raises:
        Problem: `account-not-found`, `keys-by-owner` for another's account that is no partner's, `two-keys-live`, or `invalid-body` for a scope beyond the account's, a network or a date that cannot be.
    """
    row = await one(conn, account_id, lock=True)
    if by not in {account_id, SYSTEM} and Role(row["role"]) != Role.PARTNER:
        raise Problem("keys-by-owner")
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
            faults.append(_no_network(place))
    if not now_ms < wanted.expires_ms <= now_ms + MOST_KEY_DAYS * DAY_MS:
        faults.append(
            Fault("#/body/expires", "应在此后三年之内", "must lie ahead, within three years from now")
        )
    if faults:
        raise Problem("invalid-body", faults=tuple(faults))


async def narrow_key(
    conn: Conn, key_id: str, given: Mapping[str, Any], now_ms: int
) -> tuple[asyncpg.Record, asyncpg.Record]:
    """Set a live key narrower limits, of `scopes`, `networks` and `expires_ms`; gives the row before and after.

    Raises:
        Problem: `key-not-found`, or `invalid-body` for a limit wider than the present one.
    """
    before = None if "\0" in key_id else await administration.live_key(conn, key_id, now_ms)
    if before is None:
        raise Problem("key-not-found", {"id": key_id})
    scopes = sorted(set(given.get("scopes", before["scopes"])))
    networks = list(given.get("networks", before["networks"]))
    expires_at = to_time(given["expires_ms"]) if "expires_ms" in given else before["expires_at"]
    faults = [*wider_scopes(scopes, before["scopes"]), *wider_networks(networks, before["networks"])]
    if before["expires_at"] is not None and (expires_at is None or expires_at > before["expires_at"]):
        faults.append(Fault("#/body/expires", "不得晚于现有效期", "must not be later than it is"))
    if faults:
        raise Problem("invalid-body", faults=tuple(faults))
    after = await administration.change_key(conn, key_id, scopes, networks, expires_at)
    if after is None:
        raise LookupError("UPDATE … RETURNING gave no row of a key that is held")
    return before, after


def wider_scopes(wanted: Sequence[str], present: Sequence[str]) -> list[Fault]:
    """A fault for each permission that the key does not have."""
    return [
        Fault("#/body/scopes", f"密钥现无权限 {scope}", f"the key does not have the permission {scope}")
        for scope in sorted(set(wanted) - set(present))
    ]


def wider_networks(wanted: Sequence[str], present: Sequence[str]) -> list[Fault]:
    """A fault for each network that is none, or not within one that the key may be used from now; none at all would be everywhere."""
    held = [ipaddress.ip_network(network) for network in present]
    faults = []
    if held and not wanted:
        faults.append(
            Fault("#/body/networks", "不得取消来源限制", "must not let the key be used from anywhere")
        )
    for place, text in enumerate(wanted):
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            faults.append(_no_network(place))
            continue
        if held and not any(_within(network, one) for one in held):
            zh, en = "应在现允许的网段之内", "must lie within the networks that the key may be used from"
            faults.append(Fault(f"#/body/networks/{place}", zh, en))
    return faults


def _within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, ipaddress.IPv4Network):
        return isinstance(outer, ipaddress.IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, ipaddress.IPv6Network) and inner.subnet_of(outer)


def _no_network(place: int) -> Fault:
    return Fault(
        f"#/body/networks/{place}", "应为网段,如 10.1.0.0/16", "expected a network such as 10.1.0.0/16"
    )


def _listed(part: Sequence[str] | None) -> list[str] | None:
    return None if part is None else sorted(set(part))


def _taken(error: asyncpg.UniqueViolationError, login: str, subject: str | None) -> Problem:
    if "oidc_subject" in (error.constraint_name or ""):
        return Problem("subject-taken", {"subject": subject})
    return Problem("login-taken", {"login": login})
