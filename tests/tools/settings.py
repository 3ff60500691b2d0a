"""Settings of the tests with tools that only `tox run -e tools` installs."""

from tests.settings import *  # noqa: F403
