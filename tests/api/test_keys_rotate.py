"""The keys endpoints: rotating a key (contract §5)."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from tests.support.keys_calls import MEMBERS
from tests.support.keys_client import client_of, code_of
from tests.support.stored_keys import key_in, reread, stored_columns
from tot_jwt.models import KeyEvent

pytestmark = pytest.mark.django_db
NOON = datetime(2025, 10, 29, 12, 0, 0, 250_000, tzinfo=UTC)


@time_machine.travel(NOON, tick=False)
def test_rotation_keeps_old_secret_one_day(make_key, post_token, make_token, get_token):
    api = client_of(make_key())
    child = key_in(api.create())
    token = make_token(child)

    answer = api.rotate(child)

    assert answer.status_code == 200
    assert list(answer.json()) == [*MEMBERS, "totSecretKey"]
    assert answer.json()["totSecretKey"] != child.secret
    assert answer.json()["secretHint"] == answer.json()["totSecretKey"][-4:]
    assert answer.json()["previousSecretExpiresAt"] == "2025-10-30T12:00:00.000Z"
    for secret in (child.secret, answer.json()["totSecretKey"]):
        assert post_token(child, totSecretKey=secret).status_code == 200
    assert get_token(token).status_code == 200


@pytest.mark.parametrize("grace", [1, 3600, 604800])
def test_old_secret_ends_after_grace_period(api, child, post_token, grace):
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        new = api.rotate(child, graceSeconds=grace).json()["totSecretKey"]
        for ahead, status in [(grace - 0.5, 200), (0.5, 401)]:
            traveller.shift(ahead)
            assert post_token(child).status_code == status
            assert post_token(child, totSecretKey=new).status_code == 200


def test_old_secret_never_outlives_key(api, post_token):
    with time_machine.travel(timezone.now().replace(microsecond=0), tick=False) as traveller:
        ends = timezone.now() + timedelta(hours=1)
        child = key_in(api.create(expiresAt=ends.isoformat()))

        shown = api.rotate(child).json()

        assert shown["previousSecretExpiresAt"] == shown["expiresAt"]
        traveller.shift(3600)
        for secret in (child.secret, shown["totSecretKey"]):
            assert post_token(child, totSecretKey=secret).status_code == 401


@pytest.mark.django_db(transaction=True)
def test_second_rotation_during_grace_is_rejected(api, child, post_token):
    new = api.rotate(child, graceSeconds=60).json()["totSecretKey"]
    assert post_token(child, totSecretKey=new).status_code == 200
    before = stored_columns(child)

    for sent in ({}, {"graceSeconds": 1}, {"totSecretKey": new}):
        assert code_of(api.rotate(child, **sent)) == (409, "previous_secret_still_valid")
    assert stored_columns(child) == before
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        assert api.rotate(child).status_code == 200


@pytest.mark.parametrize("within_a_grace", [False, True])
def test_rotation_without_grace_ends_older_access(
    api, child, post_token, make_token, get_token, within_a_grace
):
    token = make_token(child)
    old = [child.secret]
    if within_a_grace:
        old.append(api.rotate(child).json()["totSecretKey"])

    answer = api.rotate(child, graceSeconds=0)

    assert answer.json()["previousSecretExpiresAt"] is None
    for secret in old:
        assert post_token(child, totSecretKey=secret).status_code == 401
    assert code_of(get_token(token)) == (401, "token_revoked")
    fresh = post_token(child, totSecretKey=answer.json()["totSecretKey"])
    assert get_token(fresh.json()["token"]).status_code == 200


def test_caller_rotates_own_key(key, api):
    first = api.rotate(key, totSecretKey=key.secret)
    assert first.status_code == 200
    assert api.list().status_code == 200

    assert (
        api.rotate(key, totSecretKey=first.json()["totSecretKey"], graceSeconds=0).status_code
        == 200
    )
    assert code_of(api.list()) == (401, "token_revoked")


def test_rotated_key_stays_disabled(api, child, post_token):
    api.change(child, disabled=True)

    answer = api.rotate(child)

    assert (answer.status_code, answer.json()["status"]) == (200, "disabled")
    assert post_token(child, totSecretKey=answer.json()["totSecretKey"]).status_code == 401


#: What is sent, and whether the created keys are revoked.
ROTATIONS = [
    ({}, False),
    ({"graceSeconds": 1}, False),
    ({"graceSeconds": 0}, True),
    ({"graceSeconds": 0, "revokeCreatedKeys": False}, False),
    ({"graceSeconds": 0, "revokeCreatedKeys": True}, True),
    ({"revokeCreatedKeys": True}, True),
    ({"graceSeconds": 60, "revokeCreatedKeys": False}, False),
]


@pytest.mark.req("E7")
@pytest.mark.parametrize(("sent", "expected"), ROTATIONS, ids=str)
def test_rotation_may_revoke_created_keys(key, api, child, make_key, sent, expected):
    observer = client_of(make_key(app_domain=key.app_domain))

    assert api.rotate(key, totSecretKey=key.secret, **sent).status_code == 200

    assert observer.show(child).json()["status"] == ("revoked" if expected else "active")
    actors = KeyEvent.objects.filter(key=child, action="revoked").values_list("actor", flat=True)
    assert list(actors) == [key.public_key] * expected


@pytest.mark.django_db(transaction=True)
def test_refused_rotation_revokes_nothing(key, api, child, post_token):
    secret = key_in(api.rotate(key, totSecretKey=key.secret)).secret
    assert post_token(key, totSecretKey=secret).status_code == 200

    for sent in ({}, {"totSecretKey": "wrong"}, {"totSecretKey": key.secret}):
        answer = api.rotate(key, **sent, graceSeconds=0)
        assert code_of(answer) == (403, "secret_required")
    again = api.rotate(key, totSecretKey=secret, revokeCreatedKeys=True)

    assert code_of(again) == (409, "previous_secret_still_valid")
    assert reread(child).revoked_at is None
