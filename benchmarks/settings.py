"""Settings of a minimal host: JSON only, without middleware and logs.

Environment variables set what differs between the benchmarks.
"""

import os
from datetime import timedelta
from importlib.util import find_spec
from typing import Any

import environ

DATABASE_URL = os.environ.get("BENCHMARKS_DATABASE_URL")
DATABASES: dict[str, dict[str, Any]] = {
    "default": environ.Env().db_url_config(DATABASE_URL)
    if DATABASE_URL
    else {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": ":memory:",  # benchmarks.tables replaces it by files
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
}
DATABASES["default"]["CONN_MAX_AGE"] = None
CACHES = {
    "default": environ.Env().cache_url_config(
        os.environ.get("BENCHMARKS_CACHE_URL", "locmemcache://")
    )
}

# For the peers' logins: MD5, which takes almost no time, or PBKDF2, Django's default.
PASSWORD_HASHERS = [f"django.contrib.auth.hashers.{os.environ.get('HASHER', 'MD5')}PasswordHasher"]

_PEERS = ["rest_framework_api_key", "knox", "oauth2_provider"]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "rest_framework.authtoken",
    "tot_jwt",
    *filter(find_spec, _PEERS),
]
MIDDLEWARE: list[str] = []
ROOT_URLCONF = "benchmarks.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECRET_KEY = "for-benchmarks-only-" * 4
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True
LOGGING = {
    "version": 1,
    "disable_existing_loggers": True,
    "handlers": {"nowhere": {"class": "logging.NullHandler"}},
    "root": {"handlers": ["nowhere"], "level": "CRITICAL"},
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
TOT_JWT = {
    "KEY_STATE_MAX_AGE": int(os.environ.get("KEY_STATE_MAX_AGE", "5")),
    "SCOPES": {"orders:read": "Read orders"},
}
SIMPLE_JWT = {"ACCESS_TOKEN_LIFETIME": timedelta(hours=1)}
OAUTH2_PROVIDER = {
    "SCOPES": {"read": "Read", "introspection": "Introspect"},
    "DEFAULT_SCOPES": ["read"],
}
