"""The keys endpoints: lists that are walked while keys are created and revoked (contract §5)."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.support.keys_client import KEYS_URL, client_of, code_of
from tests.support.stored_keys import key_in, reread
from tests.support.tokens import b64
from tot_jwt.keys import lifecycle
from tot_jwt.models import ApiKey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]
EMPTY: dict[str, Any] = {"count": 0, "next": None, "previous": None, "results": []}
NOT_A_CURSOR = {"cursor": ["Not a cursor from the `next` or `previous` of a response."]}


@pytest.fixture
def caller(make_key):
    """Return the caller's key, which is the oldest of its domain."""
    return make_key(name="Own")


@pytest.fixture
def api(caller):
    return client_of(caller)


def fill(caller, number, **columns):
    """Create so many keys of the caller's domain; return their public keys, newest first."""
    like = reread(caller)
    start = ApiKey.objects.count()
    created = ApiKey.objects.bulk_create(
        ApiKey(
            public_key=f"k{start + one}",
            name="x",
            app_domain=like.app_domain,
            secret_hash="x",
            **columns,
        )
        for one in range(number)
    )
    return [key.public_key for key in reversed(created)]


def walk(api, answer, link="next", meanwhile=lambda shown: None):
    """Yield each key from this page on, along the links; do something after each page."""
    pages = 0
    while answer is not None:
        assert answer.status_code == 200, answer.content
        page = answer.json()
        shown = [key["totApiKey"] for key in page["results"]]
        yield from shown if link == "next" else reversed(shown)
        meanwhile(shown)
        pages += 1
        assert pages < 20, "The links lead in a circle."
        answer = page[link] and api.send("get", page[link])


def revoke_all(api, caller):
    """Return a function that revokes these keys through the API, but for the caller's own."""

    def revoke(shown):
        for public_key in shown:
            if public_key != caller.public_key:
                assert api.revoke(public_key).status_code == 204

    return revoke


@pytest.mark.parametrize("number", [49, 50, 229])
def test_revoking_walk_sees_each_key(caller, api, number):
    there = fill(caller, number)

    seen = list(walk(api, api.list(status="active"), meanwhile=revoke_all(api, caller)))

    assert seen == [*there, caller.public_key]
    assert ApiKey.objects.filter(revoked_at=None).count() == 1


CHANGES = {
    "disable": ("active", lifecycle.disable_key),
    "expire": (
        "active",
        lambda key: ApiKey.objects.filter(pk=key.pk).update(expires_at=timezone.now()),
    ),
    "enable": ("disabled", lifecycle.enable_key),
    "nothing": (None, lifecycle.revoke_key),
}


@pytest.mark.parametrize(("status", "change"), CHANGES.values(), ids=CHANGES)
def test_changing_walk_sees_each_key(caller, api, status, change):
    disabled_at = timezone.now() if status == "disabled" else None
    there = fill(caller, 120, disabled_at=disabled_at)

    def change_all(shown):
        for key in ApiKey.objects.filter(public_key__in=shown).exclude(pk=caller.pk):
            change(key)

    query = {"status": status} if status else {}
    seen = list(walk(api, api.list(**query), meanwhile=change_all))

    assert [key for key in seen if key != caller.public_key] == there


@pytest.mark.parametrize("link", ["next", "previous"])
def test_walk_ignores_keys_created_meanwhile(caller, api, link):
    there = [*fill(caller, 149), caller.public_key]
    first = api.list()
    if link == "previous":
        while first.json()["next"]:
            first = api.send("get", first.json()["next"])
        there.reverse()

    def create_and_revoke(shown):
        fill(caller, 7)
        revoke_all(api, caller)(shown[::3])

    seen = list(walk(api, first, link, create_and_revoke))

    assert [key for key in seen if key in there] == there
    assert len(set(seen)) == len(seen)
    assert link == "previous" or seen == there


def test_walk_passes_keys_revoked_ahead(caller, api):
    there = fill(caller, 149)
    gone = there[60:140]

    def revoke_ahead(shown):
        ApiKey.objects.filter(public_key__in=gone).update(revoked_at=timezone.now())

    seen = list(walk(api, api.list(status="active"), meanwhile=revoke_ahead))

    assert seen == [key for key in [*there, caller.public_key] if key not in gone]


def test_walk_back_meets_the_newest(caller, api):
    fill(caller, 60)
    second = api.send("get", api.list().json()["next"])
    newer = fill(caller, 90)

    seen = list(walk(api, second, "previous"))

    assert seen[-1] == newer[0]
    assert len(set(seen)) == len(seen) == 151


def test_page_emptied_meanwhile_is_empty(caller, api):
    fill(caller, 60)
    link = api.list(status="active").json()["next"]
    ApiKey.objects.exclude(pk=caller.pk).update(revoked_at=timezone.now())
    last = api.send("get", link).json()
    ApiKey.objects.filter(pk=caller.pk).update(expires_at=timezone.now() + timedelta(days=1))

    assert [key["totApiKey"] for key in last["results"]] == [caller.public_key]
    assert (last["count"], last["next"], last["previous"]) == (1, None, None)
    assert api.send("get", link).json() == EMPTY


@pytest.mark.parametrize("number", [50, 51])
def test_full_last_page_has_no_next(caller, api, number):
    fill(caller, number - 1)

    assert (api.list().json()["next"] is None) is (number == 50)


def test_count_is_of_all_pages(caller, api):
    fill(caller, 119)
    first = api.list(status="active").json()
    fill(caller, 3)
    lifecycle.revoke_key(ApiKey.objects.get(public_key=first["results"][0]["totApiKey"]))

    assert first["count"] == 120
    assert api.send("get", first["next"]).json()["count"] == 122


@pytest.mark.parametrize("act", [lifecycle.revoke_key, lifecycle.disable_key])
def test_ended_key_keeps_its_place(caller, api, act):
    there = [*fill(caller, 79), caller.public_key]
    first = api.list().json()
    act(ApiKey.objects.get(public_key=there[49]))

    second = api.send("get", first["next"]).json()

    assert [key["totApiKey"] for key in second["results"]] == there[50:]
    assert api.send("get", second["previous"]).json()["results"][0]["totApiKey"] == there[0]


@pytest.mark.req("F2")
def test_foreign_key_is_no_place(caller, api, make_key):
    foreign = [
        make_key(),
        make_key(app_domain=caller.app_domain, environment="test"),
        make_key(app_domain__domain=f"www.{caller.app_domain}"),
    ]
    answers = [
        api.list(cursor=b64(f"{direction}{public_key}".encode()))
        for direction in "np"
        for public_key in (*(key.public_key for key in foreign), "unknown")
    ]

    assert [(answer.status_code, answer.json()) for answer in answers] == [
        (400, NOT_A_CURSOR)
    ] * len(answers)


def test_own_cursor_is_stable(caller, api):
    """Any key of the domain is a place, also one with a name of an older system."""
    other = key_in(api.create())
    ApiKey.objects.filter(pk=other.pk).update(public_key="~" * 128)

    forward, back = (api.list(cursor=b64((way + "~" * 128).encode())).json() for way in "np")

    assert [key["totApiKey"] for key in forward["results"]] == [caller.public_key]
    assert back["results"] == []


def test_cursor_needs_valid_token(caller, api):
    fill(caller, 60)
    link = api.list().json()["next"]
    lifecycle.revoke_key(caller)

    assert code_of(api.send("get", link)) == (401, "token_revoked")
    assert link.startswith(f"http://testserver{KEYS_URL}?cursor=")
