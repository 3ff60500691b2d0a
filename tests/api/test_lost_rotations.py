"""The keys endpoints: a rotation whose answer got lost is repeated (contract §5)."""

from datetime import timedelta

import pytest

from tests.support.created_keys import ADMINISTRATOR
from tests.support.keys_client import client_of, code_of
from tests.support.requests import FORM, JSON, body, form, key_headers
from tests.support.stored_keys import key_in, reread, stored_columns
from tot_jwt.keys import lifecycle
from tot_jwt.models import ApiKey, KeyEvent

# The use of a secret is recorded outside transactions.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pass_time")]
STILL_VALID = (409, "previous_secret_still_valid")
SECRET = (403, "secret_required")
NOON_AND_AN_HOUR = "2025-10-29T13:00:00.000Z"


def creator_rotates(api, key, child):
    """Return the key that its creator rotates twice, and both answers."""
    return child, api.rotate(child, graceSeconds=3600), api.rotate(child)


def owner_rotates(api, key, child):
    """Return the caller's own key, which it rotates twice with the older secret."""
    first = api.rotate(key, totSecretKey=key.secret, graceSeconds=3600)
    return key, first, api.rotate(key, totSecretKey=key.secret)


def owner_rotates_with_newest(api, key, child):
    """Return the caller's own key, which it rotates twice with the current secret."""
    first = api.rotate(key, totSecretKey=key.secret, graceSeconds=3600)
    return key, first, api.rotate(key, totSecretKey=first.json()["totSecretKey"])


@pytest.mark.parametrize(
    "rotate_twice", [creator_rotates, owner_rotates, owner_rotates_with_newest]
)
def test_second_rotation_replaces_lost_secret(key, api, child, post_token, pass_time, rotate_twice):
    rotated, lost, found = rotate_twice(api, key, child)

    shown = [answer.json()["previousSecretExpiresAt"] for answer in (lost, found)]
    assert shown == [NOON_AND_AN_HOUR] * 2
    secrets = [rotated.secret, lost.json()["totSecretKey"], found.json()["totSecretKey"]]
    for seconds, older in [(0, 200), (3599, 200), (1, 401)]:
        pass_time(seconds)
        statuses = [post_token(rotated, totSecretKey=secret).status_code for secret in secrets]
        assert statuses == [older, 401, 200]


@pytest.mark.parametrize(
    "rotate_twice", [creator_rotates, owner_rotates, owner_rotates_with_newest]
)
def test_second_rotation_ends_no_token(key, api, child, make_token, get_token, rotate_twice):
    tokens = [make_token(key), make_token(child)]

    rotated, _, _ = rotate_twice(api, key, child)

    assert [get_token(token).status_code for token in tokens] == [200, 200]
    assert reread(rotated).generation == 1


def test_answer_may_get_lost_repeatedly(key, api, post_token):
    answers = [api.rotate(key, totSecretKey=key.secret, graceSeconds=3600) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [200] * 5
    secrets = [answer.json()["totSecretKey"] for answer in answers]
    statuses = [post_token(key, totSecretKey=secret).status_code for secret in secrets]
    assert statuses == [401] * 4 + [200]
    assert post_token(key).status_code == 200
    events = KeyEvent.objects.filter(key=key, action="rotated").order_by("pk")
    assert [sorted(event.changes) for event in events] == [
        ["previous_secret_expires_at", "secret_hint"],
        *[["secret_hint"]] * 4,
    ]


#: The uses of a secret, after which its answer cannot have been lost.
USES = {
    "exchange": lambda key, client, post: post(key),
    "JSON": lambda key, client, post: client.post("/me", body(key), content_type=JSON),
    "form": lambda key, client, post: client.post("/me", form(key), content_type=FORM),
    "headers": lambda key, client, post: client.get("/me", headers=key_headers(key)),
    "other process": lambda key, client, post: ApiKey.objects.filter(pk=key.pk).update(
        secret_last_used_at="2025-10-29T12:00:00Z"
    ),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_used_secret_is_not_replaced(key, api, child, client, post_token, make_token, use):
    make_token(child)  # within the same minute the key was used with the older secret
    make_token(key)
    used = [key_in(api.rotate(child)), key_in(api.rotate(key, totSecretKey=key.secret))]
    for one in used:
        use(one, client, post_token)
    before = [stored_columns(one) for one in used]

    assert code_of(api.rotate(child)) == STILL_VALID
    assert code_of(api.rotate(key, totSecretKey=used[1].secret)) == STILL_VALID
    assert code_of(api.rotate(key, totSecretKey=key.secret)) == SECRET
    assert [stored_columns(one) for one in used] == before


#: Requests with the new secret that are refused, and so do not count as its use.
REFUSED = [
    {"appDomain": "other.example.com"},
    {"totSecretKey": "wrong"},
    {"scopes": "not:held"},
]


@pytest.mark.parametrize("sent", REFUSED, ids=str)
def test_refused_use_does_not_count(api, child, post_token, sent):
    new = key_in(api.rotate(child))
    assert post_token(new, **sent).status_code in (401, 403)

    assert api.rotate(child).status_code == 200


def test_older_secrets_use_does_not_count(api, child, post_token):
    api.rotate(child)
    assert post_token(child).status_code == 200

    assert api.rotate(child).status_code == 200


def test_grace_of_zero_ends_all(key, api, child, post_token):
    lost = api.rotate(child).json()["totSecretKey"]

    new = api.rotate(child, graceSeconds=0).json()["totSecretKey"]

    statuses = [
        post_token(child, totSecretKey=secret).status_code for secret in (child.secret, lost, new)
    ]
    assert statuses == [401, 401, 200]
    assert reread(child).generation == 2


def test_older_secret_ends_nothing(key, api):
    """A rotation without a grace period needs the current secret, as ever."""
    api.rotate(key, totSecretKey=key.secret)
    before = stored_columns(key)

    assert code_of(api.rotate(key, totSecretKey=key.secret, graceSeconds=0)) == SECRET
    assert stored_columns(key) == before


def test_lost_secret_becomes_previous_after_grace(api, child, post_token, pass_time):
    lost = api.rotate(child, graceSeconds=60).json()["totSecretKey"]
    pass_time(60)

    new = api.rotate(child, graceSeconds=60).json()["totSecretKey"]

    secrets = (child.secret, lost, new)
    statuses = [post_token(child, totSecretKey=secret).status_code for secret in secrets]
    assert statuses == [401, 200, 200]


# Who holds only the older secret takes no key over from another that rotated it.


def rotate_as_administrator(key, other):
    lifecycle.rotate_key(key, by=ADMINISTRATOR)


def rotate_with_command(key, other):
    lifecycle.rotate_key(key)


def rotate_with_another_key(key, other):
    assert client_of(other).rotate(key, totSecretKey=key.secret).status_code == 200


def rotate_with_another_token(key, other):
    assert client_of(key).rotate(key, totSecretKey=key.secret).status_code == 200


def rotate_and_lose_record(key, other):
    assert client_of(key).rotate(key, totSecretKey=key.secret).status_code == 200
    KeyEvent.objects.all().erase()


def rotate_and_end_grace(key, other):
    assert client_of(key).rotate(key, totSecretKey=key.secret).status_code == 200
    lifecycle.end_previous_secret(key)


@pytest.mark.req("F1")
@pytest.mark.parametrize(
    "rotate",
    [
        rotate_as_administrator,
        rotate_with_command,
        rotate_with_another_key,
        rotate_with_another_token,
        rotate_and_lose_record,
        rotate_and_end_grace,
    ],
)
def test_older_secret_takes_no_key_over(make_key, key, api, rotate):
    rotate(key, make_key(app_domain=key.app_domain, scopes=key.scope_set))
    before = stored_columns(key)

    for grace in (0, 60, 3600):
        answer = api.rotate(key, totSecretKey=key.secret, graceSeconds=grace)
        assert code_of(answer) == SECRET
    assert stored_columns(key) == before


@pytest.mark.req("F1")
def test_ended_secret_takes_no_key_over(key, api, pass_time):
    api.rotate(key, totSecretKey=key.secret, graceSeconds=60)
    pass_time(60)

    assert code_of(api.rotate(key, totSecretKey=key.secret)) == SECRET


@pytest.mark.req("F1")
def test_account_named_like_key_is_another(make_key, key, api, make_user):
    account = make_user(username=key.public_key)
    lifecycle.rotate_key(key, by=lifecycle.Actor(account.username, user=account))

    assert code_of(api.rotate(key, totSecretKey=key.secret)) == SECRET


@pytest.mark.req("F1")
def test_wrong_secret_is_never_enough(key, api):
    api.rotate(key, totSecretKey=key.secret)

    for secret in ("wrong", key.secret + "x", key.secret[:-1], key.secret_hash):
        assert code_of(api.rotate(key, totSecretKey=secret)) == SECRET
    assert code_of(api.rotate(key)) == SECRET


def test_first_use_is_recorded_within_minute(make_key, make_token, post_token, pass_time):
    key = make_key()
    make_token(key)
    _, secret = lifecycle.rotate_key(key, grace=timedelta(hours=1))
    make_token(key)  # with the older secret
    assert reread(key).secret_last_used_at is None
    pass_time(1)

    assert post_token(key, totSecretKey=secret.reveal()).status_code == 200

    row = reread(key)
    assert row.secret_last_used_at == row.last_used_at
    assert row.previous_secret_last_used_at < row.secret_last_used_at
