"""A host whose tables still have 32-bit keys: its default must not reach our migrations."""

from tests.settings import *  # noqa: F403

DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
