"""Settings of a host with django-admin-interface."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as PLAIN_APPS

INSTALLED_APPS = ["admin_interface", "colorfield", *PLAIN_APPS]
X_FRAME_OPTIONS = "SAMEORIGIN"
# Without a choice of languages the theme needs neither a middleware nor URLs for it.
LANGUAGES = [("en", "English")]
