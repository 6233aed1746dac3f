"""Whether an ID token is what it should be; pure. Every point of OpenID Connect Core 3.1.3.7 and of RFC 8725 that concerns us, each with a test.

The key comes from the issuer's own set by `kid` alone: what a token says of keys (`jku`, `x5u`, `jwk`, `x5c`) is not looked at.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

LONGEST = 8192
LEEWAY_S = 60
OLDEST_S = 600
FAMILIES: dict[str, str] = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
"""The algorithms that may be chosen, one for a provider, and the type of key that each takes; none of them has a shared secret."""
LEAST_RSA_BITS = 2048
KEYS: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


class BadToken(ValueError):
    """A token that is not accepted; the text is for the log."""


class UnknownKey(BadToken):
    """Signed with a key that the issuer does not have, as far as we know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a token must say."""

    issuer: str
    client_id: str
    algorithm: str
    nonce: str
    now_s: int


def subject(token: str, keys: Mapping[str, Any], expected: Expected) -> str:
    """The `sub` of a good ID token; `keys` is the issuer's set (RFC 7517).

    Raises:
        UnknownKey: its `kid` is not in the set.
        BadToken: anything else.
    """
    header = _header(token)
    if header.get("alg") != expected.algorithm:
        raise BadToken(f"alg {header.get('alg')!r}")
    if "crit" in header or "b64" in header or "enc" in header:
        raise BadToken("an extension that is not understood")
    if str(header.get("typ", "JWT")).lower() not in {"jwt", "application/jwt"}:
        raise BadToken(f"typ {header['typ']!r}")
    key = _key(keys, header.get("kid"), expected.algorithm)
    try:
        signed = jws.deserialize_compact(token, key, registry=_registry(expected.algorithm))
        claims = msgspec.json.decode(signed.payload, type=dict[str, Any])
    except (JoseError, ValueError, TypeError) as error:
        raise BadToken(f"signature: {type(error).__name__}") from error
    _check(claims, expected)
    found: str = claims["sub"]
    return found


def _registry(algorithm: str) -> jws.JWSRegistry:
    """One algorithm; header parameters that nobody here knows are passed over, as RFC 7515 (section 4) has it, within LONGEST."""
    registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
    registry.max_header_length = LONGEST
    return registry


def _header(token: str) -> dict[str, Any]:
    if len(token) > LONGEST:
        raise BadToken("too long")
    if not token.isascii() or token.count(".") != 2 or not all(token.split(".")):
        raise BadToken("not a compact signed token")
    first = token.partition(".")[0]
    try:
        found = msgspec.json.decode(
            base64.b64decode(first + "=" * (-len(first) % 4), altchars=b"-_", validate=True),
            type=dict[str, Any],
        )
    except (binascii.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadToken("header") from error
    return found


def _key(keys: Mapping[str, Any], kid: object, algorithm: str) -> RSAKey | ECKey | OKPKey:
    """The one public key for signing of that name and of the algorithm's type."""
    if not isinstance(kid, str) or not kid:
        raise BadToken("no kid")
    given = keys.get("keys")
    known = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    named = [one for one in known if one.get("kid") == kid]
    if not named:
        raise UnknownKey(f"kid {kid[:100]!r}")
    kind = FAMILIES[algorithm]
    fitting = [
        one
        for one in named
        if one.get("kty") == kind
        and one.get("use", "sig") == "sig"
        and one.get("alg", algorithm) == algorithm
    ]
    if len(fitting) != 1:
        raise BadToken(f"{len(fitting)} keys fit kid {kid[:100]!r}")
    if (
        kind == "RSA" and len(str(fitting[0].get("n"))) * 6 < LEAST_RSA_BITS
    ):  # base64url: six bits a character
        raise BadToken("a weak key")
    try:
        key = KEYS[kind].import_key(fitting[0])
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise BadToken(f"key: {error}") from error
    return key


def _check(claims: dict[str, Any], expected: Expected) -> None:
    if claims.get("iss") != expected.issuer:
        raise BadToken("iss")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or expected.client_id not in audiences:
        raise BadToken("aud")
    if claims.get("azp", expected.client_id) != expected.client_id or (
        len(audiences) > 1 and "azp" not in claims
    ):
        raise BadToken("azp")
    if claims.get("nonce") != expected.nonce:
        raise BadToken("nonce")
    _check_times(claims, expected.now_s)
    name = claims.get("sub")
    if not isinstance(name, str) or not 0 < len(name) <= 200 or not name.isprintable():
        raise BadToken("sub")


def _check_times(claims: dict[str, Any], now_s: int) -> None:
    if now_s >= _seconds(claims, "exp") + LEEWAY_S:
        raise BadToken("exp")
    if not now_s - OLDEST_S - LEEWAY_S <= _seconds(claims, "iat") <= now_s + LEEWAY_S:
        raise BadToken("iat")
    if claims.get("nbf") is not None and _seconds(claims, "nbf") > now_s + LEEWAY_S:
        raise BadToken("nbf")


def _seconds(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadToken(name)
    return value
