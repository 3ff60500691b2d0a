"""SQLite files of keys, one for each number of keys, and the switch between them.

All credentials follow from the number of the row, so each process can compute them.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.db.models import Model
from django.utils.module_loading import import_string

from tot_jwt.models import ApiKey, AppDomain
from tot_jwt.rules.hashes import hash_secret

KEYS_PER_DOMAIN = 100
#: The secret of all our keys. Only what is looked up must differ.
SECRET = "sk_live_tot_" + "s" * 49
CHUNK = 20_000
FAR = datetime(2100, 1, 1, tzinfo=UTC)

_wrappers: dict[Path, Any] = {}


def use(path: Path) -> None:
    """Use this file as the default database. Its connection stays open."""
    if path not in _wrappers:
        wrapper: Any = connections.create_connection("default")
        wrapper.settings_dict = {**wrapper.settings_dict, "NAME": str(path)}
        _wrappers[path] = wrapper
    connections["default"] = _wrappers[path]


def fill(path: Path, keys: int, *, peers: bool = False) -> None:
    """Create the file, unless it exists, with this number of our keys.

    With `peers`, it has as many keys of each peer.
    """
    if path.exists():
        return
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    use(unfinished)
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=OFF")
    with transaction.atomic():
        _insert(
            -(-keys // KEYS_PER_DOMAIN),
            lambda n: AppDomain(id=n + 1, domain=domain(n * KEYS_PER_DOMAIN)),
        )
        secret_hash = hash_secret(SECRET)
        _insert(
            keys,
            lambda n: ApiKey(
                app_domain_id=n // KEYS_PER_DOMAIN + 1,
                public_key=public_key(n, keys),
                name="Benchmark",
                scopes="orders:read",
                secret_hash=secret_hash,
            ),
        )
        if peers:
            _fill_peers(keys)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    unfinished.rename(path)


def domain(number: int) -> str:
    """Return the domain of a row."""
    return f"app{number // KEYS_PER_DOMAIN}.example.com"


def public_key(number: int, keys: int) -> str:
    """Return the public key of a row. It differs between files: processes cache states by it."""
    return f"pk_live_tot_{keys}x{number:010}"


def opaque(number: int) -> str:
    """Return a token for the peers, as long as DRF's."""
    return hashlib.sha256(b"%d" % number).hexdigest()[:40]


def peers_api_key(number: int) -> str:
    """Return an API key in the form of djangorestframework-api-key."""
    return f"{number:08}.{opaque(number)}"


def _fill_peers(keys: int) -> None:
    """Create a user for each key, and a token of each peer for each user."""
    token: Any = import_string("rest_framework.authtoken.models.Token")
    api_key: Any = import_string("rest_framework_api_key.models.APIKey")
    knox: Any = import_string("knox.models.AuthToken")
    oauth: Any = import_string("oauth2_provider.models.AccessToken")
    hash_api_key: Any = import_string("rest_framework_api_key.crypto.KeyGenerator")().hash
    hash_knox: Any = import_string("knox.crypto.hash_token")
    user = get_user_model()

    def peers_key(number: int) -> Any:
        hashed = hash_api_key(peers_api_key(number))
        return api_key(
            id=f"{number:08}.{hashed}", prefix=f"{number:08}", hashed_key=hashed, name="Benchmark"
        )

    def knox_token(number: int) -> Any:
        raw = opaque(number)
        return knox(digest=hash_knox(raw), token_key=raw[:15], user_id=number + 1, expiry=FAR)

    _insert(keys, lambda n: user(id=n + 1, username=f"user{n}"))
    _insert(keys, lambda n: token(key=opaque(n), user_id=n + 1))
    _insert(keys, peers_key)
    _insert(keys, knox_token)
    _insert(
        keys,
        lambda n: oauth(token=opaque(n), user_id=n + 1, scope="read introspection", expires=FAR),
    )


def _insert(count: int, row: Callable[[int], Model]) -> None:
    for start in range(0, count, CHUNK):
        rows = [row(number) for number in range(start, min(start + CHUNK, count))]
        type(rows[0])._default_manager.bulk_create(rows)
