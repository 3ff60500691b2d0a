"""The keys endpoints: changing a key (contract §5)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.support.keys_calls import MEMBERS
from tests.support.keys_client import code_of
from tests.support.stored_keys import reread, set_expiry, stored_columns
from tot_jwt.models import KeyEvent

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("long_lifetime")
def test_changes_are_stored_and_shown(api, child):
    answer = api.change(
        child,
        name="Renamed",
        scopes=["orders:read", "orders:write"],
        expiresAt="2099-06-30T12:00:00Z",
        allowedIps=["192.0.2.0/24"],
        disabled=True,
    )

    assert answer.status_code == 200
    assert list(answer.json()) == MEMBERS
    shown = answer.json()
    assert (shown["name"], shown["scopes"]) == ("Renamed", ["orders:read", "orders:write"])
    assert (shown["expiresAt"], shown["allowedIps"]) == (
        "2099-06-30T12:00:00.000Z",
        ["192.0.2.0/24"],
    )
    assert (shown["status"], shown["disabled"]) == ("disabled", True)
    assert api.show(child).json() == shown


@pytest.mark.parametrize(
    "member",
    ["nothing", "name", "scopes", "expiresAt", "allowedIps", "disabled", "metadata", "all"],
)
def test_unchanged_values_write_nothing(key, api, child, member):
    set_expiry(child, timezone.now().replace(microsecond=123_456) + timedelta(days=1))
    shown = api.show(child).json()
    changeable = {
        name: shown[name]
        for name in ("name", "scopes", "expiresAt", "allowedIps", "disabled", "metadata")
    }
    sent = {"nothing": {}, "all": changeable}.get(member) or {
        name: shown[name] for name in [member] if name in shown
    }
    events = KeyEvent.objects.count()

    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer = api.change(child, **sent)

    assert (answer.status_code, answer.json()) == (200, shown)
    assert [
        query["sql"] for query in queries if query["sql"].lstrip().startswith(("UPDATE", "INSERT"))
    ] == []
    assert KeyEvent.objects.count() == events


def test_disabled_key_works_once_enabled(api, child, post_token, make_token, get_token):
    token = make_token(child)

    assert api.change(child, disabled=True).json()["status"] == "disabled"
    assert (post_token(child).status_code, code_of(get_token(token))) == (
        401,
        (401, "token_revoked"),
    )
    first = reread(child).disabled_at
    assert api.change(child, disabled=True).status_code == 200
    assert reread(child).disabled_at == first

    assert api.change(child, disabled=False).json()["status"] == "active"
    assert (post_token(child).status_code, get_token(token).status_code) == (200, 200)


def test_revoked_key_cannot_be_changed(key, api, child):
    api.revoke(child)
    before = stored_columns(child)

    for answer in (
        api.change(child, name="x"),
        api.change(child, disabled=True),
        api.change(child, disabled=False),
        api.rotate(child),
        api.rotate(child, graceSeconds=0),
    ):
        assert code_of(answer) == (409, "key_revoked")
    assert stored_columns(child) == before
