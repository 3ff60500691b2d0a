"""Settings of a host with 32-bit primary keys, which must not change the package's migrations."""

from tests.settings import *  # noqa: F403

DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
