"""Settings of a host with django-unfold."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as PLAIN_APPS

INSTALLED_APPS = ["unfold", *PLAIN_APPS]
