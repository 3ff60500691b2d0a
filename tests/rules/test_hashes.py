"""Hashes of secrets, and which secret matches which hash."""

import hashlib

import pytest
from django.contrib.auth.hashers import make_password

from tests.support.hashers import DJANGO_HASHERS
from tot_jwt.rules import hashes


@pytest.mark.req("B2")
def test_hash_is_tagged_sha_256():
    assert hashes.hash_secret("abc") == (
        "sha256$ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


@pytest.mark.req("B2")
@pytest.mark.parametrize("secret", ["4711", "z" * 512, "Ümläute"])
def test_secret_matches_hash_of_any_tag(settings, secret):
    settings.PASSWORD_HASHERS = DJANGO_HASHERS
    stored = [
        hashes.hash_secret(secret),
        "sha512$$" + hashlib.sha512(secret.encode()).hexdigest(),
        "sha256$$" + hashlib.sha256(secret.encode()).hexdigest(),
        *[make_password(secret, hasher=tag) for tag in ("pbkdf2_sha256", "scrypt", "md5")],
    ]

    assert [hashes.matches(secret, each) for each in stored] == [True] * 6
    assert [hashes.matches(secret + " ", each) for each in stored] == [False] * 6
    assert [hashes.matches(each, each) for each in stored] == [False] * 6
    assert [hashes.is_slow(each) for each in stored] == [False] * 3 + [True] * 3
    assert [hashes.is_own(each) for each in stored] == [True] + [False] * 5


@pytest.mark.req("B2")
@pytest.mark.parametrize(
    "stored_hash",
    [
        "",
        "x" * 32,
        "secret",
        "sha256$",
        "sha256$ß",
        "sha256$$",
        "sha512$$",
        "sha512$salt$00",
        "md5$",
        "md5$salt",
        "md5$$00",
        "pbkdf2_sha256$many$salt$00",
        "scrypt$1$2",
        "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA",
        "unknown$1$salt$00",
        "!unusable",
        "$2b$12$" + "a" * 53,
    ],
)
def test_unreadable_hash_matches_nothing(settings, caplog, stored_hash):
    settings.PASSWORD_HASHERS = [*DJANGO_HASHERS, "tests.support.hashers.UninstalledHasher"]

    assert not hashes.matches("secret", stored_hash)

    assert "secret" not in caplog.text
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    ("stored_hash", "algorithm"),
    [("argon2$a$b", "argon2"), ("new\n$x", "new "), ("no-tag", "unknown")],
)
def test_log_names_the_unreadable_algorithm(caplog, stored_hash, algorithm):
    assert not hashes.matches("zebra", stored_hash)

    [message] = caplog.messages
    assert f"algorithm={algorithm}. Is its hasher in PASSWORD_HASHERS" in message


@pytest.mark.req("B2")
def test_only_weak_secrets_get_slow_hashes():
    strong, weak = "z" * hashes.STRONG_SECRET, "z" * (hashes.STRONG_SECRET - 1)

    assert [hashes.is_strong(each) for each in (strong, weak)] == [True, False]
    assert hashes.hash_for_storage(strong) == hashes.hash_secret(strong)
    assert hashes.is_slow(hashes.hash_for_storage(weak))
    assert hashes.matches(weak, hashes.hash_for_storage(weak))
