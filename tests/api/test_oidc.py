"""Signing in at an identity provider: a good token opens a session, and of more than sixty bad ones none does."""

import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from cryptography.hazmat.primitives import serialization

from services.api.identity import Role
from services.api.oidc import provider as provider_module
from services.api.oidc import tokens
from services.runtime.clock import monotonic_s
from services.runtime.settings import Settings
from tests.api.accounts import account, browser
from tests.api.identity_provider import (
    CLIENT,
    SECRET,
    SUBJECT,
    Provider,
    b64,
    hs256,
    jwk,
    new_rsa,
    number,
    rs256,
    token,
)
from tests.api.support import Api, start

PROBLEM = "urn:roadwatch:problem:"
STRANGER, WEAK = new_rsa(), new_rsa(1024)
Forge = Callable[[Provider, str], str]


@pytest.fixture
async def idp() -> AsyncIterator[Provider]:
    """The provider."""
    made = Provider()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def linked(
    api_settings: Settings, writer: asyncpg.Connection, idp: Provider, tmp_path: Path
) -> AsyncIterator[Api]:
    """An api that knows the provider, and an account that is linked to SUBJECT there."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    await account(writer, "wang", Role.DISPATCHER)
    await writer.execute("UPDATE account SET oidc_subject = $1, password_hash = NULL", SUBJECT)
    given = {
        "oidc_issuer": idp.issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret_file": str(secret),
        "logins_per_minute": 0,
    }
    made = await start(api_settings.model_copy(update=given))
    yield made
    await made.stop()


async def signed_in(
    api: Api, idp: Provider, client: httpx2.AsyncClient | None = None, **back: str
) -> httpx2.Response:
    """The whole way of a browser; `back` changes what it brings back."""
    client = client or browser(api)
    away = await client.get("/v1/session/oidc")
    assert away.status_code == 303, away.text
    returned = idp.authorize(away.headers["location"]) | back
    return await client.get("/v1/session/oidc/callback", params=returned)


def problem(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json().get("type", "").removeprefix(PROBLEM)


async def test_a_good_token_opens_the_session_of_the_account_with_its_sub(
    linked: Api, idp: Provider, writer: asyncpg.Connection
) -> None:
    client = browser(linked)
    answer = await signed_in(linked, idp, client)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    assert (await client.get("/v1/me")).json()["id"] == "acc_wang"
    last = await writer.fetchrow("SELECT actor, action, outcome FROM audit ORDER BY seq DESC LIMIT 1")
    assert last is not None
    assert tuple(last) == ("acc_wang", "session.begin", "ok")


ALLOWED: dict[str, Forge] = {
    "expired 50 s ago": lambda idp, nonce: idp.good(nonce, exp=int(time.time()) - 50),  # noqa: TID251
    "good in 50 s": lambda idp, nonce: idp.good(nonce, nbf=int(time.time()) + 50),  # noqa: TID251
    "a list of one audience": lambda idp, nonce: idp.good(nonce, aud=[CLIENT]),
    "two audiences, for us": lambda idp, nonce: idp.good(nonce, aud=[CLIENT, "x"], azp=CLIENT),
    "addresses of keys, not looked at": lambda idp, nonce: idp.good(
        nonce,
        {
            "jku": f"{idp.issuer}/strange-keys",
            "x5u": f"{idp.issuer}/strange-keys",
            "jwk": jwk(STRANGER, "one"),
        },
    ),
    "no typ": lambda idp, nonce: idp.signed({"alg": "RS256", "kid": "one"}, idp.claims(nonce)),
}


@pytest.mark.parametrize("name", ALLOWED)
async def test_what_is_allowed(linked: Api, idp: Provider, name: str) -> None:
    idp.make = lambda nonce: ALLOWED[name](idp, nonce)
    assert (await signed_in(linked, idp)).status_code == 303
    assert idp.strangers == 0


def now_s() -> int:
    return int(time.time())  # noqa: TID251


def shared(secret: Callable[[Provider], bytes]) -> Forge:
    return lambda idp, nonce: token({"alg": "HS256", "kid": "one"}, idp.claims(nonce), hs256(secret(idp)))


def pem(idp: Provider) -> bytes:
    return idp.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def by_stranger(header: dict[str, Any]) -> Forge:
    return lambda idp, nonce: token(
        {"alg": "RS256", "kid": "one", **header}, idp.claims(nonce), lambda text: rs256(STRANGER, text)
    )


def headed(header: dict[str, Any]) -> Forge:
    return lambda idp, nonce: idp.good(nonce, header)


def claiming(**claims: Any) -> Forge:
    return lambda idp, nonce: idp.good(
        nonce, **{name: value(idp) if callable(value) else value for name, value in claims.items()}
    )


def bent(change: Callable[[list[str]], str]) -> Forge:
    return lambda idp, nonce: change(idp.good(nonce).split("."))


def none_signed(alg: str, signature: str) -> Forge:
    return lambda idp, nonce: (
        f"{b64(json.dumps({'alg': alg, 'kid': 'one'}))}.{b64(json.dumps(idp.claims(nonce)))}.{signature}"
    )


HOSTILE: dict[str, Forge] = {
    "alg none, no signature": none_signed("none", ""),
    "alg none, a signature": none_signed("none", "AAAA"),
    "alg None": none_signed("None", "AAAA"),
    "alg nOnE": none_signed("nOnE", "AAAA"),
    "alg empty": none_signed("", "AAAA"),
    "alg missing": lambda idp, nonce: idp.signed({"kid": "one"}, idp.claims(nonce)),
    "alg a list": headed({"alg": ["RS256"]}),
    "HS256 with the public key as PEM": shared(pem),
    "HS256 with the modulus": shared(lambda idp: number(idp.key.public_key().public_numbers().n).encode()),
    "HS256 with the client secret": shared(lambda _: SECRET.encode()),
    "HS256 with nothing": shared(lambda _: b""),
    "RS512": headed({"alg": "RS512"}),
    "PS256": headed({"alg": "PS256"}),
    "ES256": headed({"alg": "ES256"}),
    "EdDSA": headed({"alg": "EdDSA"}),
    "a stranger's key": by_stranger({}),
    "a stranger's key, jku": lambda idp, nonce: by_stranger({"kid": "x", "jku": f"{idp.issuer}/strange-keys"})(idp, nonce),
    "a stranger's key, x5u": lambda idp, nonce: by_stranger({"kid": "x", "x5u": f"{idp.issuer}/strange-keys"})(idp, nonce),
    "a stranger's key, embedded": by_stranger({"jwk": jwk(STRANGER, "one")}),
    "a stranger's key, embedded, without kid": by_stranger({"kid": None, "jwk": jwk(STRANGER, "x")}),
    "a stranger's certificate": by_stranger({"x5c": ["AAAA"]}),
    "an unknown kid": headed({"kid": "nine"}),
    "no kid": headed({"kid": None}),
    "an empty kid": headed({"kid": ""}),
    "a kid that is a number": headed({"kid": 1}),
    "a kid that is a path": headed({"kid": "../../dev/null"}),
    "a key for encryption": headed({"kid": "enc"}),
    "a key of another algorithm": headed({"kid": "ps"}),
    "a shared key in the set": lambda idp, nonce: token({"alg": "RS256", "kid": "oct"}, idp.claims(nonce), hs256(b"k" * 32)),
    "a kid that two keys have": headed({"kid": "twice"}),
    "a weak key": lambda idp, nonce: token({"alg": "RS256", "kid": "weak"}, idp.claims(nonce), lambda text: rs256(WEAK, text)),
    "crit": headed({"crit": ["exp"], "exp": 1}),
    "b64 false": headed({"b64": False, "crit": ["b64"]}),
    "an access token": headed({"typ": "at+jwt"}),
    "a logout token": headed({"typ": "logout+jwt"}),
    "another issuer": claiming(iss="https://attacker.example"),
    "the issuer with a slash": claiming(iss=lambda idp: idp.issuer + "/"),
    "the issuer in capitals": claiming(iss=lambda idp: idp.issuer.upper()),
    "a list of issuers": claiming(iss=lambda idp: [idp.issuer]),
    "no issuer": claiming(iss=None),
    "another audience": claiming(aud="other"),
    "other audiences": claiming(aud=["other", "more"]),
    "an audience that begins so": claiming(aud=CLIENT + "2"),
    "an audience that is an object": claiming(aud={CLIENT: 1}),
    "no audience": claiming(aud=None),
    "two audiences, for nobody": claiming(aud=[CLIENT, "x"]),
    "for another party": claiming(azp="other"),
    "expired 70 s ago": claiming(exp=lambda _: now_s() - 70),
    "no expiry": claiming(exp=None),
    "an expiry in words": claiming(exp="tomorrow"),
    "an expiry that is true": claiming(exp=True),
    "good only in 70 s": claiming(nbf=lambda _: now_s() + 70),
    "nbf in words": claiming(nbf="now"),
    "made in the future": claiming(iat=lambda _: now_s() + 120),
    "made an hour ago": claiming(iat=lambda _: now_s() - 3600),
    "not made at any time": claiming(iat=None),
    "another nonce": claiming(nonce="x" * 43),
    "no nonce": claiming(nonce=None),
    "no sub": claiming(sub=None),
    "an empty sub": claiming(sub=""),
    "a sub that is a number": claiming(sub=int(SUBJECT)),
    "a sub with a NUL": claiming(sub=SUBJECT + "\0"),
    "a sub of 300 characters": claiming(sub="1" * 300),
    "more than 8 kB": claiming(padding="x" * 8000),
    "claims exchanged": bent(lambda part: f"{part[0]}.{b64(json.dumps({'sub': SUBJECT}))}.{part[2]}"),
    "a signature cut short": bent(lambda part: ".".join([*part[:2], part[2][:-4]])),
    "no signature": bent(lambda part: ".".join([*part[:2], ""])),
    "two parts": bent(lambda part: ".".join(part[:2])),
    "four parts": bent(lambda part: ".".join([*part, part[2]])),
    "five parts, encrypted": bent(lambda _: ".".join([b64('{"alg":"RSA-OAEP","enc":"A256GCM"}'), *["AAAA"] * 4])),
    "a header that is no JSON": bent(lambda part: ".".join([b64("{"), *part[1:]])),
    "a header that is a list": bent(lambda part: ".".join([b64("[]"), *part[1:]])),
    "a header that is no base64": bent(lambda part: ".".join(["*" + part[0][1:], *part[1:]])),
    "spaces": bent(lambda part: " " + ".".join(part)),
    "a list of claims": lambda idp, nonce: idp.signed({"alg": "RS256", "kid": "one"}, [idp.claims(nonce)]),
    "claims that are text": lambda idp, _nonce: idp.signed({"alg": "RS256", "kid": "one"}, "x"),
    "the JSON form": bent(lambda part: json.dumps({"protected": part[0], "payload": part[1], "signature": part[2]})),
    "empty": lambda _idp, _nonce: "",
}  # fmt: skip


async def test_no_hostile_token_is_accepted(linked: Api, idp: Provider, writer: asyncpg.Connection) -> None:
    assert len(HOSTILE) >= 40
    idp.keys += [
        jwk(idp.key, "enc", use="enc"), jwk(idp.key, "ps", alg="PS256"), jwk(idp.key, "twice"), jwk(STRANGER, "twice"), jwk(WEAK, "weak"),
        {"kty": "oct", "kid": "oct", "k": b64(b"k" * 32)},
    ]  # fmt: skip
    accepted = []
    for name, forge in HOSTILE.items():
        idp.make = lambda nonce, forge=forge: forge(idp, nonce)  # type: ignore[misc]
        client = browser(linked)
        answer = await signed_in(linked, idp, client)
        if problem(answer) != (401, "oidc-refused") or (await client.get("/v1/me")).status_code != 401:
            accepted.append((name, answer.status_code))
    assert accepted == []
    assert await writer.fetchval("SELECT count(*) FROM session") == 0
    assert idp.strangers == 0
    idp.make = idp.good
    assert (await signed_in(linked, idp)).status_code == 303, "and the good one still is"


async def test_tokens_with_unknown_keys_do_not_flood_the_provider_and_a_new_key_is_found(
    linked: Api, idp: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await signed_in(linked, idp)).status_code == 303
    assert idp.fetched == 1
    for kid in range(20):
        idp.make = lambda nonce, kid=kid: idp.good(nonce, {"kid": f"k{kid}"})  # type: ignore[misc]
        assert (await signed_in(linked, idp)).status_code == 401
    assert idp.fetched == 1, "read less than a minute ago"
    idp.keys.append(jwk(idp.key, "k1"))
    later = monotonic_s() + 61
    monkeypatch.setattr(provider_module, "monotonic_s", lambda: later)
    idp.make = lambda nonce: idp.good(nonce, {"kid": "k1"})
    assert (await signed_in(linked, idp)).status_code == 303
    assert idp.fetched == 2


async def test_whoever_has_no_account_is_told_what_to_do(
    linked: Api, idp: Provider, writer: asyncpg.Connection
) -> None:
    idp.make = lambda nonce: idp.good(nonce, sub="other", email="wang@example.org", preferred_username="wang")
    answer = await signed_in(linked, idp)
    assert problem(answer) == (403, "unknown-subject")
    assert "oidc_subject" in answer.json()["detail"]
    assert "other" in answer.json()["detail"]
    idp.make = idp.good
    await writer.execute("UPDATE account SET active = false")
    assert problem(await signed_in(linked, idp)) == (403, "unknown-subject")


async def test_only_the_browser_that_began_comes_back(linked: Api, idp: Provider) -> None:
    assert problem(await signed_in(linked, idp, state="x" * 43)) == (401, "oidc-refused")
    assert problem(await signed_in(linked, idp, iss="https://attacker.example")) == (401, "oidc-refused")
    assert problem(await signed_in(linked, idp, code="guessed")) == (401, "oidc-refused")
    victim, attacker = browser(linked), browser(linked)
    stolen = idp.authorize((await attacker.get("/v1/session/oidc")).headers["location"])
    assert problem(await victim.get("/v1/session/oidc/callback", params=stolen)) == (401, "oidc-refused")
    await victim.get("/v1/session/oidc")
    assert problem(await victim.get("/v1/session/oidc/callback", params=stolen)) == (401, "oidc-refused")
    for bent_cookie in ("", "x", "AAAA" * 20):
        answer = await browser(linked).get(
            "/v1/session/oidc/callback", params=stolen, headers={"cookie": f"roadwatch_oidc={bent_cookie}"}
        )
        assert problem(answer) == (401, "oidc-refused")
    assert problem(await signed_in(linked, idp, error="access_denied", code="")) == (401, "oidc-refused")


async def test_an_id_token_is_no_key_to_the_api(linked: Api, idp: Provider) -> None:
    for bearer in (idp.good("n"), idp.good("n", {"typ": "at+jwt"})):
        answer = await browser(linked).get("/v1/alerts", headers={"authorization": f"Bearer {bearer}"})
        assert answer.status_code == 401


@pytest.mark.parametrize("status", [302, 500, 204])
async def test_a_provider_that_does_not_answer_rightly_is_away(
    linked: Api, idp: Provider, status: int
) -> None:
    idp.status = status
    assert problem(await signed_in(linked, idp)) == (503, "provider-away")
    assert idp.strangers == 0, "a redirect is not followed"


@pytest.mark.parametrize(
    "described",
    [
        {"issuer": "https://attacker.example"},
        {"jwks_uri": "http://attacker.example/keys"},
        {"token_endpoint": "ftp://x/"},
        {"token_endpoint": 1},
    ],
)
async def test_a_description_that_cannot_be_trusted_is_not(
    linked: Api, idp: Provider, described: dict[str, Any]
) -> None:
    idp.described = described
    assert problem(await browser(linked).get("/v1/session/oidc")) == (503, "provider-away")


async def test_the_page_to_sign_in_at_is_told_without_failing(api: Api, linked: Api) -> None:
    """To everybody, also where there is none: nothing that a browser would log as an error."""
    with_one = await browser(linked).get("/v1/session/providers")
    assert (with_one.status_code, with_one.json()) == (
        200, {"items": [{"name": "oidc", "url": "/v1/session/oidc"}]},
    )  # fmt: skip
    without = await browser(api).get("/v1/session/providers")
    assert (without.status_code, without.json()) == (200, {"items": []})


async def test_without_a_provider_it_says_so(api: Api, writer: asyncpg.Connection) -> None:
    assert problem(await browser(api).get("/v1/session/oidc")) == (404, "oidc-off")
    assert problem(await browser(api).get("/v1/session/oidc/callback")) == (404, "oidc-off")


def test_no_algorithm_that_may_be_chosen_has_a_shared_secret() -> None:
    assert set(tokens.FAMILIES.values()) <= set(tokens.KEYS)
    assert not any(name.startswith("HS") or name == "none" for name in tokens.FAMILIES)
