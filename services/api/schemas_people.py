"""The shapes of answers about people: what they did with alerts, their accounts and keys, the audit."""

from typing import Any, Literal

from pydantic import Field

from services.api.schemas import Person, Shape


class ActionItem(Shape):
    """One thing that was done with an alert."""

    version: int = Field(description="of the handling, after it")
    seq: int = Field(description="number of its event in the feed")
    at: str = Field(json_schema_extra={"format": "date-time"})
    by: Person
    action: str
    data: dict[str, Any]


class ActionPage(Shape):
    """What was done with an alert, in order."""

    items: list[ActionItem]
    next: str | None


class SeenAlert(Shape):
    """An alert and the version of its handling."""

    id: str
    version: int


class GroupItem(Shape):
    """Unresolved alerts of one cause and place; operator and place are null where they differ."""

    id: str
    basis: Literal["place", "operator", "single"]
    rule: str
    kind: str
    operator: str | None
    place: str | None = Field(
        description="a road's name, or lon,lat of the south-west corner of a cell of 0.02 degrees"
    )
    count: int
    storm: bool = Field(
        description="同一原因的告警足够多,应作为一组显示 · there are enough of one cause to be shown as one"
    )
    handlings: dict[str, int]
    severity: Literal["info", "minor", "major", "critical"] = Field(description="the gravest")
    first_began: str = Field(json_schema_extra={"format": "date-time"})
    last_began: str = Field(json_schema_extra={"format": "date-time"})
    items: list[SeenAlert]
    truncated: bool


class GroupList(Shape):
    """Groups, the gravest first; `alerts` are in them, `left_out` older ones are not."""

    items: list[GroupItem]
    alerts: int
    left_out: int


class AcknowledgedItem(Shape):
    """What became of one alert: its new version, or a problem."""

    id: str
    version: int | None
    problem: dict[str, Any] | None


class Acknowledged(Shape):
    """What became of each."""

    items: list[AcknowledgedItem]
    done: int
    refused: int


class ShiftOpen(Shape):
    """Alerts not resolved now."""

    alerts: int
    handlings: dict[str, int]
    severities: dict[str, int]
    overdue: int = Field(description="their supervision's deadline has passed")


class ShiftActor(Person):
    """What somebody did."""

    total: int
    actions: dict[str, int]


class ShiftDone(Shape):
    """Actions in the period."""

    total: int
    actions: dict[str, int]
    resolutions: dict[str, int]
    by: list[ShiftActor]


class ShiftSummary(Shape):
    """A shift."""

    from_: str = Field(alias="from", json_schema_extra={"format": "date-time"})
    to: str = Field(json_schema_extra={"format": "date-time"})
    as_of: str = Field(json_schema_extra={"format": "date-time"})
    began: int = Field(description="alerts begun in the period")
    open: ShiftOpen
    done: ShiftDone


class Viewer(Shape):
    """Somebody who looks at an alert."""

    id: str
    name: str
    since: str = Field(json_schema_extra={"format": "date-time"})


class Viewers(Shape):
    """Who else looks at an alert now; say again within `lasts_s` seconds that you do."""

    others: list[Viewer]
    lasts_s: int


class ScopeShape(Shape):
    """Which rows are in view; null: all."""

    divisions: list[str] | None
    operators: list[str] | None
    classes: list[str] | None


class Me(Shape):
    """Who asks."""

    id: str
    name: str
    role: str
    permissions: list[str]
    scope: ScopeShape
    credential: str
    credential_id: str | None = Field(description="the session (ses_…) or key, as the audit names it")
    must_change_password: bool


class ProviderItem(Shape):
    """An identity provider."""

    name: str
    url: str = Field(description="浏览器由此登录 · where a browser goes to sign in")


class ProviderList(Shape):
    """Identity providers; none: one signs in by login and password."""

    items: list[ProviderItem]


class Account(Shape):
    """An account without its secrets."""

    id: str
    login: str
    name: str
    role: str
    active: bool
    scope: ScopeShape
    password: bool = Field(
        description="whether it has a password here; else it signs in at the identity provider"
    )
    must_change_password: bool
    totp: bool
    oidc_subject: str | None
    locked_until: str | None = Field(json_schema_extra={"format": "date-time"})
    created: str = Field(json_schema_extra={"format": "date-time"})
    version: int = Field(description="grows with every change; also the ETag")


class AccountPage(Shape):
    """Accounts by login."""

    items: list[Account]
    next: str | None


class NewAccount(Account):
    """A new account."""

    first_password: str | None = Field(description="shown this once")


class FirstPassword(Shape):
    """A new first password."""

    id: str
    login: str
    first_password: str = Field(description="shown this once")
    keys_revoked: int = Field(description="how many keys ended with it, where that was asked for")


class Key(Shape):
    """An API key without its secret."""

    id: str
    account: str
    name: str
    scopes: list[str]
    networks: list[str]
    created: str = Field(json_schema_extra={"format": "date-time"})
    expires: str | None = Field(json_schema_extra={"format": "date-time"})
    used: str | None = Field(json_schema_extra={"format": "date-time"})
    revoked: str | None = Field(json_schema_extra={"format": "date-time"})


class KeyPage(Shape):
    """Keys of an account, newest first."""

    items: list[Key]
    next: str | None


class NewKeyShown(Key):
    """A new key."""

    key: str = Field(description="shown this once")


class Enrolment(Shape):
    """For an authenticator."""

    secret: str = Field(description="base32")
    uri: str = Field(description="the same as otpauth URI, for a QR code")
    minutes: int = Field(description="for so long it may be confirmed")


class AuditRow(Shape):
    """One thing that was done or looked at."""

    seq: int
    at: str = Field(json_schema_extra={"format": "date-time"})
    actor: str
    actor_name: str
    action: str
    object: str
    outcome: str
    purpose: str | None
    ip: str | None
    request_id: str | None
    credential: Literal["session", "key", "token", "command", "process", "none"] | None = Field(
        description="by what it was done; null: a row of before credentials were written down"
    )
    credential_id: str | None = Field(
        description="which session (ses_…) or key; of a command the machine's user"
    )
    detail: dict[str, Any]
    row_hash: str = Field(description="chains the row to the one before; hex")


class AuditPage(Shape):
    """The audit, newest first."""

    items: list[AuditRow]
    next: str | None
