"""Every setting once: environment variables with the prefix `ROADWATCH_`; the table in the docs is generated from here."""

import os
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
CHINA = (73.5, 3.8, 135.1, 53.6)
WORLD = (-180.0, -90.0, 180.0, 90.0)
Area = tuple[float, float, float, float]
"""West, south, east, north in WGS-84 degrees."""


def parse_area(value: object) -> Area:
    """`W,S,E,N`, `world` or `china`.

    Raises:
        ValueError: says which form is expected.
    """
    if isinstance(value, tuple):
        return value
    text = str(value).strip().lower()
    if text in {"world", "china"}:
        return WORLD if text == "world" else CHINA
    parts = text.split(",")
    try:
        west, south, east, north = (float(part) for part in parts)
    except ValueError as error:
        raise ValueError(f"area {value!r}: expected W,S,E,N in degrees, or world") from error
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise ValueError(f"area {value!r}: expected -180 <= W < E <= 180 and -90 <= S < N <= 90")
    return west, south, east, north


def parse_ports(value: object) -> frozenset[int]:
    """`443,8443`, or `any`, which is the empty set.

    Raises:
        ValueError: says which form is expected.
    """
    if isinstance(value, frozenset):
        return value
    text = str(value).strip().lower()
    ports = frozenset(parse_seconds(text)) if text != "any" else frozenset()
    if not all(1 <= port <= 65_535 for port in ports):
        raise ValueError(f"ports {value!r}: expected numbers from 1 to 65535, or any")
    return ports


def parse_seconds(value: object) -> tuple[int, ...]:
    """`0,5,300`.

    Raises:
        ValueError: says which form is expected.
    """
    if isinstance(value, tuple):
        return value
    parts = [part.strip() for part in str(value).split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) < 9 for part in parts):
        raise ValueError(f"{value!r}: expected whole numbers, comma-separated")
    return tuple(map(int, parts))


def parse_tiles(value: object) -> str:
    """`https://host/…{z}…{x}…{y}…`, or empty.

    Raises:
        ValueError: says which form is expected.
    """
    text = str(value).strip()
    address = urlsplit(text)
    secure = address.scheme == "https" or (address.scheme == "http" and address.hostname in LOOPBACK)
    plain = text.isascii() and text.isprintable() and not set(" ;,'\"@*\\") & set(address.netloc)
    if text and not (
        secure and address.hostname and plain and all(part in text for part in ("{z}", "{x}", "{y}"))
    ):
        raise ValueError(f"{text!r}: expected https://host/path with {{z}}, {{x}} and {{y}}")
    return text


class Settings(BaseSettings):
    """Settings of all processes; built in `__main__` of each and passed down, never read at import."""

    model_config = SettingsConfigDict(env_prefix="ROADWATCH_", extra="ignore")

    kafka_bootstrap: str = Field(
        "127.0.0.1:9092", description="Kafka bootstrap servers, host:port[,host:port]"
    )
    database_url: str = Field(
        "postgresql://roadwatch@127.0.0.1:5432/roadwatch", description="PostgreSQL with PostGIS"
    )
    http_host: str = Field("127.0.0.1", description="address the api listens on")
    http_port: int = Field(8080, ge=0, le=65535, description="port the api listens on")
    token: str = Field("", description="bearer token of the api; empty: the api refuses to start")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="least level logged")
    log_format: Literal["auto", "console", "json"] = Field(
        "auto", description="auto: console on a terminal, json else"
    )
    topic_prefix: str = Field(
        "gps.", pattern=r"^[A-Za-z0-9._-]{0,64}$", description="stands before raw, fixes, rejected"
    )
    partitions: int = Field(
        4, ge=1, le=1024, description="partitions of each topic, fixed when the topics are made"
    )
    snapshot_every_s: float = Field(5.0, gt=0, description="seconds between snapshots of rule state")
    tick_every_s: float = Field(60.0, gt=0, description="seconds between ticks of a partition")
    timezone: Literal["Asia/Shanghai"] = Field("Asia/Shanghai", description="local time of rules and screens")
    service_area: Annotated[Area, NoDecode, BeforeValidator(parse_area)] = Field(
        CHINA, description="W,S,E,N in degrees, or world; positions outside are quarantined"
    )
    oldest_days: int = Field(
        400,
        ge=0,
        le=36_500,
        description="a position so many days older than its arrival is quarantined as a wrong clock; 0: not asked, for what replays old recordings",
    )
    guard_share: float = Field(
        0.2,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="too many reports are kept out when more than this share is rejected or quarantined; 1: never",
    )
    guard_reports: int = Field(1000, ge=1, description="of at least so many reports in the guard's window")
    guard_window_s: int = Field(
        60, ge=1, le=3600, description="the guard's window, seconds of the broker's time"
    )
    guard_stop: bool = Field(
        False, description="true: ingest then stops taking more until it is resumed, or an import is in force"
    )
    metrics_port: int = Field(0, ge=0, le=65535, description="loopback port of a worker's /metrics; 0: none")
    stall_s: float = Field(
        30.0, gt=0, description="a process whose lag is > 0 and does not advance so long ends itself"
    )
    deadline_s: float = Field(
        10.0, gt=0, description="deadline of a call to Kafka, and of the api's to PostgreSQL"
    )
    instance: str = Field(
        "", description="name of this process among its like; set: it rejoins its group at once after a crash"
    )
    status_file: str = Field(
        "", description="JSON file a process rewrites each second; set by `roadwatch up`"
    )
    audit_anchor_file: str = Field(
        "",
        description="file the api appends the audit chain's head to, every 5 minutes; best on another machine; empty: none",
    )
    public_url: str = Field(
        "",
        description="address of the api as browsers see it, such as https://roadwatch.example; sign-in at an identity provider needs it, except on loopback",
    )
    tiles_url: Annotated[str, BeforeValidator(parse_tiles)] = Field(
        "",
        description="raster map tiles in WGS-84 under the console's vehicles, https://…/{z}/{x}/{y}…; empty: its own map alone, nothing from elsewhere",
    )
    tiles_credit: str = Field("", max_length=200, description="whose the tiles are, shown on the map")
    oidc_issuer: str = Field("", description="identity provider to sign in at (OpenID Connect); empty: none")
    oidc_client_id: str = Field("", description="client id at the identity provider")
    oidc_client_secret_file: str = Field(
        "", description="file that holds the client secret; empty: a public client"
    )
    oidc_algorithm: Literal["RS256", "PS256", "ES256", "EdDSA"] = Field(
        "RS256", description="the one algorithm that ID tokens may be signed with"
    )
    requests_per_minute: int = Field(
        3000, ge=0, description="requests of one account that the api answers in a minute; 0: no limit"
    )
    logins_per_minute: int = Field(
        30,
        ge=0,
        description="tries to sign in from one address, or of one account's secrets, in a minute; 0: no limit",
    )
    sse_queue_events: int = Field(
        256, ge=1, description="events waiting for a slow stream client before it is closed"
    )
    webhook_http: bool = Field(False, description="true: webhooks may go to http:// too, unencrypted")
    webhook_ports: Annotated[frozenset[int], NoDecode, BeforeValidator(parse_ports)] = Field(
        frozenset({443, 8443}), description="ports that webhooks may go to, comma-separated, or any"
    )
    webhook_schedule_s: Annotated[tuple[int, ...], NoDecode, BeforeValidator(parse_seconds)] = Field(
        (0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400),
        description="seconds before each attempt of a webhook, comma-separated",
    )
    webhook_timeout_s: float = Field(15.0, gt=0, le=60, description="deadline of a webhook attempt")
    webhook_keep_days: int = Field(30, ge=1, description="days that the log of webhook deliveries goes back")

    @property
    def process_name(self) -> str:
        """Name of this process in logs, Kafka and PostgreSQL."""
        return os.environ.get("ROADWATCH_PROCESS", "roadwatch")


def settings_table() -> str:
    """The settings as a Markdown table, for the docs."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        shown = "empty" if field.default == "" else f"`{_shown(field.default)}`"
        rows.append(f"| `ROADWATCH_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows) + "\n"


def _shown(default: object) -> str:
    """A default as one would write it."""
    if isinstance(default, frozenset):
        return ",".join(map(str, sorted(default)))
    if isinstance(default, tuple):
        return ",".join(f"{part:g}" if isinstance(part, float) else str(part) for part in default)
    return str(default)
