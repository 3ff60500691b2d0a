"""Generated keys, and secrets in memory that show themselves nowhere."""

import copy
import io
import pickle
import re

import pytest
from hypothesis import given, strategies

from tot_jwt.rules import credentials
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
def test_presented_secret_hides_its_hash():
    presented = PresentedSecret("zebra")

    assert repr(presented) == "<PresentedSecret: redacted>"
    assert presented.matches(credentials.hash_secret("zebra"))
    assert not presented.matches(credentials.NO_SECRET)


@pytest.mark.req("B2")
def test_hash_is_tagged_sha_256():
    assert credentials.hash_secret("abc") == (
        "sha256$ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
