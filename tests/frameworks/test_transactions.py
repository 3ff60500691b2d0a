"""Errors of views in a host with ATOMIC_REQUESTS: what the view wrote is undone."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection

from tests.frameworks import views
from tests.support.requests import bearer

pytestmark = pytest.mark.urls("tests.frameworks.urls")


@pytest.fixture
def atomic_requests(db, monkeypatch):
    """``atomic_requests(True)``: open a transaction for each request."""
    return lambda value: monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", value)


@pytest.mark.parametrize(
    ("is_atomic", "status", "is_kept"),
    [(True, 403, False), (True, 503, False), (True, 200, True), (False, 403, True)],
)
def test_writes_before_error_are_undone(
    make_key, make_token, client, atomic_requests, is_atomic, status, is_kept
):
    headers = bearer(make_token(make_key()))
    atomic_requests(is_atomic)

    assert client.get(f"/writes?status={status}", headers=headers).status_code == status

    assert Group.objects.exists() == is_kept


def test_refused_request_keeps_surrounding_transaction(rf, atomic_requests):
    atomic_requests(True)
    Group.objects.create(name="before")

    assert views.writes(rf.get("/")).status_code == 401

    assert [group.name for group in Group.objects.all()] == ["before"]
