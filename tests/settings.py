"""Settings of a minimal Django project with tot_jwt.

TOT_JWT_TEST_DB selects the database: sqlite (the default), postgresql or mariadb. The variables of
the databases' own clients tell host, port and account.
"""

from os import environ
from typing import Any

DATABASE = environ.get("TOT_JWT_TEST_DB", "sqlite")

if DATABASE == "mariadb":  # pragma: no cover: coverage is measured on SQLite
    import pymysql

    # Django requires mysqlclient, which has no wheels. PyMySQL takes its place.
    pymysql.install_as_MySQLdb()

ALL_DATABASES: dict[str, dict[str, Any]] = {
    "sqlite": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    "postgresql": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "tot_jwt",
        "HOST": environ.get("PGHOST", "127.0.0.1"),
        "PORT": environ.get("PGPORT", "5432"),
        "USER": environ.get("PGUSER", "postgres"),
        "PASSWORD": environ.get("PGPASSWORD", ""),
    },
    "mariadb": {
        "ENGINE": "django.db.backends.mysql",
        "NAME": "tot_jwt",
        "HOST": environ.get("MYSQL_HOST", "127.0.0.1"),
        "PORT": environ.get("MYSQL_TCP_PORT", "3306"),
        "USER": "root",
        "PASSWORD": environ.get("MYSQL_PWD", ""),
        "TEST": {"CHARSET": "utf8mb4"},
    },
}
DATABASES = {"default": ALL_DATABASES[DATABASE]}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SECRET_KEY = "for-tests-only-" * 4
ROOT_URLCONF = "tests.urls"
USE_TZ = True
STATIC_URL = "static/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "tot_jwt",
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
