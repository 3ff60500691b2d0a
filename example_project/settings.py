"""Settings of the example project. Environment variables set what differs between machines.

Without any variables it runs on a developer's machine: with DEBUG, a SQLite file, a cache in memory
and local host names. DEBUG is off by default if SECRET_KEY or ALLOWED_HOSTS is set, or if the
database is not SQLite. Without DEBUG, Django refuses to start until SECRET_KEY is set.
"""

import os
from pathlib import Path
from typing import Any

import environ

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
CACHES = {"default": env.cache_url_config(os.environ.get("CACHE_URL") or "locmemcache://")}

_has_sqlite = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
_is_local = _has_sqlite and not {"SECRET_KEY", "ALLOWED_HOSTS"} & os.environ.keys()

DEBUG = env.bool("DEBUG", default=_is_local)
# django-environ would replace a value that begins with "$" by the variable of that name.
SECRET_KEY = os.environ.get(
    "SECRET_KEY", "django-insecure-for-the-example-project-only" if DEBUG else ""
)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=[])
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "tot_jwt",
    "example_project.shop",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
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

TOT_JWT = {
    "ISSUER": "tot-jwt-example",
    "SCOPES": {
        "catalog:read": "Read the catalog",
        "orders:read": "Read orders",
        "orders:write": "Place orders",
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tot_jwt.authentication.JWTAuthentication"],
    # A view admits API clients only if it says so.
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "tot_jwt.permissions.NotApiClient",
    ],
    "DEFAULT_PARSER_CLASSES": [
        "example_project.shop.parsers.JSONParser",
        "example_project.shop.parsers.FormParser",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 20,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"tot_jwt": {"handlers": ["console"], "level": "INFO", "propagate": False}},
}
