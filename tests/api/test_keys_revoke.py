"""The keys endpoints: revoking a key (contract §5)."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.support.created_keys import administer
from tests.support.keys_client import client_of, code_of
from tests.support.stored_keys import key_in, reread
from tests.support.times import NOON
from tot_jwt.keys import lifecycle
from tot_jwt.models import KeyEvent

pytestmark = pytest.mark.django_db


def test_repeated_revocation_changes_nothing(api, child, post_token, make_token, get_token):
    token = make_token(child)

    assert api.revoke(child).status_code == 204
    first = reread(child).revoked_at
    assert (post_token(child).status_code, code_of(get_token(token))) == (
        401,
        (401, "token_revoked"),
    )
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        assert api.revoke(child).status_code == 204
    assert reread(child).revoked_at == first
    assert KeyEvent.objects.filter(key=child, action="revoked").count() == 1
    assert api.show(child).json()["status"] == "revoked"


@pytest.mark.req("F0")
@pytest.mark.parametrize("query", [{}, {"cascade": "true"}, {"cascade": "false"}, {"x": "y"}])
def test_revocation_ends_created_keys(key, api, child, make_key, make_token, get_token, query):
    observer = client_of(make_key(app_domain=key.app_domain))
    token = make_token(child)

    assert api.revoke(key, **query).status_code == 204

    assert code_of(api.list()) == (401, "token_revoked")
    assert code_of(get_token(token)) == (401, "token_revoked")
    assert observer.show(child).json()["status"] == "revoked"
    assert reread(child).revoked_at is None
    assert [event.key for event in KeyEvent.objects.filter(action="revoked")] == [key]


def test_last_active_key_needs_force(key, api, make_key):
    make_key(app_domain=key.app_domain, disabled_at=NOON)
    make_key(app_domain=key.app_domain, expires_at=NOON)
    make_key(app_domain=key.app_domain, environment="test")
    make_key()

    assert code_of(api.revoke(key)) == (409, "last_active_key")
    assert code_of(api.revoke(key, force="false")) == (409, "last_active_key")
    assert reread(key).revoked_at is None
    assert api.revoke(key, force="true").status_code == 204


def test_created_keys_end_with_last_key(key, api, child):
    """They are no reason to let the last key go without force; a released key is one."""
    assert code_of(api.revoke(key)) == (409, "last_active_key")
    assert api.revoke(child).status_code == 204
    other = key_in(api.create())
    assert code_of(api.revoke(key)) == (409, "last_active_key")
    lifecycle.release_key(other)

    assert api.revoke(key).status_code == 204


def test_creator_revokes_beyond_its_rights(key, api, child):
    administer(key, scopes=[])

    assert code_of(api.change(child, name="x")) == (403, "key_exceeds_caller")
    assert code_of(api.rotate(child)) == (403, "key_exceeds_caller")
    assert api.change(child, disabled=True).status_code == 200
    assert api.revoke(child).status_code == 204


def test_inactive_last_key_needs_no_force(key, api, child):
    api.change(child, disabled=True)

    assert api.revoke(child).status_code == 204
