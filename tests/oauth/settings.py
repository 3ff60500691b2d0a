"""Settings of the server that the clients and verifiers of others use.

The environment sets the database file and TOT_JWT, a JSON object.
"""

import json
from os import environ

from tests.settings import *  # noqa: F403

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": environ.get("TOT_JWT_OAUTH_DATABASE", ":memory:"),
    }
}
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.oauth.urls"
TOT_JWT = json.loads(environ.get("TOT_JWT_OAUTH_SETTINGS", "{}"))
