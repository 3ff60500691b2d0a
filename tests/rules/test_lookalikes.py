"""Texts that are imported as a secret by mistake, and secrets that only look unusual."""

import base64
import hashlib
import secrets
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tot_jwt.rules import lookalikes
from tot_jwt.rules.credentials import generate_secret

pytestmark = pytest.mark.req("B6")

ROW = ["myapp.com", "old.1", "The first", "live", ""]
HASHES = [
    "sha256$" + "0a" * 32,
    "sha512$$" + "0a" * 64,
    "SHA-512:" + "0a" * 64,
    "pbkdf2_sha256$600000$salt$aGFzaA==",
    "pbkdf2:sha256:600000$salt$00",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA",
    "$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA",
    "bcrypt_sha256$$2b$12$" + "a" * 53,
    "$2b$12$" + "a" * 53,
    "$5$rounds=5000$salt$hash",
    "$6$salt$hash",
    "$P$B" + "a" * 30,
    "$pbkdf2-sha256$29000$salt$hash",
    "scrypt$16384$salt$8$1$hash",
    "md5$salt$00",
    "{SSHA}aGFzaA==",
    "{bcrypt}$2a$10$" + "a" * 53,
    "abcdefgh.sha512$$" + "0a" * 64,
    "abcdefgh.pbkdf2_sha256$600000$salt$aGFzaA==",
    *[
        hashlib.new(name, text.encode()).hexdigest()
        for name, text in [("md5", ""), ("sha1", "myapp.com"), ("sha512", "old.1")]
    ],
]
MASKS = [
    "********",
    "***",
    "sk_live_****abcd",
    "sk_live_***",
    "••••••••1234",
    "sk_live_●●●●",
    "sk_live_...",
    "sk_live_…abcd",
    "abcd...wxyz",
    "xxxx",
    "XXXX-XXXX-XXXX-1234",
    "xxxxxxxx1234",
    "sk_live_" + "x" * 32,
    "####-1234",
    "1.23457E+31",
]
PLACEHOLDERS = [
    "-",
    "0000",
    "a" * 40,
    "changeme",
    "CHANGE_ME",
    "change-me-123",
    "secret",
    "secretkey1",
    "null",
    "None",
    "n/a",
    "REDACTED",
    "[FILTERED]",
    "<secret>",
    "<SecretKey: redacted>",
    "(hidden)",
    "${SECRET_KEY}",
    "{{ secret.key }}",
    "%SECRET%",
    "$SECRET_KEY",
    "#REF!",
    "your_secret_key_here",
    "replace this with your secret key",
    "sk_live_",
    "sk_test_example_key",
    "see vault",
    "vault:secret/data/app#key",
    "op://vault/item/field",
    "ENC[AES256_GCM,data:abc]",
    "test",
]
HONEST = [
    "4711",
    "hunter2",
    "correct horse battery staple",
    "the secret of our success is hard work",
    "Wait... what is the word?",
    "an old secret of 32 characters..",
    "sk_live_94823472389472394872",
    "old_key_of_the_first_customer",
    "{not closed by anything: 1234567",
    "$y$ is not a hash, and neither is <this>",
    "d41d8cd98f00b204e9800998ecf8427f",
    "åß∂ƒ©˙∆˚¬ πø¨ˆ¥†®´∑œ",
]


def why(text):
    """Return the first words of the reason why the text is not a secret."""
    mistake = lookalikes.mistake(text, ROW)
    return mistake and str(mistake).partition(".")[0]


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (HASHES, "This is a stored hash, not a secret"),
        (MASKS, "This is a masked secret"),
        (PLACEHOLDERS, "This is a placeholder"),
        (["pk_live_0123", "pk_x"], "This looks like a public key"),
        (["MyApp.com", "old.1", "the first"], "This is the value of another column"),
        (HONEST, None),
    ],
    ids=["hashes", "masks", "placeholders", "public keys", "columns", "secrets"],
)
def test_mistake_is_told_by_kind(texts, reason):
    assert {text: why(text) for text in texts} == dict.fromkeys(texts, reason)


def test_reason_repeats_nothing_and_advises():
    for text in [*HASHES, *MASKS, *PLACEHOLDERS]:
        reason = str(lookalikes.mistake(text, ROW))
        assert len(text) < 8 or text not in reason
        assert "Enter the" in reason


@given(st.binary(min_size=32, max_size=64))
def test_random_secrets_are_accepted(random):
    texts = [
        random.hex(),
        base64.b64encode(random).decode(),
        base64.urlsafe_b64encode(random).decode().rstrip("="),
        str(uuid.UUID(bytes=random[:16])),
        f"{random[:4].hex()}.{random.hex()}",
    ]

    assert {text: why(text) for text in texts if len(set(text)) > 8} == dict.fromkeys(
        [text for text in texts if len(set(text)) > 8]
    )


def test_generated_secrets_are_accepted():
    texts = [generate_secret("live").reveal() for _ in range(50)]
    texts += [secrets.token_hex(size) for size in (16, 20, 32, 48, 64)]

    assert {text: why(text) for text in texts} == dict.fromkeys(texts)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
@pytest.mark.parametrize("column", ["Old-Key.A1", "old-key.a1", "OLD-KEY.A1", "Größe.A"])
@pytest.mark.parametrize("around", ["", " ", "\t"])
def test_digest_of_any_spelling_is_hash(algorithm, column, around):
    digest = hashlib.new(algorithm, column.encode()).hexdigest()
    others = ["myapp.com", f"{around}{column}{around}"]

    for text in (digest, digest.upper()):
        assert str(lookalikes.mistake(text, others)).startswith("This is a stored hash")
        assert lookalikes.is_digest_of(text, others)
    assert lookalikes.mistake(digest, ["myapp.com", column + "x"]) is None


def test_digest_of_folded_column_is_hash():
    digest = hashlib.sha256(b"old-key.a1").hexdigest()

    assert lookalikes.is_digest_of(digest, ["Old-Key.A1"])
    assert not lookalikes.is_digest_of(digest[:-2], ["Old-Key.A1"])


@pytest.mark.parametrize(
    ("text", "is_hash", "is_secret"),
    [
        ("sk_live_0123", False, True),
        ("Sk_test_0123", False, True),
        ("Bearer sk_live_0123", False, True),
        ("abcd.sha512$$00", True, False),
        ("$2b$12$abc", True, False),
        ("pk_live_0123", False, False),
        ("risk_level", False, False),
        ("abcd.efgh", False, False),
    ],
)
def test_public_column_holds_no_secrets(text, is_hash, is_secret):
    assert (lookalikes.is_hash(text), lookalikes.is_secret_key(text)) == (is_hash, is_secret)
