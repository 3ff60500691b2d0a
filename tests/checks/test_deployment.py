"""The checks of ``check --deploy``: the risks of production."""

import sys
from datetime import timedelta
from enum import IntEnum

import pytest

from tests.support.caches import BROKEN
from tests.support.checks import ids, make_safe, messages, safe_values
from tests.support.times import NOON
from tot_jwt.checks import check_deployment

# Some of Django's own checks ask the database for its features.
pytestmark = pytest.mark.django_db

UNLIMITED = {"KEY_CHANGE_RATE": None, "EXCHANGE_FAILURE_RATES": {"key": None}}
THROTTLE = "tot_jwt.throttles.ApiKeyThrottle"
KEY = "shared-and-32-bytes-or-more-of-it"


@pytest.fixture
def risks(settings):
    """``risks(SIMPLE_JWT=…)``: return the ids for safe settings with these changes."""
    make_safe(settings)

    def run(databases=None, **changes):
        for name, value in changes.items():
            setattr(settings, name, value)
        return ids(include_deployment_checks=True, databases=databases)

    return run


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"TOT_JWT": {"ENVIRONMENTS": ["live"]}}, ["W004", "W018"]),
        ({"TOT_JWT": safe_values(TOKEN_LIFETIME=timedelta(minutes=16))}, ["W005"]),
        ({"SECURE_SSL_REDIRECT": False}, ["W006"]),
        (
            {"SECURE_SSL_REDIRECT": False, "SECURE_PROXY_SSL_HEADER": ("HTTP_X", "https")},
            ["W007"],
        ),
        ({"USE_X_FORWARDED_HOST": True}, ["W007"]),
        ({"USE_X_FORWARDED_HOST": True, "TOT_JWT": safe_values(TRUSTED_PROXIES=1)}, []),
        ({"TOT_JWT": safe_values(THROTTLE_CACHE="local")}, ["W009"]),
        ({"TOT_JWT": safe_values(THROTTLE_CACHE="none")}, ["W009"]),
        ({"TOT_JWT": safe_values(THROTTLE_CACHE="local", KEY_CHANGE_RATE=None)}, ["W009"]),
        ({"TOT_JWT": safe_values(THROTTLE_CACHE="local", **UNLIMITED)}, []),
        (
            {"TOT_JWT": safe_values(THROTTLE_CACHE="local", RATE_LIMIT="9/sec", **UNLIMITED)},
            ["W009"],
        ),
        (
            {
                "TOT_JWT": safe_values(THROTTLE_CACHE="local", **UNLIMITED),
                "REST_FRAMEWORK": {"DEFAULT_THROTTLE_CLASSES": [THROTTLE]},
            },
            ["W009"],
        ),
        ({"USE_TZ": False}, ["W010"]),
        ({"TOT_JWT": {"ISSUER": "x"}}, ["W011", "W018"]),
        ({"TOT_JWT": safe_values(ENVIRONMENTS=["test", "live"])}, ["W011"]),
        ({"TOT_JWT": safe_values(ENVIRONMENTS=("test",))}, []),
        ({"TOT_JWT": safe_values(KEY_STATE_MAX_AGE=60)}, []),
        ({"TOT_JWT": safe_values(KEY_STATE_MAX_AGE=60.5)}, ["W012"]),
        ({"TOT_JWT": safe_values(KEY_STATE_MAX_AGE=float("inf"))}, ["W012"]),
        ({"TOT_JWT": {"TOKEN_LIFETIME": 900}}, ["E007"]),
    ],
)
def test_risks_of_production_warn(risks, changes, expected):
    assert risks(**changes) == expected


# Keys


@pytest.mark.parametrize("ours", [KEY, KEY.encode(), f"{KEY}\n"])
@pytest.mark.parametrize("name", ["SIGNING_KEY", "VERIFYING_KEYS"])
@pytest.mark.parametrize(
    "host",
    [
        {"SECRET_KEY": KEY},
        {"SECRET_KEY": KEY.encode()},
        {"SECRET_KEY_FALLBACKS": ["another key of more than 32 bytes", KEY]},
        {"SECRET_KEY_FALLBACKS": (KEY.encode(),)},
        {"SIMPLE_JWT": {"SIGNING_KEY": KEY}},
        {"SIMPLE_JWT": {"SIGNING_KEY": KEY.encode()}},
        {"SIMPLE_JWT": {"SIGNING_KEY": "x", "VERIFYING_KEY": KEY}},
    ],
)
@pytest.mark.req("A1")
def test_key_shared_with_host_warns(risks, ours, name, host):
    value = ours if name == "SIGNING_KEY" else ["v" * 32, ours]

    assert risks(TOT_JWT=safe_values(**{name: value}), **host) == ["W003"]


@pytest.mark.parametrize(
    "simple_jwt",
    [None, {}, "text", {"SIGNING_KEY": KEY[1:]}, {"SIGNING_KEY": None, "VERIFYING_KEY": ""}],
)
def test_key_of_our_own_is_safe(risks, simple_jwt):
    values = safe_values(SIGNING_KEY=KEY, VERIFYING_KEYS=["v" * 32])

    assert risks(TOT_JWT=values, SIMPLE_JWT=simple_jwt) == []


@pytest.mark.req("A5")
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ({"SECRET_KEY": "k" * 31}, ["W013"]),
        ({"SECRET_KEY": b"k" * 31}, ["W013"]),
        ({"SECRET_KEY_FALLBACKS": ["k" * 50, "k" * 31]}, ["W013"]),
        ({"SECRET_KEY": "k" * 32, "SECRET_KEY_FALLBACKS": [b"f" * 32]}, []),
        ({"SECRET_KEY": "ä" * 16}, []),
        ({"SECRET_KEY": "k" * 31, "TOT_JWT": safe_values(SIGNING_KEY=KEY)}, []),
    ],
)
def test_short_secret_key_warns(risks, host, expected):
    assert risks(**host) == expected


@pytest.mark.req("A13")
@pytest.mark.parametrize(
    "values",
    [
        {"SIGNING_KEY": "hush"},
        {"SIGNING_KEY": b"hush"},
        {"SIGNING_KEY": ["hush"]},
        {"SIGNING_KEY": f"-----BEGIN PRIVATE KEY-----\n{'hush' * 16}\n-----END PRIVATE KEY-----"},
        {"VERIFYING_KEYS": "hush" * 9},
        {"VERIFYING_KEYS": ["hush"]},
        {"VERIFYING_KEYS": [f"ssh-rsa {'hush' * 16}"]},
        {"SIGNING_KEY": "hush" * 9, "VERIFYING_KEYS": ["hush" * 8]},
        {},
    ],
)
def test_no_message_shows_a_key(settings, risks, values):
    settings.SIMPLE_JWT = {"SIGNING_KEY": "hush" * 9, "VERIFYING_KEY": "hush" * 8}
    settings.SECRET_KEY = "hush" * 7

    assert risks(SECRET_KEY_FALLBACKS=["hush"], TOT_JWT=safe_values(**values)) != []
    assert "hush" not in str(messages(include_deployment_checks=True))


# Databases and caches


class Level(IntEnum):
    """The isolation levels with psycopg2's numbers, which are not psycopg's."""

    READ_COMMITTED = 1
    REPEATABLE_READ = 2
    SERIALIZABLE = 3
    READ_UNCOMMITTED = 4


class KeepsOursAway:
    """A database router that keeps our tables out of the database `other`."""

    def allow_migrate(self, db, app_label, **hints):
        return (db == "other") == (app_label != "tot_jwt")


def database(engine, **options):
    """Return a member of DATABASES."""
    return {"ENGINE": f"django.db.backends.{engine}", "NAME": "x", "OPTIONS": options}


IGNORE = pytest.mark.filterwarnings("ignore:Overriding setting DATABASES:UserWarning")


@IGNORE
@pytest.mark.req("A11")
@pytest.mark.parametrize(
    ("settings_of_database", "expected"),
    [
        (database("postgresql", isolation_level=Level.SERIALIZABLE), ["W014"]),
        (database("postgresql", isolation_level=Level.REPEATABLE_READ), ["W014"]),
        (database("postgresql", isolation_level=Level.READ_COMMITTED), []),
        (database("postgresql", isolation_level=Level.READ_UNCOMMITTED), []),
        (database("postgresql", isolation_level=1), []),
        (database("postgresql", options="-c default_transaction_isolation=serializable"), ["W014"]),
        (
            database("postgresql", options=r"-c default_transaction_isolation='repeatable\ read'"),
            ["W014"],
        ),
        (database("postgresql", options="-c statement_timeout=5s"), []),
        (
            database(
                "postgresql",
                options="-c default_transaction_isolation=serializable",
                isolation_level=Level.READ_COMMITTED,
            ),
            [],
        ),
        (database("mysql", isolation_level="repeatable read"), ["W014"]),
        (database("mysql", isolation_level="SERIALIZABLE"), ["W014"]),
        (database("mysql", isolation_level=None), ["W014"]),
        (database("mysql", isolation_level="read committed"), []),
        (database("mysql"), []),
        (database("sqlite3", isolation_level=None), []),
        ({"ENGINE": "django.db.backends.postgresql"}, []),
    ],
)
def test_high_isolation_level_warns(risks, settings_of_database, expected):
    assert risks(DATABASES={"default": settings_of_database}) == expected


@IGNORE
@pytest.mark.parametrize(("alias", "expected"), [("default", ["W014"]), ("other", [])])
def test_database_without_our_tables_may_isolate(risks, alias, expected):
    databases = {
        "default": database("postgresql"),
        "other": database("postgresql"),
        alias: database("postgresql", isolation_level=Level.SERIALIZABLE),
    }

    assert risks(DATABASES=databases, DATABASE_ROUTERS=[KeepsOursAway()]) == expected


@IGNORE
@pytest.mark.parametrize(("level", "expected"), [(1, []), (3, ["W014"])])
def test_number_of_level_is_understood(risks, level, expected):
    """These two mean the same in psycopg and psycopg2: at most, and more than, READ COMMITTED."""
    databases = {"default": database("postgresql", isolation_level=level)}

    assert risks(DATABASES=databases) == expected


BACKENDS = "django.core.cache.backends"


@pytest.mark.parametrize(
    ("backend", "library"),
    [
        (f"{BACKENDS}.redis.RedisCache", "redis"),
        (f"{BACKENDS}.memcached.PyMemcacheCache", "pymemcache"),
        (f"{BACKENDS}.memcached.PyLibMCCache", "pylibmc"),
        ("nowhere.cache.RedisCache", "nowhere"),
    ],
)
@pytest.mark.req("D2")
def test_cache_without_its_library_warns(settings, monkeypatch, backend, library):
    make_safe(settings)
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://127.0.0.1:1"}}

    monkeypatch.setitem(sys.modules, library, None)  # so that importing it fails

    # Not all checks: some of Django's own import the library too, and fail.
    assert [message.id for message in check_deployment()] == ["tot_jwt.W015"]


@pytest.mark.parametrize(
    "cache", [BROKEN, {"BACKEND": f"{BACKENDS}.db.DatabaseCache", "LOCATION": "x"}]
)
def test_check_connects_to_no_cache(risks, cache):
    assert risks(CACHES={"default": cache}) == []


# Live keys


@pytest.mark.parametrize(
    ("debug", "key", "expected"),
    [
        (True, {}, ["W008"]),
        (False, {}, []),
        (True, {"environment": "test"}, []),
        (True, {"revoked_at": NOON}, []),
        (True, None, []),
    ],
)
def test_debug_with_live_keys_warns(risks, make_key, debug, key, expected):
    if key is not None:
        make_key(**key)

    assert risks(databases=["default"], DEBUG=debug) == expected
    assert risks() == []
