"""Settings of the host. ``tox run -e hosts`` uses them, and installs the packages."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as APPS
from tests.settings import MIDDLEWARE as BEFORE

INSTALLED_APPS = [
    *APPS,
    "rest_framework.authtoken",
    "simple_history",
    "reversion",
    "guardian",
    "dj_rest_auth",
    "drf_standardized_errors",
    "tests.hosts",
]
MIDDLEWARE = [
    *BEFORE,
    "simple_history.middleware.HistoryRequestMiddleware",
    "reversion.middleware.RevisionMiddleware",
    "django_currentuser.middleware.ThreadLocalUserMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ROOT_URLCONF = "tests.hosts.urls"
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.TokenAuthentication",
    ],
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
}
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]
