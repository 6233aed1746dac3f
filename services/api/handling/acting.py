"""One action on one alert in one transaction: lock the alert, check, write, tell. Callers add the audit row, which comes last."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from services.api import labels
from services.api.alerts import document
from services.api.handling.states import EVENT_TYPES, Change, Standing, decide
from services.api.identity import PERMISSIONS, Role, scope_of
from services.api.parameters import MESSAGES
from services.api.problems import Fault, Problem
from services.contracts.alert import event_id, iso
from services.contracts.handling import Handled, Handling, Person
from services.store import handling
from services.store.connect import Conn
from services.store.scope import View
from services.store.times import to_ms

ZH = {label.code: label.zh for label in (*labels.ACTIONS, *labels.HANDLINGS)}
EN = {label.code: label.en for label in (*labels.ACTIONS, *labels.HANDLINGS)}
MOST_CHANGES = 20
HANDLED = msgspec.json.Decoder(Handled)


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of an alert: the change, the versions that the caller has seen (None: any), the word said with it, and who shall do it."""

    change: Change
    versions: frozenset[str] | None
    text: str | None = None
    assign_to: str | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What an action made of an alert: its document, the version of its handling, and what to write in the audit."""

    document: bytes
    version: int
    said: dict[str, Any]


def version_tags(if_match: str | None) -> frozenset[str]:
    """The versions that `If-Match` names; quoted as they should be, or bare. A weak tag never matches (RFC 9110 13.1.1).

    Raises:
        Problem: `precondition-required`: none, or `*`, which says nothing of what was seen.
    """
    tags = frozenset(part.strip() for part in (if_match or "").split(",") if part.strip())
    if not tags or "*" in tags:
        raise Problem("precondition-required")
    return frozenset(tag[1:-1] if len(tag) >= 2 and tag[0] == tag[-1] == '"' else tag for tag in tags)


def standing_of(row: asyncpg.Record) -> Standing:
    """An alert's handling as its row has it."""
    handled = row["handled"]
    return Standing(Handling(row["handling"]), None if handled is None else HANDLED.decode(handled))


async def act(conn: Conn, view: View, alert_id: str, ask: Ask, by: Person, at_ms: int) -> Done:
    """Do it, or say why not; in the caller's transaction, which then writes the audit and ends.

    Raises:
        Problem: `alert-not-found`, `changed-meanwhile`, `wrong-version`, `wrong-handling`, or `invalid-body` (an assignee who cannot be).
    """
    row = await handling.lock(conn, view, alert_id) if "\0" not in alert_id else None
    if row is None:
        raise Problem("alert-not-found", {"id": alert_id})
    if ask.versions is not None and str(row["handling_version"]) not in ask.versions:
        raise await _outdated(conn, view, row, ask.versions)
    change = ask.change
    if ask.assign_to is not None:
        change = Change(action=change.action, assignee=await _assignee(conn, ask.assign_to, row))
    after = decide(standing_of(row), change, by, iso(at_ms))
    if after is None:
        raise _impossible(row, change)
    new = written(row, change, after, by, at_ms, ask.text)
    await handling.change(conn, new)
    await handling.append(conn, new)
    return Done(new.document.encode(), new.version, {"version": new.version, **new.said})


def written(
    row: asyncpg.Record, change: Change, after: Standing, by: Person, at_ms: int, text: str | None
) -> handling.NewAction:
    """What an action that is possible writes."""
    handled = msgspec.json.encode(after.handled).decode()
    said = {
        "from": row["handling"], "to": str(after.handling), "text": text,
        "assignee": msgspec.to_builtins(change.assignee), "level": change.supervision, "due": change.due, "reason": change.reason,
    }  # fmt: skip
    timer, holder = after.timer, after.handled.assignee if after.handled else None
    return handling.NewAction(
        alert_id=row["id"], handling=str(after.handling), version=after.version, assignee=holder.id if holder else None,
        due=None if timer is None else datetime.fromisoformat(timer), handled=handled,
        event_id=event_id(row["id"], f"h{after.version}"), event_type=str(EVENT_TYPES[change.action]),
        sequence=row["version"] + after.version, at_ms=at_ms, document=document(row["data"], after.handling, handled).decode(),
        actor=by.id, actor_name=by.name, action=str(change.action),
        said={name: value for name, value in said.items() if value is not None},
    )  # fmt: skip


async def _outdated(conn: Conn, view: View, row: asyncpg.Record, seen: frozenset[str]) -> Problem:
    """412 that says who did what since the version that was seen, and what the version is now."""
    present: int = row["handling_version"]
    headers = {"etag": f'"{present}"'}
    known = [int(tag) for tag in seen if tag.isascii() and tag.isdigit() and len(tag) <= 9]
    since = max((version for version in known if version < present), default=None)
    if since is None:
        return Problem("wrong-version", {"version": present}, headers=headers, more={"version": present})
    rows = await handling.actions(conn, view, row["id"], max(since, present - MOST_CHANGES), MOST_CHANGES)
    last = rows[-1]
    words = {
        "by": last["actor_name"], "at": iso(to_ms(last["at"])),
        "action_zh": ZH[last["action"]], "action_en": EN[last["action"]],
    }  # fmt: skip
    return Problem(
        "changed-meanwhile",
        words,
        headers=headers,
        more={"version": present, "changes": [told(each) for each in rows]},
    )


def _impossible(row: asyncpg.Record, change: Change) -> Problem:
    state = row["handling"]
    words = {
        "state_zh": ZH[state],
        "state_en": EN[state],
        "action_zh": ZH[change.action],
        "action_en": EN[change.action],
    }
    headers = {"etag": f'"{row["handling_version"]}"'}
    return Problem(
        "wrong-handling", words, headers=headers, more={"handling": state, "version": row["handling_version"]}
    )


async def _assignee(conn: Conn, account: str, alert: asyncpg.Record) -> Person:
    """An account that sees the alert and may do something about it."""
    row = await handling.colleague(conn, account)
    if row is not None and "alerts:ack" in PERMISSIONS[Role(row["role"])]:
        scope = scope_of(row["divisions"], row["operators"], row["classes"])
        if scope.sees(alert["division"], alert["operator"], alert["vehicle_class"]):
            return Person(id=row["id"], name=row["name"], role=row["role"])
    zh, en = (text.replace("{account}", account) for text in MESSAGES["account"])
    raise Problem("invalid-body", faults=(Fault("#/body/account", zh, en),))


def told(row: asyncpg.Record) -> dict[str, Any]:
    """An action as others read it."""
    return {
        "version": row["version"],
        "seq": row["seq"],
        "at": iso(to_ms(row["at"])),
        "by": {"id": row["actor"], "name": row["actor_name"]},
        "action": row["action"],
        "data": row["data"],
    }
