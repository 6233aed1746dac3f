"""The identity provider over HTTP: its description and keys, kept for a while, and the exchange of a code. Every answer is bounded in time and size.

An unknown `kid` may mean that the provider has changed its keys, so the set is read anew, but at most once a minute: strangers with invented
tokens must not flood the provider through us.
"""

import asyncio
import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import msgspec

from services.api.oidc import tokens
from services.runtime.clock import monotonic_s
from services.runtime.settings import Settings

DISCOVERY = "/.well-known/openid-configuration"
TIMEOUT = aiohttp.ClientTimeout(total=10)
MOST_BYTES = 256 * 1024
KEEP_S = 3600.0
AGAIN_S = 60.0
PLAIN = {"accept": "application/json", "accept-encoding": "identity"}
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class ProviderAway(ConnectionError):
    """The provider does not answer, or not as one of its kind does."""


class CodeRefused(ValueError):
    """The provider does not take the code."""


class Description(msgspec.Struct, frozen=True):
    """What we need of a provider's description of itself."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Something read, and when."""

    value: Any
    at_s: float


class Provider:
    """One provider, as the settings name it."""

    def __init__(self, settings: Settings) -> None:
        """Nothing is asked of it until somebody signs in."""
        self.issuer = settings.oidc_issuer
        self.client_id = settings.oidc_client_id
        self.algorithm = settings.oidc_algorithm
        self._secret_file = settings.oidc_client_secret_file
        self._description: Kept | None = None
        self._keys: Kept | None = None
        self._failed_s = float("-inf")
        self._lock = asyncio.Lock()

    @property
    def on(self) -> bool:
        """Whether it is set up at all."""
        return bool(self.issuer and self.client_id)

    async def description(self) -> Description:
        """The provider's description, not older than an hour.

        Raises:
            ProviderAway: it cannot be had, names another issuer, or an address that is not safe.
        """
        async with self._lock:
            if self._description is None or monotonic_s() - self._description.at_s > KEEP_S:
                found = _described(await self._read("GET", self.issuer.rstrip("/") + DISCOVERY))
                if found.issuer != self.issuer:
                    raise ProviderAway(f"it calls itself {found.issuer[:200]!r}, not {self.issuer!r}")
                for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
                    check_address(address, self.issuer)
                self._description = Kept(found, monotonic_s())
            known: Description = self._description.value
            return known

    async def subject(self, token: str, expected: tokens.Expected) -> str:
        """The `sub` of an ID token.

        Raises:
            tokens.BadToken: it is not accepted.
            ProviderAway: the keys cannot be had.
        """
        keys = await self._key_set(since_s=KEEP_S)
        try:
            return tokens.subject(token, keys, expected)
        except tokens.UnknownKey:
            return tokens.subject(token, await self._key_set(since_s=AGAIN_S), expected)

    async def _key_set(self, *, since_s: float) -> dict[str, Any]:
        """The provider's keys, read anew if they are older than that; a failure is not tried again for a minute while old ones are known."""
        description = await self.description()
        async with self._lock:
            now_s = monotonic_s()
            kept = self._keys
            fresh = kept is not None and now_s - kept.at_s <= since_s
            if not fresh and (kept is None or now_s - self._failed_s > AGAIN_S):
                try:
                    self._keys = kept = Kept(await self._read("GET", description.jwks_uri), now_s)
                except ProviderAway:
                    self._failed_s = now_s
                    if kept is None:
                        raise
            found: dict[str, Any] = kept.value if kept is not None else {}
            return found

    async def exchange(self, code: str, verifier: str, redirect_uri: str) -> str:
        """The ID token for a code.

        Raises:
            ProviderAway, CodeRefused: there is none.
        """
        description = await self.description()
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier,
            "client_id": self.client_id,
        }  # fmt: skip
        headers = {}
        if self._secret_file:
            secret = (await asyncio.to_thread(Path(self._secret_file).read_text, encoding="utf-8")).strip()
            headers["authorization"] = basic(self.client_id, secret)
            del form["client_id"]
        answer = await self._read("POST", description.token_endpoint, form, headers)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise CodeRefused("there is no id_token")
        return token

    async def _read(
        self, method: str, url: str, form: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """A JSON object; redirects are not followed, proxies of the environment not used."""
        check_address(url, self.issuer)
        try:
            async with (
                aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False, auto_decompress=False) as session,
                session.request(
                    method, url, data=form, allow_redirects=False, headers=PLAIN | (headers or {}),
                ) as answer,
            ):  # fmt: skip
                body = await answer.content.read(MOST_BYTES + 1)
                while len(body) <= MOST_BYTES and (more := await answer.content.read(MOST_BYTES)):
                    body += more
                if form is not None and 400 <= answer.status < 500:
                    raise CodeRefused(f"{answer.status} {body[:200]!r}")
                if answer.status != 200 or len(body) > MOST_BYTES:
                    raise ProviderAway(f"{url}: status {answer.status}, {len(body)} bytes")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if isinstance(error, ProviderAway):
                raise
            raise ProviderAway(f"{url}: {type(error).__name__}: {error}") from error
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProviderAway(f"{url}: not a JSON object") from error


def _described(found: dict[str, Any]) -> Description:
    try:
        return msgspec.convert(found, Description)
    except msgspec.ValidationError as error:
        raise ProviderAway(f"its description: {error}") from error


def basic(client_id: str, secret: str) -> str:
    """How a client says who it is (RFC 6749, 2.3.1)."""
    both = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(both.encode()).decode()


def check_address(url: str, issuer: str) -> None:
    """Https only, but for a provider on this machine.

    Raises:
        ProviderAway: plain http to elsewhere, or no address.
    """
    parts, home = urlsplit(url), urlsplit(issuer)
    local = home.scheme == "http" and home.hostname in LOOPBACK and parts.hostname in LOOPBACK
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        raise ProviderAway(f"{url[:200]!r} is not https")
