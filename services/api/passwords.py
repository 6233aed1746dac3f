"""Passwords, one-time codes, session tokens and API keys: made, hashed and compared. Nothing here reads a clock or a database."""

import base64
import hashlib
import hmac
import re
import secrets
import struct

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

LEAST, MOST = 12, 128
HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""argon2id with the least that OWASP's Password Storage Cheat Sheet names: 19 MiB, two passes."""
NOBODY = HASHER.hash(secrets.token_urlsafe(16))
"""Compared with when a login does not exist, so that an answer takes as long as for one that does."""

STEP_S, DIGITS, DRIFT = 30, 6, 1
KEY = re.compile(r"rw_([A-Za-z0-9]{8})_([A-Za-z0-9_-]{43})", re.ASCII)
KEY_ID_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


def hashed(password: str) -> str:
    """An argon2id hash, with its salt and cost in it."""
    return HASHER.hash(password)


def right(password: str, kept: str | None) -> bool:
    """Whether the password is the one that was hashed; takes its time also where there is none."""
    try:
        HASHER.verify(kept or NOBODY, password)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def weak(password: str, login: str) -> str | None:
    """What is wrong with a new password: `short`, `long`, `login` (holds the login) or `plain` (too few different characters)."""
    if len(password) < LEAST:
        return "short"
    if len(password) > MOST:
        return "long"
    if login.lower() in password.lower():
        return "login"
    return "plain" if len(set(password)) < LEAST // 2 else None


def first_password() -> str:
    """A password that its holder must change: 96 bits."""
    return secrets.token_urlsafe(12) + "A1"


def new_token() -> tuple[str, bytes]:
    """A session's token and the hash under which it is kept."""
    token = secrets.token_urlsafe(32)
    return token, digest(token)


def digest(secret: str) -> bytes:
    """SHA-256; enough for secrets that were drawn, which nobody can guess (ASVS 6.5.2)."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def new_key() -> tuple[str, str, bytes]:
    """An API key, its public id and its hash; 256 bits behind a prefix that secret scanners find."""
    key_id = "".join(secrets.choice(KEY_ID_LETTERS) for _ in range(8))
    key = f"rw_{key_id}_{secrets.token_urlsafe(32)}"
    return key, key_id, digest(key)


def key_id_of(text: str) -> str | None:
    """The public id in a key; None: no key of ours."""
    found = KEY.fullmatch(text)
    return found[1] if found else None


def new_totp_secret() -> str:
    """160 bits in base32, as authenticator programs take them."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def totp(secret: str, step: int) -> str:
    """The code of a time step (RFC 6238: HMAC-SHA1, six digits)."""
    mac = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), "sha1")
    place = mac[-1] & 15
    number = int.from_bytes(mac[place : place + 4]) & 0x7FFF_FFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def totp_step(secret: str, code: str, now_s: int, after: int) -> int | None:
    """The time step that a code belongs to, one step of drift allowed, later than the last one used; None: wrong or used."""
    for step in range(now_s // STEP_S - DRIFT, now_s // STEP_S + DRIFT + 1):
        if step > after and hmac.compare_digest(totp(secret, step), code):
            return step
    return None
