"""Stored hashes that an import accepts, and why it rejects others."""

import hashlib
from typing import Any, NoReturn

import pytest
from django.contrib.auth.hashers import (
    BasePasswordHasher,
    BCryptSHA256PasswordHasher,
    MD5PasswordHasher,
    PBKDF2PasswordHasher,
    make_password,
)

from tests.support.hashers import DJANGO_HASHERS
from tot_jwt.exceptions import InvalidValue
from tot_jwt.rules.hashes import hash_secret, matches
from tot_jwt.rules.stored_hashes import StoredHashes

pytestmark = pytest.mark.req("B6")

SECRET = "an old secret of 32 characters.."
BCRYPT = f"{'a' * 21}.{'b' * 31}"
ARGON2 = f"$salt${'b' * 43}"
SHA_512 = hashlib.sha512(SECRET.encode()).hexdigest()


class LibraryMissing(MD5PasswordHasher):
    """A hasher whose library is not installed."""

    algorithm = "argon2"

    def encode(self, *_: Any) -> NoReturn:
        """Raise what Django raises then."""
        raise ValueError("Couldn't load the library")


class WithoutDecode(BasePasswordHasher):
    """A host's own hasher, which cannot take a hash apart."""

    algorithm = "own"

    def encode(self, password: str, salt: str) -> str:
        """Return a hash."""
        return f"own${salt}${password}"


class WithChecksum(BasePasswordHasher):
    """A hasher with the parts of bcrypt's, and the algorithm of Argon2's."""

    algorithm = "argon2"
    compared: list[str] = []

    def encode(self, password: str, salt: str) -> str:
        """Return a hash with a checksum of 31 characters."""
        return f"argon2${salt}${hashlib.sha256((salt + password).encode()).hexdigest()[:31]}"

    def decode(self, encoded: str) -> dict[str, Any]:
        """Return the parts."""
        algorithm, salt, checksum = encoded.split("$")
        return {"algorithm": algorithm, "salt": salt, "checksum": checksum}

    def verify(self, password: str, encoded: str) -> bool:
        """Compare, and count."""
        self.compared.append(encoded)
        return self.encode(password, encoded.split("$")[1]) == encoded


class StandInBCrypt(BCryptSHA256PasswordHasher):
    """A hasher that writes as bcrypt does, without its library."""

    def salt(self) -> str:
        """Return a version, a work factor and a salt."""
        return f"$2b$12${'a' * 21}."

    def encode(self, password: str, salt: str) -> str:
        """Return a hash that is always the same."""
        return f"bcrypt_sha256${salt}{'b' * 31}"

    def verify(self, password: str, encoded: str) -> bool:
        """Match everything."""
        return True


class StandInArgon2(BasePasswordHasher):
    """A hasher that writes as Argon2 does, without its library."""

    algorithm = "argon2"

    def encode(self, password: str, salt: str) -> str:
        """Return a hash that is always the same."""
        return f"argon2$argon2id$v=19$m=102400,t=2,p=8${salt}${'b' * 43}"

    def decode(self, encoded: str) -> dict[str, Any]:
        """Return the digest."""
        return {"hash": encoded.rpartition("$")[2]}

    def verify(self, password: str, encoded: str) -> bool:
        """Match everything."""
        return True


class DiligentPBKDF2(PBKDF2PasswordHasher):
    """A hasher that a host set to more work than the limit, without that work."""

    iterations = 3_000_010

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Return a hash of one iteration under the number of many."""
        quick = super().encode(password, salt, 1).split("$")
        return "$".join([quick[0], str(iterations or self.iterations), *quick[2:]])


class OtherForm(PBKDF2PasswordHasher):
    """A hasher of the host that writes its iterations in its own way."""

    algorithm = "pbkdf2_other"
    iterations = 1

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        """Return a hash whose iterations have eight digits."""
        parts = super().encode(password, salt, iterations).split("$")
        return "$".join([parts[0], parts[1].zfill(8), *parts[2:]])


@pytest.fixture(autouse=True)
def _hashers(settings):
    settings.PASSWORD_HASHERS = DJANGO_HASHERS


def reason(text):
    """Return why the text is not an acceptable hash."""
    with pytest.raises(InvalidValue) as raised:
        StoredHashes().read(text)
    return str(raised.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: hash_secret(SECRET),
        lambda: hash_secret(SECRET).replace("$", "$$"),
        lambda: "sha256$" + hash_secret(SECRET)[7:].upper(),
        lambda: "sha512$$" + SHA_512,
        lambda: "sha512$$" + SHA_512.upper(),
        lambda: make_password(SECRET),
        lambda: make_password(SECRET, salt="a.b-c_d"),
        lambda: make_password(SECRET, hasher="scrypt"),
        lambda: make_password(SECRET, hasher="md5"),
    ],
)
def test_accepted_hash_matches_its_secret(make):
    stored = StoredHashes().read(make())

    assert matches(SECRET, stored)
    assert not matches(SECRET + " ", stored)


@pytest.mark.parametrize("tag", ["sha256$", "sha256$$", "sha512$$"])
def test_fast_hash_counts_as_weak(tag):
    digits = SHA_512[:64] if tag.startswith("sha256") else SHA_512

    assert StoredHashes().read(tag + digits) == f"{tag[:6]}$${digits}"


@pytest.mark.parametrize(
    ("texts", "start"),
    [
        (
            [
                SECRET,
                "4711",
                SHA_512,
                "********",
                "sk_live_****abcd",
                "changeme",
                "<hash>",
                "$",
                "x" * 32,
            ],
            "This is not a hash that names its algorithm",
        ),
        (["x" * 256, "sha512$$" + "0a" * 150], "Use at most 255 characters."),
        (["!", "!" + "a" * 40], "This hash is marked as unusable."),
        (
            [
                "sha256$",
                "sha256$" + "0a" * 31,
                "sha256$" + "0a" * 64,
                "sha256$" + "0g" * 32,
                "sha512$$" + SHA_512[:100],
                "sha512$$" + SHA_512 + "\n",
            ],
            "This hash is cut off, masked or damaged.",
        ),
        (
            [
                "unknown$1$salt$00",
                "sha512$salt$00",
                "$2b$12$" + "a" * 53,
                "bcrypt$$2b$12$" + "a" * 53,
            ],
            "PASSWORD_HASHERS has no hasher for this hash.",
        ),
    ],
    ids=["no hash", "long", "unusable", "damaged", "unknown"],
)
def test_rejection_says_what_is_wrong(texts, start):
    for text in texts:
        assert reason(text).startswith(start), text


@pytest.mark.parametrize("algorithm", ["pbkdf2_sha256", "scrypt", "md5"])
def test_cut_off_hash_is_rejected(algorithm):
    stored = make_password(SECRET, hasher=algorithm)

    assert StoredHashes().read(stored) == stored
    for length in range(len(algorithm) + 1, len(stored)):
        assert not matches(SECRET, stored[:length])
        assert reason(stored[:length]).startswith("This hash is cut off")


@pytest.mark.parametrize(
    "change",
    [
        lambda stored: stored[:-6] + "*" * 6,
        lambda stored: stored + "a",
        lambda stored: stored.replace("$", "$$", 1),
        lambda stored: stored[:-6] + " " * 6,
    ],
)
def test_masked_or_damaged_hash_is_rejected(change):
    for algorithm in ("pbkdf2_sha256", "scrypt", "md5"):
        damaged = change(make_password(SECRET, hasher=algorithm))
        assert not matches(SECRET, damaged)
        assert reason(damaged).startswith("This hash is cut off, masked or damaged.")


@pytest.mark.parametrize("text", ["scrypt$3$salt$8$5$", "scrypt$2$salt$-1$5$"])
def test_impossible_parameters_are_rejected(text):
    stored = make_password(SECRET, hasher="scrypt")
    digest = stored.rpartition("$")[2]
    hashes = StoredHashes()
    assert hashes.read(stored)

    for _ in range(2):  # the second is answered from memory
        with pytest.raises(InvalidValue, match="cut off, masked or damaged"):
            hashes.read(text + digest)


@pytest.mark.parametrize("number", ["0", "01", "+1", "1_0", "-1", "00", ""])
@pytest.mark.parametrize(
    ("algorithm", "position"), [("pbkdf2_sha256", 1), ("scrypt", 1), ("scrypt", 3), ("scrypt", 4)]
)
def test_number_is_written_one_way(algorithm, position, number):
    parts = make_password(SECRET, hasher=algorithm).split("$")
    parts[position] = number

    assert not matches(SECRET, "$".join(parts))
    assert reason("$".join(parts)).startswith("This hash is cut off, masked or damaged.")


@pytest.mark.parametrize("text", ["pbkdf2_sha256$01$1$", "pbkdf2_sha256$1$$"])
def test_known_parameters_excuse_no_form(text):
    stored = make_password(SECRET, salt="1")
    hashes = StoredHashes()
    assert hashes.read(stored) == stored

    with pytest.raises(InvalidValue, match="cut off, masked or damaged"):
        hashes.read(text + stored.rpartition("$")[2])


@pytest.mark.parametrize(
    "start",
    [
        "pbkdf2_sha256$3000001$salt$",
        "pbkdf2_sha256$" + "9" * 100 + "$salt$",
        "scrypt$16384$salt$8$33$",
        "scrypt$4194304$salt$1$2$",
        "scrypt$2$salt$2097152$2$",
    ],
)
def test_too_much_work_is_refused(start):
    digest = make_password(SECRET, hasher=start.partition("$")[0]).rpartition("$")[2]

    assert reason(start + digest).startswith(
        "Comparing a secret with this hash would take too long"
    )


def test_hosts_own_work_raises_limit(settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.DiligentPBKDF2"]
    stored = make_password(SECRET)

    assert StoredHashes().read(stored) == stored
    assert reason(stored.replace("$3000010$", "$3000011$")).startswith("Comparing a secret")


def test_hosts_own_form_is_read(settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.OtherForm"]
    stored = make_password(SECRET)

    assert "$00000001$" in stored
    assert StoredHashes().read(stored) == stored
    assert matches(SECRET, stored)


@pytest.mark.parametrize(
    ("hasher", "texts", "start"),
    [
        (
            "StandInBCrypt",
            [f"bcrypt_sha256$$2{letter}$15${BCRYPT}" for letter in "aby"],
            None,
        ),
        ("StandInBCrypt", [f"bcrypt_sha256$$2b${n}${BCRYPT}" for n in (16, 31)], "Comparing a"),
        (
            "StandInBCrypt",
            [
                *[f"bcrypt_sha256$$2b${n}${BCRYPT}" for n in ("4", "03", "00", "012", "32", "")],
                f"bcrypt_sha256$$2b$12${BCRYPT.replace('.', 'a')}",
                f"bcrypt_sha256$$2b$12${BCRYPT[:-1]}+",
                f"bcrypt_sha256$$2c$12${BCRYPT}",
            ],
            "This hash is cut off",
        ),
        (
            "StandInArgon2",
            [
                f"argon2$argon2{kind}m=1048576,t=2,p=4{ARGON2}"
                for kind in ("id$v=19$", "i$v=16$", "d$")
            ],
            None,
        ),
        (
            "StandInArgon2",
            [
                f"argon2$argon2id$v=19$m={m},t={t},p=4{ARGON2}"
                for m, t in [(1048577, 2), (8, 262145), (4194304, 1)]
            ],
            "Comparing a",
        ),
        (
            "StandInArgon2",
            [
                f"argon2$argon2id${numbers}{ARGON2}"
                for numbers in (
                    "v=20$m=8,t=1,p=1",
                    "v=19$m=08,t=1,p=1",
                    "v=19$m=8,t=0,p=1",
                    "v=19$m=800,t=1,p=100",
                    "v=19$t=1,m=8,p=1",
                )
            ],
            "This hash is cut off",
        ),
    ],
)
def test_forms_of_libraries_are_known(settings, hasher, texts, start):
    settings.PASSWORD_HASHERS = [f"{__name__}.{hasher}"]

    for text in texts:
        if start is None:
            assert StoredHashes().read(text) == text
        else:
            assert reason(text).startswith(start), text


@pytest.mark.parametrize(
    ("hasher", "text"),
    [
        ("LibraryMissing", "argon2$argon2id$v=19$m=102400,t=2,p=8$c2FsdA$aGFzaA"),
        ("WithoutDecode", "own$a$b"),
    ],
)
def test_failing_hasher_is_named_as_cause(settings, hasher, text):
    settings.PASSWORD_HASHERS = [f"{__name__}.{hasher}"]

    assert reason(text).startswith("The hasher of this algorithm fails. Install its library.")


def test_older_and_other_parts_are_known(settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.WithChecksum"]
    stored = make_password(SECRET)
    older = "argon2$salt$" + "a" * 22

    assert [StoredHashes().read(each) for each in (stored, older)] == [stored, older]
    assert reason(stored[:-1]).startswith("This hash is cut off")


def test_slow_algorithm_is_tried_once(settings):
    settings.PASSWORD_HASHERS = [f"{__name__}.WithChecksum"]
    WithChecksum.compared.clear()
    hashes = StoredHashes()

    for number in range(50):
        assert hashes.read(make_password(f"{SECRET}{number}"))

    assert len(WithChecksum.compared) == 1
