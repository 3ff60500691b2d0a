"""Generated keys, and secrets in memory that show themselves nowhere."""

import copy
import io
import pickle
import re

import pytest
from django.contrib.auth.hashers import make_password
from hypothesis import given, strategies

from tot_jwt.rules import credentials, hashes
from tot_jwt.rules.credentials import PresentedSecret, SecretKey


@pytest.mark.req("B1")
@pytest.mark.parametrize("environment", ["live", "test"])
def test_generated_keys_have_documented_form(environment):
    public_key = credentials.generate_public_key(environment)
    secret = credentials.generate_secret(environment).reveal()

    assert re.fullmatch(rf"pk_{environment}_tot_[0-9A-Za-z]{{22}}", public_key)
    assert re.fullmatch(rf"sk_{environment}_tot_[0-9A-Za-z]{{49}}", secret)
    assert credentials.has_valid_checksum(secret)


@pytest.mark.req("B1")
def test_generated_secrets_are_all_different():
    secrets = {credentials.generate_secret("live").reveal() for _ in range(500)}

    assert len(secrets) == 500
    assert len({letter for secret in secrets for letter in secret[12:55]}) == 62


@pytest.mark.req("B1")
def test_secrets_use_operating_systems_randomness(monkeypatch):
    asked = []
    monkeypatch.setattr("secrets.choice", lambda letters: asked.append(letters) or "x")

    credentials.generate_secret("live")

    assert asked == [credentials.BASE62] * 43


@pytest.mark.req("B1")
def test_checksum_is_crc_32_in_base62():
    assert credentials.checksum("") == "000000"
    # The definition of the polynomial says that crc32(b"123456789") is 0xCBF43926.
    digits = reversed(credentials.checksum("123456789"))
    value = sum(credentials.BASE62.index(digit) * 62**place for place, digit in enumerate(digits))
    assert value == 0xCBF43926


@pytest.mark.req("B1")
@given(strategies.integers(0, 54), strategies.sampled_from(credentials.BASE62))
def test_mistyped_secret_has_invalid_checksum(place, letter):
    secret = "sk_live_" + "tot_" + "a" * 43
    whole = secret + credentials.checksum(secret)
    mistyped = whole[:place] + letter + whole[place + 1 :]

    assert credentials.has_valid_checksum(mistyped) is (mistyped == whole)


@pytest.mark.req("E2")
def test_secret_in_memory_is_never_shown():
    secret = SecretKey("sk_live_" + "zebra")
    texts = [repr(secret), str(secret), f"{secret}"]
    assert set(texts) == {"<SecretKey: redacted>"}

    printed = io.StringIO()
    print(secret, file=printed)
    texts += [
        printed.getvalue(),
        f"{secret!s:>80}",
        repr([secret]),
        repr({"a": secret}),
        repr(copy.deepcopy(secret)),
        pickle.dumps(secret).decode("latin-1"),
    ]

    assert not [text for text in texts if "zebra" in text]


def test_secret_can_be_revealed_and_hinted():
    secret = SecretKey("sk_live_" + "zebra")

    assert secret.reveal() == "sk_live_" + "zebra"
    assert secret.hint == "ebra"


@pytest.mark.req("E2")
def test_pickled_secret_comes_back_redacted():
    unpickled = pickle.loads(pickle.dumps(SecretKey("zebra")))  # noqa: S301 - pickled here

    assert unpickled.reveal() == "<SecretKey: redacted>"


@pytest.mark.req("E2")
def test_presented_secret_is_never_shown():
    presented = PresentedSecret("zebra")
    texts = [repr(presented), str(presented), f"{presented}", repr([presented])]
    assert set(texts[:3]) == {"<PresentedSecret: redacted>"}

    texts += [pickle.dumps(presented).decode("latin-1"), repr(copy.deepcopy(presented))]
    assert not [text for text in texts if "zebra" in text or presented.fast_hash in text]
    assert not pickle.loads(pickle.dumps(presented)).matches(presented.fast_hash)  # noqa: S301


@pytest.mark.req("B2")
@pytest.mark.parametrize("secret", ["zebra", "z" * 20, "Ümläute"])
def test_presented_secret_matches_its_hashes(secret):
    presented, other = PresentedSecret(secret), PresentedSecret(secret + ".")

    for stored_hash in (hashes.hash_secret(secret), make_password(secret)):
        assert [each.was_compared(stored_hash) for each in (presented, other)] == [False, False]
        assert [each.matches(stored_hash) for each in (presented, other)] == [True, False]
        assert [each.was_compared(stored_hash) for each in (presented, other)] == [True, True]


def test_presented_secret_knows_its_storage():
    weak, strong = PresentedSecret("z" * 19), PresentedSecret("z" * 20)
    fast, slow, foreign = "sha256$00", "argon2$argon2id$00", "sha512$$00"

    assert [weak.is_stored_well(each) for each in (fast, slow, foreign)] == [False, True, False]
    assert [strong.is_stored_well(each) for each in (fast, slow, foreign)] == [True, False, False]
    assert weak.is_stored_well(weak.hash_for_storage())
    assert strong.is_stored_well(strong.hash_for_storage())
