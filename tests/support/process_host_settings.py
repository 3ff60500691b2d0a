"""Settings of a host whose tests use the pytest plugin."""

from tests.settings import *  # noqa: F403
from tests.settings import ALL_DATABASES

# The session that starts this one has the test database of a server for itself.
DATABASES = {"default": ALL_DATABASES["sqlite"]}
ROOT_URLCONF = "tests.testing.urls"
TOT_JWT = {"SCOPES": {"orders:read": "Read orders", "orders:write": "Place orders"}}
