"""Hash secrets, and compare a secret with a stored hash. A stored hash names its algorithm.

================= ==================================================================
``sha256$<hex>``  the package's own, for secrets that an attacker cannot guess
``sha256$$<hex>`` the same hash, imported: the secret may be weak
``sha512$$<hex>`` djangorestframework-api-key's, likewise
others            what Django's password hashers read: those in PASSWORD_HASHERS
================= ==================================================================

A secret has 256 random bits, so one round of SHA-256 protects it: an attacker cannot try 2^256
values, however fast each attempt is. Only an imported secret can be weak: it is stored under the
slow hash of PASSWORD_HASHERS. No hash uses SECRET_KEY: a new SECRET_KEY must not end any API key.
"""

import hashlib
import hmac
import secrets

from django.contrib.auth.hashers import identify_hasher, make_password
from django.views.decorators.debug import sensitive_variables

from tot_jwt.utils.logs import one_line, warn

#: The shortest secret, in characters, that an attacker cannot guess although its hash is fast.
STRONG_SECRET = 20

#: The package's own tag.
OWN = "sha256$"
#: Tag → algorithm of the fast hashes whose secret may be weak.
IMPORTED = {"sha256$$": "sha256", "sha512$$": "sha512"}


@sensitive_variables()
def hash_secret(secret: str) -> str:
    """Return ``sha256$<64 hex digits>`` of the secret's UTF-8."""
    return OWN + hashlib.sha256(secret.encode()).hexdigest()


#: Compared with the secret if the key does not exist, so that both cases cost the same.
NO_SECRET = hash_secret(secrets.token_urlsafe(32))


def is_strong(secret: str) -> bool:
    """Return whether the secret is long enough for a fast hash."""
    return len(secret) >= STRONG_SECRET


@sensitive_variables()
def hash_for_storage(secret: str) -> str:
    """Return the hash under which a secret is stored: a slow one for a weak secret."""
    return hash_secret(secret) if is_strong(secret) else make_password(secret)


def is_own(stored_hash: str) -> bool:
    """Return whether the hash is the package's own, ``sha256$…``."""
    return stored_hash.startswith(OWN) and imported_tag(stored_hash) is None


def is_slow(stored_hash: str) -> bool:
    """Return whether Django's password hashers read the hash."""
    return not stored_hash.startswith(OWN) and imported_tag(stored_hash) is None


@sensitive_variables()
def imported_tag(stored_hash: str) -> str | None:
    """Return the tag of a fast hash whose secret may be weak, or None for any other hash."""
    # No generator: see `tot_jwt.http.credentials`.
    for tag in IMPORTED:
        if stored_hash.startswith(tag):
            return tag
    return None


@sensitive_variables()
def matches(secret: str, stored_hash: str) -> bool:
    """Return whether the stored hash is the secret's, in constant time. Never raises."""
    if tag := imported_tag(stored_hash):
        digest = hashlib.new(IMPORTED[tag], secret.encode()).hexdigest()
        return are_equal(tag + digest, stored_hash)
    if stored_hash.startswith(OWN):
        return are_equal(hash_secret(secret), stored_hash)
    return _matches_slow(secret, stored_hash)


def are_equal(one: str, other: str) -> bool:
    """Return whether two hashes are equal, in constant time. Never raises."""
    # compare_digest raises for text that is not ASCII.
    return hmac.compare_digest(one.encode(), other.encode(errors="backslashreplace"))


@sensitive_variables()
def _matches_slow(secret: str, stored_hash: str) -> bool:
    # Django's check_password would hash once more, at full cost, if it does not know the algorithm.
    try:
        return bool(identify_hasher(stored_hash).verify(secret, stored_hash))
    except Exception:
        # A traceback would lead error reporters to the secret.
        algorithm, tag, _ = stored_hash.partition("$")
        warn(
            "Stored hash not readable: algorithm=%s. Is its hasher in PASSWORD_HASHERS, and its "
            "library installed?",
            one_line(algorithm) if tag else "unknown",
        )
        return False
