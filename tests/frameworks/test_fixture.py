"""The fixture `tot_jwt_client` in a project that does not use the app."""

import pytest
from django.test import override_settings


def test_fixture_needs_the_app(request, settings):
    others = [app for app in settings.INSTALLED_APPS if app != "tot_jwt"]

    with (
        override_settings(INSTALLED_APPS=others),
        pytest.raises(pytest.fail.Exception, match='needs "tot_jwt" in INSTALLED_APPS'),
    ):
        request.getfixturevalue("tot_jwt_client")
