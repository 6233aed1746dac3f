"""Signatures: the official vectors, the public library as oracle, rotation, and that any changed byte is noticed."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from services.api.webhooks import signing
from services.api.webhooks.signing import ED25519, HMAC, BadKey, Secret

ID, AT_S, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
SHARED = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="


@pytest.mark.parametrize(
    ("key", "signature"),
    [
        (SHARED, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        (
            PRIVATE,
            "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
        ),
    ],
    ids=["v1", "v1a"],
)
def test_the_vectors_of_the_reference_libraries(key: str, signature: str) -> None:
    assert signing.sign(key, ID, AT_S, BODY) == signature


def test_the_public_key_of_the_vector() -> None:
    assert signing.public_key(PRIVATE) == PUBLIC
    assert signing.public_key(SHARED) is None
    assert signing.verify(PUBLIC, signing.headers([PRIVATE], ID, AT_S, BODY), BODY, AT_S)


@given(
    raw=st.binary(min_size=24, max_size=64),
    body=st.text().map(str.encode),
    at_s=st.integers(0, 4_000_000_000),
)
def test_the_public_library_signs_the_same(raw: bytes, body: bytes, at_s: int) -> None:
    key = signing.SECRET_PREFIX + signing._encoded(raw)
    oracle = Webhook(key).sign(ID, datetime.fromtimestamp(at_s, UTC), body.decode())
    assert signing.sign(key, ID, at_s, body) == oracle


@pytest.mark.parametrize("algorithm", [HMAC, ED25519])
def test_any_changed_byte_is_refused(algorithm: str) -> None:
    key = signing.new_key(algorithm)
    checked_by = signing.public_key(key) or key
    right = signing.headers([key], ID, AT_S, BODY)
    assert signing.verify(checked_by, right, BODY, AT_S)
    for place in range(len(BODY)):
        changed = bytes([*BODY[:place], BODY[place] ^ 1, *BODY[place + 1 :]])
        assert not signing.verify(checked_by, right, changed, AT_S), place
    for name in ("webhook-id", "webhook-timestamp"):
        for place, letter in enumerate(right[name]):
            wrong = right[name][:place] + ("1" if letter != "1" else "2") + right[name][place + 1 :]
            assert not signing.verify(checked_by, {**right, name: wrong}, BODY, AT_S), (name, place)
    for wrong in ("", "v1,", "v1,AAAA", "v1a,AAAA", "v2," + right["webhook-signature"][4:], "v1", "v1,é"):
        assert not signing.verify(checked_by, {**right, "webhook-signature": wrong}, BODY, AT_S), wrong


def test_an_old_delivery_is_refused() -> None:
    key = signing.new_key(HMAC)
    right = signing.headers([key], ID, AT_S, BODY)
    assert signing.verify(key, right, BODY, AT_S + signing.TOLERANCE_S)
    assert not signing.verify(key, right, BODY, AT_S + signing.TOLERANCE_S + 1)
    assert not signing.verify(key, right, BODY, AT_S - signing.TOLERANCE_S - 1)


@pytest.mark.parametrize("algorithm", [HMAC, ED25519])
def test_a_rotation_signs_with_both_for_a_day(algorithm: str) -> None:
    old, new = signing.new_key(algorithm), signing.new_key(algorithm)
    keys = signing.rotated([Secret(old, 0)], new, 1000)
    assert signing.secrets_of([secret.kept() for secret in keys]) == keys
    during = signing.signing(keys, 1000 + signing.ROTATION_MS - 1)
    assert during == [new, old]
    assert signing.signing(keys, 1000 + signing.ROTATION_MS) == [new]
    given_headers = signing.headers(during, ID, AT_S, BODY)
    assert len(given_headers["webhook-signature"].split(" ")) == 2
    for key in (old, new):
        assert signing.verify(signing.public_key(key) or key, given_headers, BODY, AT_S)
    assert [secret.key for secret in signing.rotated(keys, "whsec_third", 2000)] == ["whsec_third", new]


@pytest.mark.parametrize(
    "key", ["", "x", "whsec_", "whsec_AAAA", "whsec_é", "whsk_AAAA", "whpk_AAAA", PUBLIC]
)
def test_what_is_no_key_does_not_sign(key: str) -> None:
    with pytest.raises(BadKey):
        signing.sign(key, ID, AT_S, BODY)
