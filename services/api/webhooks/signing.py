"""Signatures of Standard Webhooks 1.0: HMAC-SHA256 (`v1`) and ed25519 (`v1a`) over `id.timestamp.body`; nothing here reads a clock.

The specification: standard-webhooks/standard-webhooks, spec/standard-webhooks.md. Times are whole Unix seconds: a library that takes
calendar times signs wrongly when one carries an offset.
"""

import base64
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

HMAC, ED25519 = "hmac-sha256", "ed25519"
ALGORITHMS = (HMAC, ED25519)
SECRET_PREFIX, PRIVATE_PREFIX, PUBLIC_PREFIX = "whsec_", "whsk_", "whpk_"
SECRET_BYTES = 32
LEAST_BYTES, MOST_BYTES = 24, 64
SEED_BYTES = 32
ROTATION_MS = 24 * 3_600_000
TOLERANCE_S = 300


class BadKey(ValueError):
    """Not a key of either kind."""


@dataclass(frozen=True, slots=True)
class Secret:
    """A key that signs; `until_ms` is when it stops to, None: until it is rotated."""

    key: str
    created_ms: int
    until_ms: int | None = None

    def kept(self) -> dict[str, object]:
        """As the database keeps it."""
        return {"key": self.key, "created_ms": self.created_ms, "until_ms": self.until_ms}


def secrets_of(kept: Iterable[dict[str, object]]) -> list[Secret]:
    """Keys from the database, newest first."""
    return [Secret(**row) for row in kept]  # type: ignore[arg-type]


def new_key(algorithm: str) -> str:
    """A key, drawn: `whsec_…` of 32 bytes, or `whsk_…`, an ed25519 seed followed by its public key."""
    if algorithm == HMAC:
        return SECRET_PREFIX + _encoded(secrets.token_bytes(SECRET_BYTES))
    private = Ed25519PrivateKey.generate()
    return PRIVATE_PREFIX + _encoded(private.private_bytes_raw() + private.public_key().public_bytes_raw())


def public_key(key: str) -> str | None:
    """`whpk_…` of an ed25519 key; None: the key is a shared secret.

    Raises:
        BadKey: it is neither.
    """
    if key.startswith(SECRET_PREFIX):
        return None
    return PUBLIC_PREFIX + _encoded(_private(key).public_key().public_bytes_raw())


def rotated(keys: list[Secret], key: str, at_ms: int) -> list[Secret]:
    """The keys after a rotation: the new one, and the last one for 24 hours more."""
    new = Secret(key, at_ms)
    return [new, *(Secret(old.key, old.created_ms, at_ms + ROTATION_MS) for old in keys[:1])]


def signing(keys: Iterable[Secret], at_ms: int) -> list[str]:
    """The keys that sign at a time, newest first."""
    return [secret.key for secret in keys if secret.until_ms is None or secret.until_ms > at_ms]


def sign(key: str, message: str, timestamp_s: int, body: bytes) -> str:
    """One signature: `v1,…` or `v1a,…` by the kind of key.

    Raises:
        BadKey: it is no key of either kind.
    """
    text = _text(message, timestamp_s, body)
    if key.startswith(SECRET_PREFIX):
        return "v1," + _encoded(hmac.digest(_shared(key), text, "sha256"))
    return "v1a," + _encoded(_private(key).sign(text))


def headers(
    keys: Iterable[str], message: str, timestamp_s: int, body: bytes, number: int | None = None
) -> dict[str, str]:
    """The headers of an attempt, one signature for each key; `number` is the message's among its endpoint's, None: it is not counted."""
    return {
        **({} if number is None else {"webhook-number": str(number)}),
        "webhook-id": message,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(sign(key, message, timestamp_s, body) for key in keys),
    }


def verify(key: str, given: dict[str, str], body: bytes, now_s: int) -> bool:
    """Whether a delivery's headers are right for a key (`whsec_…` or `whpk_…`) and not more than five minutes off.

    Raises:
        BadKey: it is no key of either kind.
    """
    message, timestamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not (timestamp.isascii() and timestamp.isdigit()) or abs(now_s - int(timestamp)) > TOLERANCE_S:
        return False
    text = _text(message, int(timestamp), body)
    right = [_right(key, signature, text) for signature in given.get("webhook-signature", "").split()]
    return any(right)


def _right(key: str, signature: str, text: bytes) -> bool:
    version, _, value = signature.partition(",")
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        return False
    if key.startswith(SECRET_PREFIX):
        return version == "v1" and hmac.compare_digest(raw, hmac.digest(_shared(key), text, "sha256"))
    if version != "v1a":
        return False
    try:
        Ed25519PublicKey.from_public_bytes(_decoded(key, PUBLIC_PREFIX)).verify(raw, text)
    except InvalidSignature:
        return False
    return True


def _text(message: str, timestamp_s: int, body: bytes) -> bytes:
    return f"{message}.{timestamp_s}.".encode() + body


def _shared(key: str) -> bytes:
    raw = _decoded(key, SECRET_PREFIX)
    if not LEAST_BYTES <= len(raw) <= MOST_BYTES:
        raise BadKey(f"a secret has {LEAST_BYTES} to {MOST_BYTES} bytes, this one {len(raw)}")
    return raw


def _private(key: str) -> Ed25519PrivateKey:
    raw = _decoded(key, PRIVATE_PREFIX)
    if len(raw) not in {SEED_BYTES, 2 * SEED_BYTES}:
        raise BadKey(f"an ed25519 key has 32 or 64 bytes, this one {len(raw)}")
    return Ed25519PrivateKey.from_private_bytes(raw[:SEED_BYTES])


def _decoded(key: str, prefix: str) -> bytes:
    if not key.startswith(prefix):
        raise BadKey(f"expected a key that begins with {prefix}")
    try:
        return base64.b64decode(key.removeprefix(prefix), validate=True)
    except ValueError as error:
        raise BadKey("not base64") from error


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
