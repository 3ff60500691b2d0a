"""Simultaneous submissions of one form of the admin."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.conf import settings as host_settings
from django.db import connections
from django.test import Client

from tests.support.admin import ADD_KEY, SECRET, make_superuser, new_key_data, text
from tot_jwt.models import ApiKey

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(
        host_settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"),
        reason="SQLite has no row locks",
    ),
    pytest.mark.django_db(transaction=True),
]


@pytest.mark.req("E4")
def test_form_for_both_environments_adds_one(client, make_domain):
    user, app_domain = make_superuser(client), make_domain()

    for number in range(1, 6):
        data = new_key_data(client, app_domain)
        start = Barrier(2)

        def submit(environment, data=data, start=start):
            browser = Client()
            browser.force_login(user)
            start.wait(timeout=60)
            try:
                return text(browser.post(ADD_KEY, {**data, "environment": environment}))
            finally:
                connections.close_all()

        with ThreadPoolExecutor(2) as pool:
            pages = list(pool.map(submit, ["live", "test"]))
        assert ApiKey.objects.count() == number
        assert sum(bool(SECRET.search(page)) for page in pages) == 1
        assert sum("This form was already used" in page for page in pages) == 1
