"""The plugin for pytest: it resets after each test, and has the fixture `tot_jwt_client`.

pytest loads it in each environment that has tot-jwt, also for projects without Django. So it
imports Django only when a test has done so.
"""

import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tot_jwt.testing import TotJWTClient


# The style of old versions of pluggy: the plugin must not break any session.
@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Reset after the teardown of each test's fixtures, also if that fails."""
    yield
    if _is_installed():
        from tot_jwt.testing import reset

        reset()


@pytest.fixture
# `db` is a fixture of pytest-django, which tot_jwt_client needs.
def tot_jwt_client(db: None) -> "Callable[..., TotJWTClient]":
    """``tot_jwt_client(scopes=["orders:read"])``: a test client that sends a real token.

    It is `tot_jwt.testing.create_client`.
    """
    if not _is_installed():
        pytest.fail('tot_jwt_client needs "tot_jwt" in INSTALLED_APPS.', pytrace=False)
    from tot_jwt.testing import create_client

    return create_client


def _is_installed() -> bool:
    """Return whether this process runs Django with the app tot_jwt."""
    module = sys.modules.get("django.apps")
    return module is not None and module.apps.ready and module.apps.is_installed("tot_jwt")
