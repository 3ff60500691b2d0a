"""Settings of the host. ``tox run -e migrating`` uses them, and installs the packages."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as APPS

INSTALLED_APPS = [
    *APPS,
    "rest_framework.authtoken",
    "rest_framework_api_key",
    "oauth2_provider",
    "knox",
    "tests.migrating.apps.Partners",
]
PASSWORD_HASHERS = [
    "tests.support.hashers.QuickPBKDF2Hasher",
    "django.contrib.auth.hashers.BCryptPasswordHasher",
    "django.contrib.auth.hashers.BCryptSHA256PasswordHasher",
    "django.contrib.auth.hashers.Argon2PasswordHasher",
]
