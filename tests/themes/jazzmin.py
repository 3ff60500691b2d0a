"""Settings of a host with django-jazzmin."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as PLAIN_APPS

INSTALLED_APPS = ["jazzmin", *PLAIN_APPS]
# The browser of the tests must not depend on other servers.
JAZZMIN_SETTINGS = {"use_google_fonts_cdn": False}
JAZZMIN_UI_TWEAKS = {"default_theme_mode": "auto"}
