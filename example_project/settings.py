"""Settings of the example project. What differs between machines comes from the environment.

With nothing set this is somebody's desk: DEBUG, a SQLite file, memory for a cache, and Django answers to local names
only. Once SECRET_KEY or ALLOWED_HOSTS is given, or a database that is no SQLite, DEBUG is off unless asked for, and
without DEBUG Django refuses to run without a SECRET_KEY.
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
    # Django asks for mysqlclient, which is compiled at installation; PyMySQL says that it is one.
    pymysql.install_as_MySQLdb()

env = environ.Env()

BASE_DIR = Path(__file__).resolve().parent.parent

#: The file that `manage.py demo` starts over on, and the only one.
DEMO_DATABASE = Path(os.environ.get("DEMO_DATABASE") or BASE_DIR / "demo.sqlite3").resolve()

_database_url = os.environ.get("DATABASE_URL")
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url_config(_database_url)
    if _database_url
    else {"ENGINE": "django.db.backends.sqlite3", "NAME": str(DEMO_DATABASE)}
}
CACHES = {"default": env.cache_url_config(os.environ.get("CACHE_URL") or "locmemcache://")}

_has_sqlite = DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3"
_is_desk = _has_sqlite and not {"SECRET_KEY", "ALLOWED_HOSTS"} & os.environ.keys()

DEBUG = env.bool("DEBUG", default=_is_desk)
# Not through django-environ, which takes a value that begins with a dollar sign for the name of another variable.
SECRET_KEY = os.environ.get(
    "SECRET_KEY", "django-insecure-known-to-everybody-who-reads-this" if DEBUG else ""
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
        "catalog:read": "Read the catalogue",
        "orders:read": "Read orders",
        "orders:write": "Place orders",
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["tot_jwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
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
