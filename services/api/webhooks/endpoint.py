"""An endpoint as the deliverer knows it: what it wants, whom it belongs to, how it does, and what is on its way to it."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from services.api.filters import FACTS, Wanted
from services.api.identity import EVERYWHERE, PERMISSIONS, Role, Scope, scope_of
from services.api.webhooks.deciding import Health
from services.api.webhooks.signing import Secret, secrets_of
from services.store.times import to_ms
from services.store.webhooks import SYSTEM_ACCOUNT

MOST_IN_FLIGHT = 4
PERMISSION = "webhooks:manage"
FILTERS = ("rules", "kinds", "classes", "operators", "divisions", "severities")


def wanted_of(filters: dict[str, Any]) -> Wanted:
    """Filters, as they are kept, as conditions."""
    return Wanted(
        rules=frozenset(filters.get("rules", ())),
        kinds=frozenset(filters.get("kinds", ())),
        classes=frozenset(filters.get("classes", ())),
        operators=frozenset(filters.get("operators", ())),
        divisions=tuple(sorted(filters.get("divisions", ()))),
        severities=frozenset(filters.get("severities", ())),
    )


@dataclass(slots=True)
class Endpoint:
    """One endpoint that this process holds, as it was when it was last read.

    `version` counts its changes, `epoch` those of its account: both are compared again whenever something is done about it.
    """

    id: str
    url: str
    version: int
    epoch: int
    active: bool
    types: frozenset[str]
    wanted: Wanted
    scope: Scope
    secrets: list[Secret]
    after: int
    health: Health
    flying: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @property
    def stamp(self) -> tuple[int, int]:
        """Equal as long as nothing was changed about it or its account."""
        return self.version, self.epoch

    def wants(self, event_type: str, data: str) -> bool:
        """Whether it asked for an event; whose alerts it may see is the query's business."""
        if self.types and event_type not in self.types:
            return False
        return self.wanted.everything or self.wanted.matches(FACTS.decode(data))

    def room(self) -> int:
        """How many may be on their way at once."""
        return 1 if self.health.probing else MOST_IN_FLIGHT

    def pings_alone(self, at_ms: int) -> bool:
        """Whether it is sent nothing but pings for now."""
        return not self.active or (self.health.resume_ms is not None and self.health.resume_ms > at_ms)

    def take(self, row: asyncpg.Record) -> None:
        """What the database says of it now; what is on its way stays."""
        known = made(row)
        for name in (
            "url",
            "version",
            "epoch",
            "active",
            "types",
            "wanted",
            "scope",
            "secrets",
            "after",
            "health",
        ):
            setattr(self, name, getattr(known, name))


def permitted(row: asyncpg.Record) -> bool:
    """Whether its account may have it at all."""
    return row["account"] == SYSTEM_ACCOUNT or PERMISSION in PERMISSIONS[Role(row["role"])]


def made(row: asyncpg.Record) -> Endpoint:
    """A row of `webhook_queue.endpoints`."""
    own = row["account"] == SYSTEM_ACCOUNT
    return Endpoint(
        id=row["id"],
        url=row["url"],
        version=row["version"],
        epoch=row["epoch"],
        active=row["state"] == "active",
        types=frozenset(row["types"]),
        wanted=wanted_of(row["filters"]),
        scope=EVERYWHERE if own else scope_of(row["divisions"], row["operators"], row["classes"]),
        secrets=secrets_of(row["secrets"]),
        after=row["after"],
        health=Health(row["failures"], to_ms(row["failing_since"]), to_ms(row["resume_at"])),
    )
