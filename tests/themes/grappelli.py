"""Settings of a host with django-grappelli."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as PLAIN_APPS

INSTALLED_APPS = ["grappelli", *PLAIN_APPS]
ROOT_URLCONF = "tests.themes.grappelli_urls"
