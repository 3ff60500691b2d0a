"""Settings of the example project. Environment variables set what differs between machines.

Without any variables it runs on a developer's machine: with DEBUG, a SQLite file, a cache in memory
and local host names. DEBUG is off by default if SECRET_KEY or ALLOWED_HOSTS is set, or if the
database is not SQLite. Without DEBUG, Django refuses to start until SECRET_KEY is set.

Without DEBUG, the project is in its production form: HTTPS only, static files served by whitenoise,
live keys only. docs/deployment.md explains it, and lists the variables.
"""

import os
from pathlib import Path
from typing import Any

import environ

from example_project.keys import read_key, read_keys

try:
    import pymysql
except ImportError:
    pass
else:
    # Django requires mysqlclient, which needs a compiler. PyMySQL is a substitute without one.
    pymysql.install_as_MySQLdb()

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent

#: The only file that `manage.py demo` deletes and creates again.
DEMO_DATABASE = Path(os.environ.get("DEMO_DATABASE") or BASE_DIR / "demo.sqlite3").resolve()

_database_url = os.environ.get("DATABASE_URL")
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url_config(_database_url)
    if _database_url
    else {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DEMO_DATABASE)}
}
CACHES: dict[str, dict[str, Any]] = {
    "default": env.cache_url_config(os.environ.get("CACHE_URL") or "locmemcache://")
}

# docs/operations.md: without these, the drivers wait for minutes. The URLs can override them.
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    DATABASES["default"] = {
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        **DATABASES["default"],
        "OPTIONS": {
            "options": "-c statement_timeout=2000",
            "connect_timeout": 2,
            "tcp_user_timeout": 5000,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            **DATABASES["default"].get("OPTIONS", {}),
        },
    }
if CACHES["default"]["BACKEND"] == "django.core.cache.backends.redis.RedisCache":
    CACHES["default"]["OPTIONS"] = {
        "socket_connect_timeout": 0.2,
        "socket_timeout": 0.2,
        **CACHES["default"].get("OPTIONS", {}),
    }

_has_sqlite = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
_is_local = _has_sqlite and not {"SECRET_KEY", "ALLOWED_HOSTS"} & os.environ.keys()

DEBUG = env.bool("DEBUG", default=_is_local)
# django-environ would replace a value that begins with "$" by the variable of that name.
SECRET_KEY = os.environ.get(
    "SECRET_KEY", "django-insecure-for-the-example-project-only" if DEBUG else ""
)
_hosts: list[str] = env.list("ALLOWED_HOSTS", default=[])
ALLOWED_HOSTS = [host.strip() for host in _hosts if host.strip()]

# Browsers and clients use HTTPS. A proxy in front of the application may end it.
HTTPS = env.bool("HTTPS", default=not DEBUG)
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=3600) if HTTPS else 0
# Only a proxy may say that the client used HTTPS. Without a proxy, the client could claim it.
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
# HSTS for subdomains and the preload list concern other sites too. Their owner decides.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "tot_jwt",
    "tot_jwt.contrib.spectacular",
    "example_project.shop",
]
MIDDLEWARE = [
    # The first one: probes send no valid Host header and do not use HTTPS.
    "example_project.probes.ProbesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # Without DEBUG, nothing else serves the CSS of the admin.
    *([] if DEBUG else ["whitenoise.middleware.WhiteNoiseMiddleware"]),
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = os.environ.get("STATIC_ROOT") or BASE_DIR / "static"
if not DEBUG:
    # The names contain a hash of the content, so browsers may keep the files permanently.
    STORAGES = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }

TOT_JWT = {
    # The URL of this server, which its metadata must name.
    "ISSUER": os.environ.get("ISSUER") or ("http://127.0.0.1:8000" if DEBUG else "tot-jwt-example"),
    "ALGORITHM": os.environ.get("ALGORITHM") or "HS256",
    "SIGNING_KEY": read_key(os.environ.get("SIGNING_KEY", "")),
    # A list in JSON.
    "VERIFYING_KEYS": read_keys(os.environ.get("VERIFYING_KEYS", ""), "VERIFYING_KEYS"),
    # Test keys would reach the data of live keys.
    "ENVIRONMENTS": ["live", "test"] if DEBUG else ["live"],
    "TRUSTED_PROXIES": TRUSTED_PROXIES,
    # Requests of a key that has no limit of its own.
    "RATE_LIMIT": "600/min",
    "SCOPES": {
        "catalog:read": "Read the catalog",
        "orders:read": "Read orders",
        "orders:write": "Place orders",
        "tokens:introspect": "Introspect tokens",
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tot_jwt.authentication.JWTAuthentication"],
    # A view admits API clients only if it says so.
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "tot_jwt.permissions.NotApiClient",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["tot_jwt.throttles.ApiKeyThrottle"],
    "DEFAULT_PARSER_CLASSES": [
        "example_project.shop.parsers.JSONParser",
        "example_project.shop.parsers.FormParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 20,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "A small shop, protected by tot-jwt",
    "VERSION": "1.0.0",
    "DESCRIPTION": "Exchange an API key for a token, authorize with the token, and use the shop.",
    # Everyone may read the schema and the page, also with a token that has expired.
    "SERVE_AUTHENTICATION": [],
    "SERVE_INCLUDE_SCHEMA": False,
    # What a request may contain differs from what a response contains.
    "COMPONENT_SPLIT_REQUEST": True,
    # The files come from drf-spectacular-sidecar, not from another server.
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": True},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
        "json": {"()": "example_project.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": env.str("LOG_FORMAT", default="text"),
        },
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    # Without Django's own handlers, the root's writes each message once, with its traceback.
    "loggers": {"django": {"handlers": [], "level": "INFO"}},
}
