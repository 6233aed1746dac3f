"""A small OpenID provider on loopback that says whatever a test wants said; it checks the code, the secret and PKCE as a real one does."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

CLIENT, SECRET = "roadwatch", "provider-secret"
SUBJECT = "248289761001"


def b64(data: bytes | str) -> str:
    """base64url without padding."""
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(value: int) -> str:
    """A number as a JWK has it."""
    return b64(value.to_bytes((value.bit_length() + 7) // 8))


def new_rsa(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A fresh key."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def jwk(key: rsa.RSAPrivateKey, kid: str, **more: Any) -> dict[str, Any]:
    """Its public part."""
    public = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "kid": kid,
        "use": "sig",
        "alg": "RS256",
        "n": number(public.n),
        "e": number(public.e),
        **more,
    }


def rs256(key: rsa.RSAPrivateKey, signing: bytes) -> bytes:
    """A signature."""
    return key.sign(signing, padding.PKCS1v15(), hashes.SHA256())


def token(header: dict[str, Any], claims: Any, sign: Callable[[bytes], bytes]) -> str:
    """A compact token, signed however."""
    signing = f"{b64(json.dumps(header))}.{b64(json.dumps(claims))}"
    return f"{signing}.{b64(sign(signing.encode()))}"


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    """Signs with a shared secret."""
    return lambda signing: hmac.digest(secret, signing, "sha256")


@dataclass
class Provider:
    """The provider; `make` turns the nonce of a sign-in into the ID token that is given out for its code."""

    key: rsa.RSAPrivateKey = field(default_factory=new_rsa)
    issuer: str = ""
    keys: list[dict[str, Any]] = field(default_factory=list)
    make: Callable[[str], str] = lambda _: ""
    fetched: int = 0
    strangers: int = 0
    status: int = 200
    described: dict[str, Any] = field(default_factory=dict)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free port."""
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._description)
        app.router.add_get("/keys", self._key_set)
        app.router.add_get("/strange-keys", self._strange_keys)
        app.router.add_post("/token", self._token)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.issuer = f"http://127.0.0.1:{port}"
        self.keys = [jwk(self.key, "one")]
        self.make = self.good

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def claims(self, nonce: str, /, **more: Any) -> dict[str, Any]:
        """What a good token says; None takes a claim away."""
        now_s = int(time.time())  # noqa: TID251
        found = {
            "iss": self.issuer, "aud": CLIENT, "sub": SUBJECT, "nonce": nonce, "iat": now_s, "exp": now_s + 300, "email": "wang@example.org",
            **more,
        }  # fmt: skip
        return {name: value for name, value in found.items() if value is not None}

    def signed(self, header: dict[str, Any], claims: Any) -> str:
        """A token with this key."""
        return token(header, claims, lambda signing: rs256(self.key, signing))

    def good(self, nonce: str, header: dict[str, Any] | None = None, /, **claims: Any) -> str:
        """A good token, but for what is given."""
        return self.signed(
            {"alg": "RS256", "kid": "one", "typ": "JWT", **(header or {})}, self.claims(nonce, **claims)
        )

    def authorize(self, location: str) -> dict[str, str]:
        """What a browser brings back from the authorization endpoint after somebody signed in there."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert (asked["response_type"], asked["client_id"], asked["code_challenge_method"]) == (
            "code",
            CLIENT,
            "S256",
        )
        code = secrets.token_urlsafe(8)
        self._codes[code] = asked
        return {"code": code, "state": asked["state"]}

    async def _description(self, _: web.Request) -> web.Response:
        found = {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize", "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys", **self.described,
        }  # fmt: skip
        return web.json_response(found)

    async def _key_set(self, _: web.Request) -> web.Response:
        self.fetched += 1
        return web.json_response({"keys": self.keys})

    async def _strange_keys(self, _: web.Request) -> web.Response:
        self.strangers += 1
        return web.json_response({"keys": []})

    async def _token(self, request: web.Request) -> web.Response:
        if self.status != 200:
            return web.Response(status=self.status, headers={"location": f"{self.issuer}/strange-keys"})
        form = await request.post()
        asked = self._codes.pop(str(form.get("code")), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if asked is None or request.headers.get("authorization") != f"Basic {basic}":
            return web.json_response({"error": "invalid_grant"}, status=400)
        challenge = b64(hashlib.sha256(str(form["code_verifier"]).encode()).digest())
        if challenge != asked["code_challenge"] or form["redirect_uri"] != asked["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response(
            {"access_token": "opaque", "token_type": "Bearer", "id_token": self.make(asked["nonce"])}
        )
